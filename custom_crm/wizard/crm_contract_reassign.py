from odoo import api, fields, models
from odoo.exceptions import UserError


class CrmContractReassign(models.TransientModel):
    """Asks to whom contracts are handed over; closed ones among them keep their responsible."""

    _name = "crm.contract.reassign"
    _description = "Hand Over Contracts"

    contract_ids = fields.Many2many(
        "crm.contract", string="Contracts", required=True, default=lambda self: self._get_contracts()
    )
    closed_count = fields.Integer(compute="_compute_closed_count")
    company_ids = fields.Many2many("res.company", compute="_compute_company_ids")
    user_id = fields.Many2one(
        "res.users",
        string="New Responsible",
        required=True,
        ondelete="cascade",
        domain="[('can_be_responsible', '=', True), ('company_ids', 'in', company_ids)]",
    )
    reason = fields.Text(help="Noted on each contract.")

    @api.model
    def _get_contracts(self):
        if self.env.context.get("active_model") != "crm.contract":
            return False
        return self.env["crm.contract"].browse(self.env.context.get("active_ids", []))

    @api.depends("contract_ids")
    def _compute_closed_count(self):
        for wizard in self:
            wizard.closed_count = len(wizard.contract_ids) - len(wizard.contract_ids._filter_in_work())

    @api.depends("contract_ids")
    def _compute_company_ids(self):
        for wizard in self:
            wizard.company_ids = wizard.contract_ids.company_id

    def action_reassign(self):
        """Hand the contracts over that are not closed.

        :raises UserError: all of them are closed
        :raises ValidationError: the new responsible can't be it
        """
        self.ensure_one()
        contracts = self.contract_ids._filter_in_work()
        if not contracts:
            raise UserError(self.env._("These contracts are closed and keep their responsible. Choose others."))
        contracts.action_reassign(self.user_id.id, self.reason)
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._(
                    "Contracts handed over to %(user)s: %(count)s.", user=self.user_id.name, count=len(contracts)
                ),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }
