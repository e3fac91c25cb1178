from odoo import api, models
from odoo.exceptions import UserError

from .crm_contract_stage_activity import ACTIVITY_STAGE

STAGE = "crm.contract.stage"
# What makes it the activity of its stage, its responsible and its deadline.
PROTECTED_FIELDS = {"activity_type_id", "automated", "date_deadline", "res_id", "res_model_id", "user_id"}


class MailActivity(models.Model):
    """The activity of an open stage ends with its stage only, so that the responsible always has it."""

    _inherit = "mail.activity"

    # -------------------------------------------------------------------------
    # CRUD
    # -------------------------------------------------------------------------

    def write(self, vals):
        """Complete the stages whose activities are marked as done, which Odoo does by archiving them.

        :raises AccessError: the user is neither responsible for the stage nor a manager
        :raises UserError: a mandatory item is not done, or the activity would no longer be that of its stage
        """
        if PROTECTED_FIELDS & vals.keys() and not self.env.su:
            self._check_no_open_stage()
        if vals.get("active") and not self.env.su:
            self._check_not_closed()
        stages = self._get_open_stages() if not vals.get("active", True) else self.env[STAGE]
        result = super().write(vals)
        if stages:
            stages.action_complete()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_open_stage(self):
        # Our own methods hand stages over and close them with sudo.
        if not self.env.su:
            self._check_no_open_stage()

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _check_no_open_stage(self):
        stages = self._get_open_stages()
        if stages:
            raise UserError(
                self.env._(
                    "This activity goes with its stage. Complete the stage, return it or hand it over instead: "
                    "%(stages)s",
                    stages=", ".join(stages.sudo().mapped("display_name")),
                )
            )

    def _check_not_closed(self):
        stages = self.filtered(lambda activity: not activity.active)._get_stages()
        closed = stages.filtered(lambda stage: stage.state != "open")
        if closed:
            raise UserError(
                self.env._(
                    "These stages are closed, there is nothing to do any more: %(stages)s",
                    stages=", ".join(closed.mapped("display_name")),
                )
            )

    def _get_open_stages(self):
        """Open stages that these are the activities of, with the user's rights."""
        stages = self.filtered("active")._get_stages()
        return stages.filtered(lambda stage: stage.state == "open").with_env(self.env)

    def _get_stages(self):
        """Stages that these are the activities of. Takes no query where none is an activity on a stage."""
        # sudo: only to tell which they are, the user's rights are checked by what follows.
        activities = self.sudo().filtered(lambda activity: activity.res_model == STAGE and activity.automated)
        if not activities:
            return self.env[STAGE].sudo()
        stage_type = self.env.ref(ACTIVITY_STAGE)
        activities = activities.filtered(lambda activity: activity.activity_type_id == stage_type)
        return self.env[STAGE].sudo().browse(activities.mapped("res_id")).exists()
