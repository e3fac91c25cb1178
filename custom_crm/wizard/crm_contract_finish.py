from odoo import api, fields, models
from odoo.exceptions import ValidationError


class CrmContractFinish(models.TransientModel):
    """Asks for the last day of a contract and why it ends."""

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
    reason = fields.Char(required=True)
    billed_until = fields.Date(
        compute="_compute_billed_until", help="Set if the contract is billed beyond its last day already."
    )

    @api.depends("contract_id")
    def _compute_date_end(self):
        for wizard in self:
            contract = wizard.contract_id
            wizard.date_end = max(contract.company_id._crm_today(), contract.date_start)

    @api.depends("contract_id", "date_end")
    def _compute_billed_until(self):
        for wizard in self:
            ends = wizard.contract_id.period_ids.filtered("move_id").mapped("date_end")
            last = max(ends, default=False)
            wizard.billed_until = last if last and wizard.date_end and last > wizard.date_end else False

    @api.constrains("date_end")
    def _check_date_end(self):
        for wizard in self:
            if wizard.date_end < wizard.contract_id.date_start:
                raise ValidationError(
                    self.env._(
                        "Contract %(contract)s begins on %(date)s, it can't end before.",
                        contract=wizard.contract_id.display_name,
                        date=fields.Date.to_string(wizard.contract_id.date_start),
                    )
                )

    def action_finish(self):
        """Finish the contract."""
        self.ensure_one()
        self.contract_id._finish(self.date_end, self.reason)
        return {"type": "ir.actions.act_window_close"}
