from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import format_date

from ..tools.periods import ONE_DAY


class CrmContractFinish(models.TransientModel):
    """Asks for the last day of a contract, why it ends, and how its last period is settled."""

    _name = "crm.contract.finish"
    _description = "Finish a Contract"
    _inherit = ["crm.contract.stop"]

    stage_name = fields.Char(related="contract_id.current_stage_id.name", string="Open Stage")
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
    rest_count = fields.Integer(
        string="Invoices", compute="_compute_rest", help="So many invoices bill what is not billed yet."
    )
    rest_amount = fields.Monetary(string="Not Billed Yet", compute="_compute_rest", help="Up to the last day.")
    is_billed_now = fields.Boolean(
        string="Bill It Now", help="Otherwise the next billing runs bill it, each period when it is due."
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

    @api.depends("date_end")
    def _compute_date_stop(self):
        for wizard in self:
            wizard.date_stop = wizard.date_end and wizard.date_end + ONE_DAY

    @api.depends("contract_id", "date_end")
    def _compute_rest(self):
        for wizard in self:
            contract = wizard.contract_id._origin
            rest = self.env["crm.contract.period"]
            if contract and wizard.date_end and wizard.date_end <= contract._get_last_sensible_day():
                rest = contract._preview_rest(wizard.date_end)
            wizard.rest_count = len(rest)
            wizard.rest_amount = sum(rest.mapped("amount_total"))

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
            if wizard.date_end > wizard.contract_id._get_last_sensible_day():
                raise ValidationError(
                    self.env._(
                        "%(date)s is many years ahead. Is it a typo?", date=format_date(self.env, wizard.date_end)
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
        moves = contract._bill_rest() if self.is_billed_now else self.env["account.move"]
        moves |= self._credit()
        if moves:
            return moves._get_records_action(name=self.env._("Last Documents of the Contract"))
        return {"type": "ir.actions.act_window_close"}
