from odoo import api, fields, models


class CrmContractStageReturn(models.TransientModel):
    """Asks why a contract goes back to the previous stage."""

    _name = "crm.contract.stage.return"
    _description = "Return to the Previous Stage"

    stage_id = fields.Many2one("crm.contract.stage", required=True, readonly=True, ondelete="cascade")
    previous_stage_id = fields.Many2one(
        "crm.process.stage", string="Goes Back To", compute="_compute_previous_stage_id", help="Opened once more."
    )
    reason = fields.Text(required=True)

    @api.depends("stage_id")
    def _compute_previous_stage_id(self):
        for wizard in self:
            wizard.previous_stage_id = wizard.stage_id and wizard.stage_id._get_previous_definition()

    def action_return(self):
        """Return the stage and show the one that is open now to who works on it; tell others who that is.

        :raises AccessError: the user is neither responsible for the stage nor a manager
        :raises UserError: the stage is closed, or it can't be returned
        """
        self.ensure_one()
        return self.stage_id._get_next_action(self.stage_id._return(self.reason))
