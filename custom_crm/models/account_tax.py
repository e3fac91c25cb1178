from odoo import models

from ..tools import formats


class AccountTax(models.Model):
    _inherit = "account.tax"

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _have_own_accounts(self):
        """Whether what the taxes of an invoice are booked on does not depend on its lines."""
        taxes = self.flatten_taxes_hierarchy()
        return all(row.account_id for row in taxes.invoice_repartition_line_ids if row.repartition_type == "tax")

    def _is_exempt(self):
        """Whether this stands for no VAT at all, and not for a rate of 0 %."""
        self.ensure_one()
        return not self.amount and "без" in f"{self.name} {self.invoice_label or ''}".lower()

    def _get_document_label(self):
        """VAT and its rate as Russian documents name it, «НДС 22 %»; other kinds of taxes by their name."""
        self.ensure_one()
        if self.amount_type == "percent":
            return f"НДС {formats.number(self.amount)}\u00a0%"
        return self.invoice_label or self.name
