from odoo import api, fields, models


class CrmContractStageReassign(models.TransientModel):
    """Asks to whom open stages are handed over, and why."""

    _name = "crm.contract.stage.reassign"
    _description = "Hand Over Stages"

    stage_ids = fields.Many2many("crm.contract.stage", string="Stages", required=True, readonly=True)
    company_ids = fields.Many2many("res.company", compute="_compute_company_ids")
    user_id = fields.Many2one(
        "res.users",
        string="New Responsible",
        required=True,
        ondelete="cascade",
        domain="[('can_be_responsible', '=', True), ('company_ids', 'in', company_ids)]",
    )
    reason = fields.Text(required=True)

    @api.depends("stage_ids")
    def _compute_company_ids(self):
        for wizard in self:
            wizard.company_ids = wizard.stage_ids.company_id

    def action_reassign(self):
        """Hand the stages over, with a note on each and the activity.

        :raises AccessError: the user is not a manager
        :raises UserError: a stage is closed, or the new responsible is not active
        """
        self.ensure_one()
        self.stage_ids.action_reassign(self.user_id.id, self.reason)
        return {"type": "ir.actions.act_window_close"}
