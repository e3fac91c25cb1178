from collections import Counter

from odoo import api, models
from odoo.modules.module import get_module_icon

from .crm_contract_stage_activity import ACTIVITY_STAGE

STAGE = "crm.contract.stage"


class ResUsers(models.Model):
    """The menu of activities counts the user's open stages, whatever became of their activities."""

    # Apart from who is responsible, which is another matter.
    _inherit = "res.users"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _get_activity_groups(self):
        """Replace the activities on stages by «My Stages»; those on stages of others keep a group of their own."""
        groups = super()._get_activity_groups()
        if not self.env[STAGE].has_access("read"):
            return groups
        others = [group for group in groups if group["model"] != STAGE]
        return self._get_my_stages_group() + self._get_other_stages_group() + others

    @api.model
    def _get_my_stages_group(self):
        """The user's open stages by their deadline, counted by one query."""
        counts = Counter()
        for company, deadline, count in self.env[STAGE]._read_group(
            [("user_id", "=", self.env.uid), ("state", "=", "open")], ["company_id", "date_deadline:day"], ["__count"]
        ):
            today = company._crm_today()
            if not deadline or deadline > today:
                counts["planned"] += count
            else:
                counts["today" if deadline == today else "overdue"] += count
        return self._prepare_stages_group("my_stages", self.env._("My Stages"), counts)

    @api.model
    def _get_other_stages_group(self):
        """The user's activities on stages that are not theirs to work on, as of overdue ones of their processes."""
        activities = self.env["mail.activity"].search(
            [
                ("user_id", "=", self.env.uid),
                ("res_model", "=", STAGE),
                ("activity_type_id", "!=", self.env.ref(ACTIVITY_STAGE).id),
            ]
        )
        model = self.env["ir.model"]._get(STAGE)
        return self._prepare_stages_group(model.id, model.name, Counter(activities.mapped("state")))

    @api.model
    def _prepare_stages_group(self, group_id, name, counts):
        """What the menu shows of a group, as Odoo's own ones; an empty list if there is nothing to show."""
        if not counts:
            return []
        return [
            {
                "id": group_id,
                "name": name,
                "model": STAGE,
                "type": "activity",
                "icon": get_module_icon("custom_crm"),
                "domain": [],
                "total_count": counts["today"] + counts["overdue"],
                "today_count": counts["today"],
                "overdue_count": counts["overdue"],
                "planned_count": counts["planned"],
                "view_type": "list",
            }
        ]
