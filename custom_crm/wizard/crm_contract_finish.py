from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import format_date


class CrmContractFinish(models.TransientModel):
    """Asks for the last day of a contract, why it ends, and how its last period is settled."""

    _name = "crm.contract.finish"
    _description = "Finish a Contract"

    contract_id = fields.Many2one("crm.contract", required=True, ondelete="cascade")
    date_end = fields.Date(
        string="Last Day",
        required=True,
        compute="_compute_date_end",
        store=True,
        readonly=False,
        precompute=True,
        help="Last day of the service. Days up to it that are not billed yet stay due.",
    )
    reason_id = fields.Many2one("crm.contract.finish.reason", ondelete="set null")
    reason = fields.Char(
        string="Explanation",
        required=True,
        compute="_compute_reason",
        store=True,
        readonly=False,
        precompute=True,
        help="Told in the history of the contract.",
    )
    billed_until = fields.Date(
        compute="_compute_settlement", help="Set if the contract is billed beyond its last day already."
    )
    is_unbilled = fields.Boolean(compute="_compute_settlement", help="Days up to the last one are not billed yet.")
    is_credited = fields.Boolean(
        string="Credit Note",
        compute="_compute_is_credited",
        store=True,
        readonly=False,
        precompute=True,
        help="Give back, by days, what is billed beyond the last day.",
    )
    is_billed_now = fields.Boolean(
        string="Last Invoice Now", help="Otherwise the next billing run bills the rest when it is due."
    )

    @api.depends("contract_id")
    def _compute_date_end(self):
        for wizard in self:
            contract = wizard.contract_id
            wizard.date_end = contract and (
                contract.date_end or max(contract.company_id._crm_today(), contract.date_start)
            )

    @api.depends("reason_id")
    def _compute_reason(self):
        for wizard in self:
            wizard.reason = wizard.reason_id.name or wizard.reason

    @api.depends("contract_id", "date_end")
    def _compute_settlement(self):
        for wizard in self:
            contract, date_end = wizard.contract_id, wizard.date_end
            wizard.billed_until = date_end and contract._get_billed_until(fields.Date.add(date_end, days=1))
            wizard.is_unbilled = bool(date_end and contract._is_unbilled_until(date_end))

    @api.depends("billed_until")
    def _compute_is_credited(self):
        for wizard in self:
            wizard.is_credited = bool(wizard.billed_until and wizard.contract_id.prorate)

    @api.constrains("date_end")
    def _check_date_end(self):
        for wizard in self:
            agreed = wizard.contract_id.date_end
            if agreed and wizard.date_end > agreed:
                raise ValidationError(
                    self.env._(
                        "Contract %(contract)s ends on %(date)s. Choose that day or an earlier one.",
                        contract=wizard.contract_id.display_name,
                        date=format_date(self.env, agreed),
                    )
                )
            if wizard.date_end < wizard.contract_id.date_start:
                raise ValidationError(
                    self.env._(
                        "Contract %(contract)s begins on %(date)s, it can't end before.",
                        contract=wizard.contract_id.display_name,
                        date=format_date(self.env, wizard.contract_id.date_start),
                    )
                )

    def action_finish(self):
        """Finish the contract; show the last invoices and credit notes, if there are any."""
        self.ensure_one()
        contract = self.contract_id
        contract._finish(self.date_end, self.reason, self.reason_id)
        moves = self.env["account.move"]
        if self.is_billed_now:
            moves |= contract._bill_rest()
        if self.is_credited:
            moves |= contract._credit_from(fields.Date.add(self.date_end, days=1))
        if moves:
            return moves._get_records_action(name=self.env._("Last Documents of the Contract"))
        return {"type": "ir.actions.act_window_close"}
