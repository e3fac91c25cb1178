from datetime import date

from odoo import models


class CrmContract(models.Model):
    """Invoices that a user makes for a contract by hand, beside those of its periods."""

    # Apart from the contract itself.
    _inherit = "crm.contract"  # pylint: disable=consider-merging-classes-inherited

    # -------------------------------------------------------------------------
    # ACTIONS
    # -------------------------------------------------------------------------

    def action_new_invoice(self):
        """The form of a new invoice with the services in force filled in; it bills no period."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New Invoice"),
            "res_model": "account.move",
            "view_mode": "form",
            "context": self._get_new_invoice_context(),
        }

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _get_new_invoice_context(self):
        return {
            "default_move_type": "out_invoice",
            "default_company_id": self.company_id.id,
            "default_partner_id": self._get_invoice_partner().id,
            "default_contract_id": self.id,
        }

    def _get_invoice_partner(self):
        return self.env["res.partner"].browse(self.partner_id.address_get(["invoice"])["invoice"])

    def _prepare_invoice_lines_vals(self):
        """Values of invoice lines for the services in force today, otherwise for those that come next."""
        self.ensure_one()
        today = self.company_id._crm_today()
        lines = self.line_ids._in_force(today, today) or self.line_ids._in_force(today, date.max)
        return [line._prepare_invoice_line_vals() for line in lines]
