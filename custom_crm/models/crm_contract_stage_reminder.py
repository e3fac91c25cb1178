from datetime import timedelta

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import format_date

from .crm_contract_stage_activity import ACTIVITY_ESCALATION


class CrmContractStage(models.Model):
    """Nobody forgets a deadline: the responsible is reminded before it, the process owner is told after it."""

    # Apart from the passing of stages, which is another matter.
    _inherit = "crm.contract.stage"  # pylint: disable=consider-merging-classes-inherited

    # -------------------------------------------------------------------------
    # SCHEDULED ACTIONS
    # -------------------------------------------------------------------------

    @api.model
    def _cron_remind(self):
        """Remind the responsible of what is due soon, tell the owners what is overdue: each stage once.

        Saved chunk by chunk, together with the mark that it was told, so a killed run goes on where it stopped.
        """
        if self._work_in_chunks(self._get_remind_domain(), "_remind"):
            self._work_in_chunks(self._get_escalate_domain(), "_escalate")

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    @api.model
    def _get_remind_domain(self):
        """Open stages whose deadline comes within the days that their company has chosen, or is past already."""
        companies = self.env["res.company"].search([("crm_reminder_days", ">", 0)])
        due = Domain.OR(
            Domain("company_id", "in", group.ids) & Domain("date_deadline", "<=", today + timedelta(days=days))
            for (today, days), group in companies.grouped(
                lambda company: (company._crm_today(), company.crm_reminder_days)
            ).items()
        )
        return self._get_tellable_domain() & Domain("state", "=", "open") & Domain("reminded", "=", False) & due

    @api.model
    def _get_escalate_domain(self):
        return self._get_tellable_domain() & Domain("is_overdue", "=", True) & Domain("escalated", "=", False)

    @api.model
    def _get_tellable_domain(self):
        """The work on a suspended contract may go on, but nobody is pressed."""
        return Domain("contract_id.state", "!=", "suspended")

    def _remind(self):
        """Tell each stage's responsible the deadline, in their language, and note it on the stage."""
        for stage in self._in_language_of("user_id"):
            stage.message_post(
                body=stage.env._(
                    "Reminder: stage %(stage)s of contract %(contract)s is to be done by %(date)s.",
                    stage=stage.name,
                    contract=stage.contract_id.display_name,
                    date=format_date(stage.env, stage.date_deadline),
                ),
                partner_ids=stage.user_id.partner_id.ids,
            )
        self._write_history({"reminded": True})

    def _escalate(self):
        """An activity for the owner of each stage's process, in their language. Closing the stage removes it."""
        activity_type = self.env.ref(ACTIVITY_ESCALATION)
        vals_list = []
        for user, stages in self._group_by_owner():
            vals_list += [
                {
                    **stage._prepare_stage_activity_vals(activity_type, user),
                    "summary": stage.env._(
                        "Overdue: %(stage)s, responsible: %(user)s", stage=stage.name, user=stage.user_id.name
                    ),
                }
                for stage in stages.with_context(lang=user.lang)
            ]
        self.env["mail.activity"].create(vals_list)
        self._write_history({"escalated": True})

    def _in_language_of(self, user_field):
        """The stages one by one, each in the language of its user."""
        for stage in self:
            yield stage.with_context(lang=stage[user_field].lang)

    def _group_by_owner(self):
        """Pairs of a user and the stages to tell them: the process owner, else the contract's responsible."""
        pairs = []
        for owner, stages in self.grouped(lambda stage: stage.process_id.user_id).items():
            seen = stages.with_user(owner)._filtered_access("read") if owner.active else self.browse()
            pairs.append((owner, seen.with_env(self.env)))
            pairs += (stages - seen).grouped(lambda stage: stage.contract_id.user_id).items()
        return pairs
