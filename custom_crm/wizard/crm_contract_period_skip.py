from odoo import fields, models


class CrmContractPeriodSkip(models.TransientModel):
    """Asks why periods are not billed."""

    _name = "crm.contract.period.skip"
    _description = "Leave a Period Unbilled"

    period_ids = fields.Many2many("crm.contract.period", string="Periods", required=True, readonly=True)
    reason = fields.Text(required=True)

    def action_skip(self):
        """Skip the periods.

        :raises AccessError: the user may not change the contracts
        :raises UserError: a period is billed, or somebody is billing it at this moment
        """
        self.ensure_one()
        self.period_ids._skip(self.reason)
        return {"type": "ir.actions.act_window_close"}
