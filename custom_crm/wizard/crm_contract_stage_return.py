from odoo import fields, models


class CrmContractStageReturn(models.TransientModel):
    """Asks why a contract goes back to the previous stage."""

    _name = "crm.contract.stage.return"
    _description = "Return to the Previous Stage"

    stage_id = fields.Many2one("crm.contract.stage", required=True, readonly=True, ondelete="cascade")
    reason = fields.Text(required=True)

    def action_return(self):
        """Return the stage and show the one that is open now to its responsible; tell others who that is.

        :raises AccessError: the user is neither responsible for the stage nor a manager
        :raises UserError: the stage is closed, or it can't be returned
        """
        self.ensure_one()
        return self.stage_id._return(self.reason)._get_opened_action()
