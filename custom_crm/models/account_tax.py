from odoo import models


class AccountTax(models.Model):
    _inherit = "account.tax"

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _have_own_accounts(self):
        """Whether what the taxes of an invoice are booked on does not depend on its lines."""
        taxes = self.flatten_taxes_hierarchy()
        return all(row.account_id for row in taxes.invoice_repartition_line_ids if row.repartition_type == "tax")
