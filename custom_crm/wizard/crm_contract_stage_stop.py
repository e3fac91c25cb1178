from odoo import fields, models


class CrmContractStageStop(models.TransientModel):
    """Asks why a stage is skipped, or why the process of a contract is stopped."""

    _name = "crm.contract.stage.stop"
    _description = "Skip a Stage or Stop a Process"

    stage_id = fields.Many2one("crm.contract.stage", required=True, readonly=True, ondelete="cascade")
    mode = fields.Selection(
        [("skip", "Skip the stage"), ("cancel", "Stop the process")], required=True, readonly=True, default="skip"
    )
    reason = fields.Text(required=True)

    def action_skip(self):
        """Close the stage unfinished, open the next one and show it to who works on it.

        :raises AccessError: the user is not an administrator
        :raises UserError: the stage is closed
        """
        self.ensure_one()
        return self.stage_id._get_next_action(self.stage_id._skip(self.reason))

    def action_cancel(self):
        """Close the stage and open nothing: the contract stays in force without a process.

        :raises AccessError: the user is not a manager
        :raises UserError: the stage is closed
        """
        self.ensure_one()
        self.stage_id._cancel(self.reason)
        return {"type": "ir.actions.act_window_close"}
