from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError


class CrmProcessStage(models.Model):
    """Definition of a stage: what is to be done, by whom and by when.

    What a contract passed (``crm.contract.stage``) keeps a copy, so a definition in use may change.
    """

    _name = "crm.process.stage"
    _description = "Stage of a Business Process"
    _order = "process_id, sequence, id"

    # -------------------------------------------------------------------------
    # FIELDS
    # -------------------------------------------------------------------------

    name = fields.Char(required=True)
    sequence = fields.Integer(required=True, default=10)
    process_id = fields.Many2one("crm.process", required=True, ondelete="cascade", index=True)
    instruction = fields.Html(help="Shown to whoever works on the stage.")
    duration_days = fields.Integer(
        string="Duration",
        required=True,
        default=1,
        help="Working days of the company, counted from the day after the stage is opened. 0: until the same day.",
    )
    role_id = fields.Many2one(
        "crm.contract.role",
        string="Responsible by Role",
        ondelete="restrict",
        help="The member of the contract's working group with this role becomes responsible.",
    )
    user_id = fields.Many2one(
        "res.users",
        string="Responsible by Name",
        ondelete="restrict",
        domain="[('can_be_responsible', '=', True)]",
        help="Becomes responsible whoever is in the working group. If neither a name nor a role finds somebody, the "
        "responsible of the contract takes over.",
    )
    return_allowed = fields.Boolean(default=True, help="The contract may go back to the previous stage, with a reason.")
    # A server action runs code with all rights, so only those who may write server actions may choose one.
    server_action_id = fields.Many2one(
        "ir.actions.server",
        string="Run on Entering",
        ondelete="restrict",
        domain="[('model_id.model', '=', 'crm.contract.stage')]",
        groups="base.group_system",
        help="Runs with all rights on the stage that was opened.",
    )
    item_ids = fields.One2many("crm.process.stage.item", "stage_id", string="Checklist", copy=True)

    _duration_days_positive = models.Constraint(
        "CHECK(duration_days >= 0)", "The duration of a stage can't be negative."
    )

    # -------------------------------------------------------------------------
    # COMPUTES
    # -------------------------------------------------------------------------

    @api.depends("name", "process_id.name")
    @api.depends_context("show_process")
    def _compute_display_name(self):
        """With the process where the context asks for it, as on the board, which shows stages of several."""
        result = super()._compute_display_name()
        if self.env.context.get("show_process"):
            for stage in self:
                stage.display_name = f"{stage.name} ({stage.process_id.name})"
        return result

    # -------------------------------------------------------------------------
    # CHECKS
    # -------------------------------------------------------------------------

    @api.constrains("server_action_id")
    def _check_server_action(self):
        # sudo: read for the check only.
        for action in self.sudo().server_action_id:
            if action.group_ids:
                raise ValidationError(
                    self.env._(
                        "Server action %(action)s is for some groups only, but whoever completes a stage runs it. "
                        "Remove its groups, or choose another one.",
                        action=action.name,
                    )
                )
            if action.model_name != "crm.contract.stage":
                raise ValidationError(
                    self.env._("Server action %(action)s is not made for stages of contracts.", action=action.name)
                )

    @api.constrains("process_id")
    def _check_process_unchanged(self):
        # sudo: stages of all companies count.
        passed = self.env["crm.contract.stage"].sudo().search([("stage_id", "in", self.ids)])
        moved = passed.filtered(lambda stage: stage.process_id != stage.stage_id.process_id).stage_id
        if moved:
            raise ValidationError(
                self.env._(
                    "Contracts have passed these stages, they can't move to another process: %(stages)s",
                    stages=", ".join(moved.mapped("name")),
                )
            )

    # -------------------------------------------------------------------------
    # CRUD
    # -------------------------------------------------------------------------

    @api.ondelete(at_uninstall=False)
    def _unlink_except_open(self):
        # sudo: stages of all companies count.
        rows = self.env["crm.contract.stage"].sudo().search([("stage_id", "in", self.ids), ("state", "=", "open")])
        if rows:
            raise UserError(
                self.env._(
                    "Contracts are at these stages now. Complete them before you delete the definition: %(stages)s",
                    stages=", ".join(rows.stage_id.mapped("name")),
                )
            )

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _get_deadline(self, company):
        """Last day for a stage that is opened today, by the company's working calendar.

        Plain days if the company has no calendar, or one without working time.

        :rtype: datetime.date
        """
        self.ensure_one()
        today = company._crm_today()
        calendar = company.resource_calendar_id
        if self.duration_days and calendar:
            tomorrow = datetime.combine(today + timedelta(days=1), time.min, tzinfo=ZoneInfo(calendar.tz))
            planned = calendar.plan_days(self.duration_days, tomorrow, compute_leaves=True)
            if planned:
                return planned.date()
        return today + timedelta(days=self.duration_days)

    def _get_responsible(self, contract):
        """Who becomes responsible for the stage on this contract; always somebody active of the contract's company.

        By name, else by role in the working group, else the contract's responsible, else the process owner, else the
        company's default responsible.

        :raises UserError: none of them can take it
        """
        self.ensure_one()
        members = contract.member_ids.filtered(lambda member: self.role_id and member.role_id == self.role_id)
        candidates = self.user_id | members.sorted("id").user_id | contract.user_id | self.process_id.user_id
        # sudo: the setting is the company's, whoever opens the stage.
        candidates |= contract.company_id.sudo().crm_default_user_id
        able = candidates._filter_responsible(contract.company_id)
        if able:
            return able[0]
        raise UserError(
            self.env._(
                "Nobody can be responsible for stage %(stage)s of contract %(contract)s: choose an active responsible.",
                stage=self.name,
                contract=contract.display_name,
            )
        )
