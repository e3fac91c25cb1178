from odoo import models

ACTIVITY_STAGE = "custom_crm.mail_activity_stage"
# What the process owner gets when a stage is overdue.
ACTIVITY_ESCALATION = "mail.mail_activity_data_todo"


class CrmContractStage(models.Model):
    """What people are told of a stage: an activity for its responsible, a line on its contract."""

    # Apart from the passing of stages, which is another matter.
    _inherit = "crm.contract.stage"  # pylint: disable=consider-merging-classes-inherited

    # -------------------------------------------------------------------------
    # ACTIVITIES
    # -------------------------------------------------------------------------

    def _schedule_activity(self):
        """One activity for each stage's responsible, all at once."""
        activity_type = self.env.ref(ACTIVITY_STAGE)
        self.env["mail.activity"].create(
            [stage._prepare_stage_activity_vals(activity_type, stage.user_id) for stage in self]
        )

    def _prepare_stage_activity_vals(self, activity_type, user):
        self.ensure_one()
        return {
            "activity_type_id": activity_type.id,
            "automated": True,
            "summary": self.name,
            "date_deadline": self.date_deadline,
            "res_model_id": self.env["ir.model"]._get_id(self._name),
            "res_id": self.id,
            "user_id": user.id,
        }

    def _move_activity(self):
        for user, stages in self.grouped("user_id").items():
            # sudo: the activity is the former responsible's.
            stages.sudo().activity_reschedule([ACTIVITY_STAGE], new_user_id=user.id)

    def _end_activities(self, *, is_done):
        """End the activities of closed stages, as done or as called off."""
        # sudo: a manager closes the activities of the responsible and of the process owner.
        activities = self.sudo().activity_search([ACTIVITY_STAGE, ACTIVITY_ESCALATION])
        if is_done:
            activities.action_feedback()
        else:
            activities.unlink()

    # -------------------------------------------------------------------------
    # LINES ON THE CONTRACT
    # -------------------------------------------------------------------------

    def _log_on_contracts(self, get_body):
        """Note on each stage's contract what the function says of the stage, all at once; nobody is notified."""
        # sudo: who works on a stage need not be able to change its contract.
        for company, stages in self.sudo().grouped("company_id").items():
            # What the system does by itself, it tells in the company's language.
            stages = stages.with_context(lang=self.env.lang or company.partner_id.lang)  # noqa: PLW2901
            stages.contract_id._message_log_batch({stage.contract_id.id: get_body(stage) for stage in stages})

    def _get_opened_message(self):
        self.ensure_one()
        return self.env._("Stage %(stage)s is opened, responsible: %(user)s.", stage=self.name, user=self.user_id.name)

    def _get_closed_message(self):
        self.ensure_one()
        values = {"stage": self.name, "reason": self.close_reason}
        if self.state == "done":
            return self.env._("Stage %(stage)s is completed.", **values)
        if self.state == "returned":
            return self.env._("Stage %(stage)s is returned: %(reason)s", **values)
        if self.is_skipped:
            return self.env._("Stage %(stage)s is skipped: %(reason)s", **values)
        if self.close_reason:
            return self.env._("Process stopped at stage %(stage)s: %(reason)s", **values)
        return self.env._("Process stopped at stage %(stage)s.", **values)
