from odoo import api, fields, models


class CrmContractSuspend(models.TransientModel):
    """Asks from which day on a contract gives no service, and why."""

    _name = "crm.contract.suspend"
    _description = "Suspend a Contract"

    contract_id = fields.Many2one("crm.contract", required=True, ondelete="cascade")
    date_from = fields.Date(
        string="First Day without Service",
        required=True,
        compute="_compute_date_from",
        store=True,
        readonly=False,
        precompute=True,
    )
    reason = fields.Char(required=True)
    billed_until = fields.Date(compute="_compute_billed_until", help="Set if days without service are billed already.")
    is_credited = fields.Boolean(
        string="Credit Note",
        compute="_compute_is_credited",
        store=True,
        readonly=False,
        precompute=True,
        help="Give back, by days, what is billed from the first day without service on. The service is billed again "
        "from the day on which it is resumed.",
    )

    @api.depends("contract_id")
    def _compute_date_from(self):
        for wizard in self:
            contract = wizard.contract_id
            wizard.date_from = contract and max(contract.company_id._crm_today(), contract.date_start)

    @api.depends("contract_id", "date_from")
    def _compute_billed_until(self):
        for wizard in self:
            wizard.billed_until = wizard.date_from and wizard.contract_id._get_billed_until(wizard.date_from)

    @api.depends("billed_until")
    def _compute_is_credited(self):
        for wizard in self:
            wizard.is_credited = bool(wizard.billed_until and wizard.contract_id.prorate)

    def action_suspend(self):
        """Suspend the contract; show the credit notes, if they are wanted."""
        self.ensure_one()
        self.contract_id.action_suspend(self.date_from, self.reason)
        credited = self.is_credited and self.contract_id._credit_from(self.date_from)
        if credited:
            return credited._get_records_action(name=self.env._("Credit Notes"))
        return {"type": "ir.actions.act_window_close"}
