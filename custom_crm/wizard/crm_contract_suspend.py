from odoo import api, fields, models


class CrmContractSuspend(models.TransientModel):
    """Asks from which day on a contract gives no service, and why."""

    _name = "crm.contract.suspend"
    _description = "Suspend a Contract"
    _inherit = ["crm.contract.stop"]

    date_from = fields.Date(
        string="First Day without Service",
        required=True,
        compute="_compute_date_from",
        store=True,
        readonly=False,
        precompute=True,
    )
    reason = fields.Char(required=True)
    is_credited = fields.Boolean(
        help="Give back, by days, what is billed from the first day without service on. The service is billed again "
        "from the day on which it is resumed."
    )

    @api.depends("contract_id")
    def _compute_date_from(self):
        for wizard in self:
            contract = wizard.contract_id
            wizard.date_from = contract and max(contract.company_id._crm_today(), contract.date_start)

    @api.depends("date_from")
    def _compute_date_stop(self):
        for wizard in self:
            wizard.date_stop = wizard.date_from

    def action_suspend(self):
        """Suspend the contract; show the credit notes, if they are wanted."""
        self.ensure_one()
        self.contract_id.action_suspend(self.date_from, self.reason)
        if credited := self._credit():
            return credited._get_records_action(name=self.env._("Credit Notes"))
        return {"type": "ir.actions.act_window_close"}
