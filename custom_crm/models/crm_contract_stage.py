from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain

# Kept as they were when the stage was opened, or set by the business methods: never written from outside.
PROTECTED_FIELDS = {
    "close_reason",
    "company_id",
    "contract_id",
    "date_deadline",
    "date_done",
    "date_open",
    "day_done",
    "days_overdue",
    "done_user_id",
    "duration",
    "escalated",
    "instruction",
    "is_skipped",
    "name",
    "partner_id",
    "process_id",
    "progress",
    "reminded",
    "returned_from_id",
    "sequence",
    "stage_id",
    "state",
}
# Free while the stage is open, history afterwards.
WORK_FIELDS = {"item_ids", "note", "user_id"}


class CrmContractStage(models.Model):
    """Stage that a contract is passing or has passed: who was responsible, since when and until when.

    A copy of its definition, so it stays as it was when the definition changes. It is opened and closed by the
    business methods only; once closed it can't be changed. A contract has at most one open stage.
    """

    _name = "crm.contract.stage"
    _description = "Stage of a Contract"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "date_open, id"
    _check_company_auto = True
    _mail_post_access = "read"

    # -------------------------------------------------------------------------
    # FIELDS
    # -------------------------------------------------------------------------

    contract_id = fields.Many2one("crm.contract", required=True, readonly=True, ondelete="cascade", index=True)
    partner_id = fields.Many2one(related="contract_id.partner_id", store=True, precompute=True, index=True)
    company_id = fields.Many2one(related="contract_id.company_id", store=True, precompute=True, index=True)
    process_id = fields.Many2one("crm.process", required=True, readonly=True, ondelete="restrict", index=True)
    stage_id = fields.Many2one(
        "crm.process.stage",
        readonly=True,
        ondelete="set null",
        index=True,
        group_expand="_read_group_stage_ids",
        help="Definition that the stage was opened from, while it exists.",
    )
    name = fields.Char(string="Stage Name", required=True, readonly=True)
    instruction = fields.Html(readonly=True)
    sequence = fields.Integer(required=True, readonly=True, default=10)
    user_id = fields.Many2one(
        "res.users",
        string="Responsible",
        required=True,
        ondelete="restrict",
        index=True,
        tracking=True,
        check_company=True,
        domain="[('can_be_responsible', '=', True)]",
    )
    state = fields.Selection(
        [("open", "Open"), ("done", "Completed"), ("returned", "Returned"), ("cancelled", "Cancelled")],
        required=True,
        readonly=True,
        default="open",
        index=True,
        tracking=True,
    )
    date_open = fields.Datetime(string="Since", required=True, readonly=True, default=fields.Datetime.now)
    date_deadline = fields.Date(string="Deadline", readonly=True)
    date_done = fields.Datetime(string="Until", readonly=True)
    done_user_id = fields.Many2one("res.users", string="Closed By", readonly=True, ondelete="restrict")
    close_reason = fields.Text(string="Reason", readonly=True, help="Why the stage was returned, skipped or cancelled.")
    is_skipped = fields.Boolean(
        string="Skipped", readonly=True, help="Cancelled, but the process went on with the next stage."
    )
    returned_from_id = fields.Many2one(
        "crm.contract.stage",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
        help="The later stage that was returned, so that this one is to be passed again.",
    )
    is_overdue = fields.Boolean(
        string="Overdue", compute="_compute_is_overdue", search="_search_is_overdue", help="Open after its deadline."
    )
    item_ids = fields.One2many("crm.contract.stage.item", "stage_id", string="Checklist")
    progress = fields.Float(
        compute="_compute_progress", store=True, aggregator="avg", help="Percent of the checklist that is done."
    )
    items_done = fields.Char(compute="_compute_items_done", help="Items of the checklist that are done, of how many.")
    has_new_items = fields.Boolean(
        compute="_compute_has_new_items", help="The definition has items that the stage doesn't have yet."
    )
    note = fields.Text()
    reminded = fields.Boolean(readonly=True, help="The responsible was reminded of the deadline.")
    escalated = fields.Boolean(readonly=True, help="The owner of the process was told that the stage is overdue.")

    # What the user may do
    can_work = fields.Boolean(compute="_compute_rights", help="The user may complete the stage.")
    can_return = fields.Boolean(compute="_compute_rights", help="The user may return it to the previous stage.")
    can_reassign = fields.Boolean(
        compute="_compute_rights", help="The user may hand it over to somebody else or stop the process."
    )
    can_skip = fields.Boolean(compute="_compute_rights", help="The user may skip the stage.")

    _open_unique = models.UniqueIndex("(contract_id) WHERE state = 'open'", "The contract already has an open stage.")
    # With the company, so that overdue ones are counted within the index.
    _open_deadline = models.Index("(date_deadline, company_id) WHERE state = 'open'")

    # -------------------------------------------------------------------------
    # COMPUTES
    # -------------------------------------------------------------------------

    @api.depends("name", "contract_id.name", "partner_id.name")
    @api.depends_context("show_client")
    def _compute_display_name(self):
        """By the number of the contract; by the client where the context asks for it, as on the calendar."""
        for stage in self:
            owner = stage.partner_id if self.env.context.get("show_client") else stage.contract_id
            stage.display_name = f"{owner.name}: {stage.name}"

    @api.depends("item_ids.is_done", "state")
    def _compute_progress(self):
        for stage in self:
            if stage.item_ids:
                stage.progress = 100.0 * sum(stage.item_ids.mapped("is_done")) / len(stage.item_ids)
            else:
                stage.progress = 100.0 if stage.state == "done" else 0.0

    @api.depends("item_ids.is_done")
    def _compute_items_done(self):
        for stage in self:
            done = sum(stage.item_ids.mapped("is_done"))
            stage.items_done = f"{done} / {len(stage.item_ids)}" if stage.item_ids else False

    @api.depends("state", "item_ids.definition_item_id", "stage_id.item_ids")
    def _compute_has_new_items(self):
        for stage in self:
            stage.has_new_items = stage.state == "open" and bool(stage._get_new_items())

    @api.depends("state", "date_deadline", "company_id")
    def _compute_is_overdue(self):
        today = {company: company._crm_today() for company in self.company_id}
        for stage in self:
            stage.is_overdue = bool(
                stage.state == "open" and stage.date_deadline and stage.date_deadline < today[stage.company_id]
            )

    def _search_is_overdue(self, operator, value):
        if operator != "in" or list(value) != [True]:
            return NotImplemented
        # sudo: companies of all time zones; the user's rules choose among their stages.
        companies = self.env["res.company"].sudo().with_context(active_test=False).search([])  # pylint: disable=no-search-all
        by_today = companies.grouped(lambda company: company._crm_today())
        # The latest day stands apart, so that the index of deadlines serves all companies at once.
        is_late = Domain("state", "=", "open") & Domain("date_deadline", "<", max(by_today))
        return is_late & Domain.OR(
            Domain("company_id", "in", companies.ids) & Domain("date_deadline", "<", today)
            for today, companies in by_today.items()
        )

    @api.depends("state", "user_id", "stage_id", "process_id.stage_ids")
    @api.depends_context("uid")
    def _compute_rights(self):
        is_manager = self._is_manager()
        is_admin = self._is_admin()
        for stage in self:
            is_open = stage.state == "open"
            stage.can_reassign = is_open and is_manager
            stage.can_skip = is_open and is_admin
            stage.can_work = is_open and (is_manager or stage.user_id == self.env.user)
            stage.can_return = (
                stage.can_work and stage.stage_id.return_allowed and bool(stage._get_previous_definition())
            )

    @api.model
    def _read_group_stage_ids(self, stages, _domain):
        """All stages of the processes that occur, those without a contract too, in their order."""
        return self.env["crm.process.stage"].search([("process_id", "in", stages.process_id.ids)])

    # -------------------------------------------------------------------------
    # CHECKS
    # -------------------------------------------------------------------------

    @api.constrains("user_id")
    def _check_user_active(self):
        self._check_responsible()

    # -------------------------------------------------------------------------
    # CRUD
    # -------------------------------------------------------------------------

    def write(self, vals):
        """Change the note or the responsible of open stages, tick their checklist.

        :raises UserError: the stage is closed, or the values would change history
        :raises AccessError: the responsible is changed by somebody who is not a manager
        """
        if PROTECTED_FIELDS & vals.keys():
            raise UserError(self.env._("A stage is opened and closed by its buttons only, its data can't be changed."))
        if WORK_FIELDS & vals.keys():
            self._check_open()
        if "user_id" not in vals:
            return super().write(vals)
        self._check_manager()
        handed_over = self.filtered(lambda stage: stage.user_id.id != vals["user_id"])
        # The activity tells the new responsible, one message is enough.
        result = super(CrmContractStage, self.with_context(mail_auto_subscribe_no_notify=True)).write(vals)
        handed_over._move_activity()
        # Nobody has reminded the new responsible yet.
        handed_over._write_history({"reminded": False})
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_history(self):
        self._check_open()

    # -------------------------------------------------------------------------
    # ACTIONS
    # -------------------------------------------------------------------------

    def action_complete(self):
        """Close the stages and open the next ones of their processes, if there are any.

        :raises AccessError: the user is neither responsible nor a manager
        :raises UserError: a stage is closed already, a mandatory item is not done, or somebody else is at it
        """
        self._lock_open()
        self._check_mandatory_items()
        following = [(stage.contract_id, stage._get_next_definition()) for stage in self]
        self._close("done")
        opened = self._open([(contract, definition) for contract, definition in following if definition])
        return self._get_next_action(opened) if len(self) == 1 else True

    def action_return(self):
        """Ask for the reason, then go back to the previous stage.

        :raises AccessError: the user is neither responsible nor a manager
        :raises UserError: the stage is closed, or it can't be returned
        """
        self.ensure_one()
        self.check_access("write")
        self._check_open()
        self._check_returnable()
        return self._get_wizard_action(
            "crm.contract.stage.return", self.env._("Return to the Previous Stage"), {"default_stage_id": self.id}
        )

    def action_move_to(self, stage_id):
        """Complete or return the stage, by moving its card to the next or previous column of the board.

        :param int stage_id: definition of the column (``crm.process.stage``)
        :return: what is to be done next: the question for the reason, or who is responsible for the opened stage
        :raises AccessError: the user is neither responsible nor a manager
        :raises UserError: neither the next nor the previous stage, or it can't be completed or returned
        """
        self.ensure_one()
        self.check_access("write")
        self._check_open()
        following, previous = self._get_next_definition(), self._get_previous_definition()
        if following and stage_id == following.id:
            return self.with_context(stay_on_board=True).action_complete()
        if previous and stage_id == previous.id:
            return self.with_context(stay_on_board=True).action_return()
        neighbours = " / ".join(f"«{definition.name}»" for definition in previous | following)
        raise UserError(
            self.env._(
                "From stage «%(stage)s» a contract goes to its neighbours only: %(neighbours)s.",
                stage=self.name,
                neighbours=neighbours or "—",
            )
        )

    def action_skip(self):
        """Ask for the reason, then close the stage unfinished and open the next one.

        :raises AccessError: the user is not an administrator
        :raises UserError: the stage is closed
        """
        self.ensure_one()
        self._check_admin()
        self._check_open()
        return self._get_wizard_action(
            "crm.contract.stage.stop", self.env._("Skip the Stage"), {"default_stage_id": self.id}
        )

    def action_cancel(self):
        """Ask for the reason, then end the process of the contract, which stays in force.

        :raises AccessError: the user is not a manager
        :raises UserError: the stage is closed
        """
        self.ensure_one()
        self._check_manager()
        self._check_open()
        context = {"default_stage_id": self.id, "default_mode": "cancel"}
        return self._get_wizard_action("crm.contract.stage.stop", self.env._("Stop the Process"), context)

    def action_hand_over(self):
        """Ask for the new responsible and the reason, then hand the stages over.

        :raises AccessError: the user is not a manager
        :raises UserError: a stage is closed
        """
        self._check_manager()
        self._check_open()
        return self._get_wizard_action(
            "crm.contract.stage.reassign", self.env._("Hand Over"), {"default_stage_ids": self.ids}
        )

    def action_take_over_items(self):
        """Add the items that the definitions got since the stages were opened. Nothing is changed or removed.

        :raises AccessError: the user is neither responsible nor a manager
        :raises UserError: a stage is closed, or somebody else is at it
        """
        self._lock_open()
        vals_list = []
        for stage in self:
            vals_list += [{"stage_id": stage.id, **stage._prepare_item_vals(item)} for item in stage._get_new_items()]
        # sudo: nobody may add items but by this method, which has checked that the user works on the stages.
        self.env["crm.contract.stage.item"].sudo().create(vals_list)
        return True

    def action_reassign(self, user_id, reason=None):
        """Hand the open stages over to another active employee, with a note and the activity.

        :param int user_id: the new responsible (``res.users``)
        :param str reason: shown in the note
        :raises AccessError: the user is not a manager
        :raises UserError: a stage is closed, or the new responsible is not active
        """
        user = self.env["res.users"].browse(user_id)
        formers = {stage: stage.user_id for stage in self}
        self.user_id = user
        self._log_hand_over(formers, user, dict.fromkeys(self, reason))
        return True

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _get_new_items(self):
        """Items of the definition that the stage has not; one that lost its definition counts by its name."""
        self.ensure_one()
        # sudo: read the definition, of which the stage is a copy.
        stage = self.sudo()
        items = stage.item_ids
        names = items.filtered(lambda item: not item.definition_item_id).mapped("name")
        missing = stage.stage_id.item_ids - items.definition_item_id
        return missing.filtered(lambda item: item.name not in names)

    def _check_open(self):
        closed = self.filtered(lambda stage: stage.state != "open")
        if closed:
            raise UserError(
                self.env._(
                    "This stage is closed, it can't be changed any more: %(stages)s",
                    stages=", ".join(closed.mapped("display_name")),
                )
            )

    def _write_history(self, vals):
        """Write what ``write`` refuses. Callers have checked that the user may."""
        return super().write(vals)  # pylint: disable=super-method-mismatch

    def _is_manager(self):
        return self.env.su or self.env.user.has_group("custom_crm.group_manager")

    def _is_admin(self):
        return self.env.su or self.env.user.has_group("custom_crm.group_admin")

    def _check_manager(self):
        if not self._is_manager():
            raise AccessError(self.env._("Only managers hand a stage over or stop a process."))

    def _check_admin(self):
        if not self._is_admin():
            raise AccessError(self.env._("Only administrators skip a stage."))
