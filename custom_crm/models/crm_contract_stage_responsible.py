from odoo import api, models
from odoo.fields import Domain

from .crm_contract_stage_activity import ACTIVITY_STAGE


class CrmContractStage(models.Model):
    """An open stage always has an active responsible; a closed one keeps whoever it was."""

    _name = "crm.contract.stage"
    _inherit = ["crm.contract.stage", "crm.responsible.mixin"]

    _responsible_activity = ACTIVITY_STAGE

    # -------------------------------------------------------------------------
    # COMPUTES
    # -------------------------------------------------------------------------

    @api.depends("state")
    def _compute_has_responsible(self):
        return super()._compute_has_responsible()

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    @api.model
    def _get_abandoned_domain(self):
        return Domain("state", "=", "open") & super()._get_abandoned_domain()

    def _prepare_responsible_activity_vals(self, activity_type, user):
        return self._prepare_stage_activity_vals(activity_type, user)

    def _log_hand_over(self, formers, user, reasons):
        result = super()._log_hand_over(formers, user, reasons)
        self._log_on_contracts(
            lambda stage: f"{stage.name}. {self._get_hand_over_text(formers[stage], user, reasons.get(stage))}"
        )
        return result

    def _leave_to_working_group(self):
        """Give open stages of people who left the working group to whoever the definition names now.

        Callers run it with sudo. If nobody is named, the process owner takes over, else the default responsible.
        """
        successors = self.grouped(lambda stage: stage.stage_id._get_responsible(stage.contract_id))
        for user, stages in successors.items():
            handed_over = stages.filtered(lambda stage, user=user: stage.user_id != user)
            reasons = {
                stage: self.env._("%(user)s is no longer in the working group", user=stage.user_id.name)
                for stage in handed_over
            }
            handed_over._give_to(user, reasons)
            handed_over._schedule_once(self._responsible_activity, user)
