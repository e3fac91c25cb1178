from odoo import api, fields, models
from odoo.fields import Command


class AccountMove(models.Model):
    """An invoice made by hand for a contract: its services are filled in, for the user to change."""

    # Apart from what an invoice is.
    _inherit = "account.move"  # pylint: disable=consider-merging-classes-inherited

    settlement = fields.Selection(related="contract_id.settlement")

    @api.onchange("contract_id")
    def _onchange_contract_id(self):
        """Fill in the services in force for an invoice that has no lines yet; lines that are there stay."""
        contract = self.contract_id
        if not contract or self.move_type != "out_invoice" or self.period_id:
            return None
        self.partner_id = self.partner_id or contract._get_invoice_partner()
        self.currency_id = contract.currency_id
        self.invoice_user_id = contract.user_id
        self.invoice_origin = contract.name
        if self.invoice_line_ids:
            return {
                "warning": {
                    "type": "notification",
                    "title": self.env._("The lines stay as they are"),
                    "message": self.env._(
                        "For the services of contract %(contract)s delete the lines and choose the contract again.",
                        contract=contract.name,
                    ),
                }
            }
        vals_list = contract._prepare_invoice_lines_vals()
        self.invoice_line_ids = [Command.create(vals) for vals in vals_list]
        # Of lines that are not saved yet Odoo computes the text anew.
        for line, vals in zip(self.invoice_line_ids, vals_list, strict=True):
            line.name = vals["name"]
        return None
