from odoo import api, fields, models
from odoo.exceptions import AccessError, LockError, UserError
from odoo.fields import Command, Domain
from odoo.tools.misc import clean_context

ACTIVITY_STAGE = "custom_crm.mail_activity_stage"
# Kept as they were when the stage was opened, or set by the business methods: never written from outside.
PROTECTED_FIELDS = {
    "company_id",
    "contract_id",
    "date_deadline",
    "date_done",
    "date_open",
    "done_user_id",
    "instruction",
    "name",
    "partner_id",
    "process_id",
    "progress",
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
        domain="[('share', '=', False)]",
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
    is_overdue = fields.Boolean(
        string="Overdue", compute="_compute_is_overdue", search="_search_is_overdue", help="Open after its deadline."
    )
    item_ids = fields.One2many("crm.contract.stage.item", "stage_id", string="Checklist")
    progress = fields.Float(
        compute="_compute_progress", store=True, aggregator="avg", help="Percent of the checklist that is done."
    )
    note = fields.Text()

    # What the user sees of the contract and the client, and may do
    contract_subject = fields.Char(related="contract_id.subject")
    contract_kind = fields.Selection(related="contract_id.kind")
    contract_user_id = fields.Many2one(related="contract_id.user_id", string="Responsible for the Contract")
    partner_phone = fields.Char(related="partner_id.phone", string="Phone")
    partner_email = fields.Char(related="partner_id.email", string="E-mail")
    partner_address = fields.Char(related="partner_id.actual_address", string="Actual Address")
    can_work = fields.Boolean(compute="_compute_rights", help="The user may complete the stage.")
    can_return = fields.Boolean(compute="_compute_rights", help="The user may return it to the previous stage.")
    can_reassign = fields.Boolean(compute="_compute_rights", help="The user may hand it over to somebody else.")

    _open_unique = models.UniqueIndex("(contract_id) WHERE state = 'open'", "The contract already has an open stage.")
    _open_deadline = models.Index("(date_deadline) WHERE state = 'open'")

    # -------------------------------------------------------------------------
    # COMPUTES
    # -------------------------------------------------------------------------

    @api.depends("name", "contract_id.name")
    def _compute_display_name(self):
        for stage in self:
            stage.display_name = f"{stage.contract_id.name}: {stage.name}"

    @api.depends("item_ids.is_done", "state")
    def _compute_progress(self):
        for stage in self:
            if stage.item_ids:
                stage.progress = 100.0 * sum(stage.item_ids.mapped("is_done")) / len(stage.item_ids)
            else:
                stage.progress = 100.0 if stage.state == "done" else 0.0

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
        companies = self.env["res.company"].sudo().search([])  # pylint: disable=no-search-all
        by_today = companies.grouped(lambda company: company._crm_today())
        return Domain("state", "=", "open") & Domain.OR(
            Domain("company_id", "in", companies.ids) & Domain("date_deadline", "<", today)
            for today, companies in by_today.items()
        )

    @api.depends("state", "user_id", "stage_id", "process_id.stage_ids")
    @api.depends_context("uid")
    def _compute_rights(self):
        is_manager = self._is_manager()
        for stage in self:
            is_open = stage.state == "open"
            stage.can_reassign = is_open and is_manager
            stage.can_work = is_open and (is_manager or stage.user_id == self.env.user)
            stage.can_return = (
                stage.can_work and stage.stage_id.return_allowed and bool(stage._get_previous_definition())
            )

    # -------------------------------------------------------------------------
    # CHECKS
    # -------------------------------------------------------------------------

    @api.constrains("user_id")
    def _check_user_active(self):
        for stage in self:
            if not stage.user_id.active or stage.user_id.share:
                raise UserError(
                    self.env._("Choose an active employee as responsible for stage %(stage)s.", stage=stage.name)
                )

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
        if not self._is_manager():
            raise AccessError(self.env._("Only managers hand a stage over to somebody else."))
        handed_over = self.filtered(lambda stage: stage.user_id.id != vals["user_id"])
        # The activity tells the new responsible, one message is enough.
        result = super(CrmContractStage, self.with_context(mail_auto_subscribe_no_notify=True)).write(vals)
        handed_over._move_activity()
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
        return opened._get_opened_action() if len(opened) == 1 else True

    def action_return(self):
        """Ask for the reason, then go back to the previous stage.

        :raises AccessError: the user is neither responsible nor a manager
        :raises UserError: the stage is closed, or it can't be returned
        """
        self.ensure_one()
        self.check_access("write")
        self._check_open()
        self._check_returnable()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Return to the Previous Stage"),
            "res_model": "crm.contract.stage.return",
            "view_mode": "form",
            "target": "new",
            "context": {"default_stage_id": self.id},
        }

    def action_reassign(self, user_id, reason=None):
        """Hand the open stages over to another active employee, with a note and the activity.

        :param int user_id: the new responsible (``res.users``)
        :param str reason: shown in the note
        :raises AccessError: the user is not a manager
        :raises UserError: a stage is closed, or the new responsible is not active
        """
        user = self.env["res.users"].browse(user_id)
        self.user_id = user
        for stage in self:
            stage.message_post(
                body=self.env._("Handed over to %(user)s: %(reason)s", user=user.name, reason=reason)
                if reason
                else self.env._("Handed over to %(user)s", user=user.name)
            )
        return True

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _get_opened_action(self):
        """Show the stage that was opened to its responsible; tell others who that is."""
        self.ensure_one()
        # sudo: the stage may be somebody's whose stages the user doesn't see.
        stage = self.sudo()
        if stage.user_id == self.env.user:
            return self._get_records_action()
        message = self.env._(
            "Stage %(stage)s is opened, responsible: %(user)s.", stage=stage.name, user=stage.user_id.name
        )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "info",
                "message": message,
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    # Opening

    @api.model
    def _open_first(self, contracts):
        """Open the first stage of the process of each contract. The caller has checked the rights on the contracts.

        :return: the new stages
        :raises UserError: a contract is not active, has an open stage, or its process has no stages
        """
        steps = []
        for contract in contracts:
            # sudo: read the definition; who may start a process need not see definitions.
            definition = contract.process_id.sudo().stage_ids.sorted(lambda stage: (stage.sequence, stage.id))[:1]
            self._check_startable(contract, definition)
            steps.append((contract, definition))
        return self._open(steps)

    @api.model
    def _check_startable(self, contract, definition):
        if contract.state != "active":
            message = self.env._(
                "Contract %(contract)s is not active, its process can't be started.", contract=contract.display_name
            )
        elif contract.current_stage_id:
            message = self.env._(
                "Contract %(contract)s is at stage %(stage)s, its process is started already.",
                contract=contract.display_name,
                stage=contract.current_stage_id.name,
            )
        elif not definition:
            message = self.env._(
                "Process %(process)s of contract %(contract)s has no stages.",
                process=contract.process_id.name,
                contract=contract.display_name,
            )
        else:
            return
        raise UserError(message)

    @api.model
    def _open(self, steps):
        """Open a stage for each pair of a contract and a ``crm.process.stage``: activity, followers, server action.

        :return: the new stages
        """
        # sudo: nobody may create stages but through the checked methods that call this one, and the next stage may
        # be somebody else's. The context is the caller's: its defaults must not get into the new stages.
        Stage = self.sudo().with_context(
            clean_context(self.env.context), mail_create_nosubscribe=True, mail_auto_subscribe_no_notify=True
        )
        deadlines = {}
        vals_list = []
        for contract, definition in [(contract.sudo(), definition.sudo()) for contract, definition in steps]:
            key = (contract.company_id, definition.duration_days)
            if key not in deadlines:
                deadlines[key] = definition._get_deadline(contract.company_id)
            vals_list.append(Stage._prepare_stage_vals(contract, definition, deadlines[key]))
        stages = Stage.create(vals_list)
        stages._schedule_activity()
        stages._run_server_actions()
        return stages.with_env(self.env)

    @api.model
    def _prepare_stage_vals(self, contract, definition, deadline):
        """The definition's copy. All fields are there, so that no default stands in for one."""
        return {
            "contract_id": contract.id,
            "process_id": definition.process_id.id,
            "stage_id": definition.id,
            "name": definition.name,
            "instruction": definition.instruction,
            "sequence": definition.sequence,
            "user_id": definition._get_responsible(contract).id,
            "state": "open",
            "date_open": fields.Datetime.now(),
            "date_deadline": deadline,
            "item_ids": [
                Command.create({"name": item.name, "sequence": item.sequence, "mandatory": item.mandatory})
                for item in definition.item_ids
            ],
        }

    def _run_server_actions(self):
        """Run what the definitions say is to be run on entering.

        With all rights: only who may write server actions may choose one.
        """
        for stage in self:
            action = stage.stage_id.server_action_id
            if action:
                action.with_context(active_model=self._name, active_id=stage.id, active_ids=stage.ids).run()

    # Closing

    def _lock_open(self):
        """Make sure that the user may work on the stages and that nobody else closes them meanwhile.

        :raises UserError: another user is at it, or a stage is closed
        """
        self.check_access("write")
        try:
            self.lock_for_update(allow_referencing=True)
        except LockError as error:
            raise UserError(
                self.env._("Somebody else is changing this stage at the moment. Reload the page and look again.")
            ) from error
        self._check_open()

    def _check_open(self):
        closed = self.filtered(lambda stage: stage.state != "open")
        if closed:
            raise UserError(
                self.env._(
                    "This stage is closed, it can't be changed any more: %(stages)s",
                    stages=", ".join(closed.mapped("display_name")),
                )
            )

    def _check_mandatory_items(self):
        missing = self.item_ids.filtered(lambda item: item.mandatory and not item.is_done)
        if missing:
            raise UserError(
                self.env._(
                    "These items of the checklist must be done before the stage can be completed:\n%(items)s",
                    items="\n".join(f"• {name}" for name in missing.mapped("name")),
                )
            )

    def _check_returnable(self):
        self.ensure_one()
        # sudo: read the definition, of which the stage is a copy.
        if not self.sudo().stage_id.return_allowed:
            raise UserError(self.env._("Stage %(stage)s can't be returned by its definition.", stage=self.name))
        if not self._get_previous_definition():
            raise UserError(self.env._("Stage %(stage)s is the first one, there is none before.", stage=self.name))

    def _close(self, state):
        """Close open stages as ``state``. Callers have checked that the user may."""
        self._write_history({"state": state, "date_done": fields.Datetime.now(), "done_user_id": self.env.uid})
        # The database must know before the next stage is inserted: only one is open.
        self.flush_recordset(["state"])
        # sudo: a manager closes the responsible's activity.
        activities = self.sudo().activity_search([ACTIVITY_STAGE])
        if state == "cancelled":
            activities.unlink()
        else:
            activities.action_feedback()

    def _write_history(self, vals):
        """Write what ``write`` refuses. Callers have checked that the user may."""
        return super().write(vals)  # pylint: disable=super-method-mismatch

    def _cancel_open(self):
        """Close as cancelled what is open among the stages. The caller has checked the rights on the contract."""
        # sudo: who may end the contract may end its stage.
        self.sudo().filtered(lambda stage: stage.state == "open")._close("cancelled")

    def _return(self, reason):
        """Close the stage as returned and open the previous one again.

        :return: the new stage
        :raises AccessError: the user is neither responsible nor a manager
        :raises UserError: the stage is closed, or it can't be returned
        """
        self.ensure_one()
        self._lock_open()
        self._check_returnable()
        definition = self._get_previous_definition()
        self._close("returned")
        self.message_post(body=self.env._("Returned: %(reason)s", reason=reason))
        stage = self._open([(self.contract_id, definition)])
        # sudo: the previous stage may be somebody's whose stages the user doesn't see.
        stage.sudo().message_post(
            body=self.env._("Returned from stage %(stage)s: %(reason)s", stage=self.name, reason=reason)
        )
        return stage

    # Order of the process

    def _get_definitions(self):
        """Definitions of the stage's process and the stage's own place among them, as sortable keys.

        The place is the definition's, wherever it was dragged to; if it was deleted, where it was.
        """
        self.ensure_one()
        # sudo: read the definition, of which the stage is a copy.
        definitions = self.process_id.sudo().stage_ids
        own = self.stage_id.sudo()
        place = (own.sequence, own.id) if own else (self.sequence, 0)
        return {(definition.sequence, definition.id): definition for definition in definitions}, place

    def _get_next_definition(self):
        """The ``crm.process.stage`` after this one, empty after the last."""
        definitions, place = self._get_definitions()
        key = min((key for key in definitions if key > place), default=None)
        return definitions.get(key, self.env["crm.process.stage"])

    def _get_previous_definition(self):
        """The ``crm.process.stage`` before this one, empty before the first."""
        definitions, place = self._get_definitions()
        key = max((key for key in definitions if key < place), default=None)
        return definitions.get(key, self.env["crm.process.stage"])

    # Activities and rights

    def _schedule_activity(self):
        """One activity for each stage's responsible, all at once."""
        activity_type = self.env.ref(ACTIVITY_STAGE)
        model_id = self.env["ir.model"]._get_id(self._name)
        self.env["mail.activity"].create(
            [
                {
                    "activity_type_id": activity_type.id,
                    "automated": True,
                    "summary": stage.name,
                    "date_deadline": stage.date_deadline,
                    "res_model_id": model_id,
                    "res_id": stage.id,
                    "user_id": stage.user_id.id,
                }
                for stage in self
            ]
        )

    def _move_activity(self):
        for user, stages in self.grouped("user_id").items():
            # sudo: the activity is the former responsible's.
            stages.sudo().activity_reschedule([ACTIVITY_STAGE], new_user_id=user.id)

    def _is_manager(self):
        return self.env.su or self.env.user.has_group("custom_crm.group_manager")
