from collections import defaultdict
from datetime import date

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command

# Periods are counted from these: once one is billed they can't change without a gap or an overlap.
SCHEDULE_FIELDS = {"kind", "date_start", "billing_period", "billing_alignment", "prorate"}
# A change of these makes the unbilled part of the ledger wrong: it is written anew by the next run.
LEDGER_FIELDS = SCHEDULE_FIELDS | {"date_end", "billing_timing", "payment_day", "payment_date"}
# Results of the business methods: not written by hand, nor over RPC.
PROTECTED_FIELDS = {
    "agreed_date_end",
    "amount_total",
    "current_stage_id",
    "finish_reason_id",
    "is_renewal_reminded",
    "next_billing_date",
    "next_invoice_date",
    "predecessor_id",
    "state",
}
# What a client holds now; billing takes the past of finished contracts as well.
RUNNING_STATES = ("active", "suspended")
IN_FORCE_STATES = ("active", "suspended", "finished")
CLOSED_STATES = ("finished", "cancelled")
# What a closed contract keeps as it was.
CLOSED_FIELDS = LEDGER_FIELDS | {"company_id", "currency_id", "partner_id", "settlement"}


class CrmContract(models.Model):
    """Contract with a client, for a one-off service or a subscription, paid in cash or cashless.

    Its ledger of periods (``crm.contract.period``) says what is billed, due, failed or skipped. Every contract has a
    responsible user.
    """

    _name = "crm.contract"
    _description = "Contract"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "date_start desc, id desc"
    _check_company_auto = True
    _mail_post_access = "read"

    # -------------------------------------------------------------------------
    # FIELDS
    # -------------------------------------------------------------------------

    name = fields.Char(
        string="Number",
        copy=False,
        tracking=True,
        help="Unique in the company; the next free number of the year if left empty.",
    )
    subject = fields.Char(tracking=True)
    partner_id = fields.Many2one(
        "res.partner",
        string="Client",
        required=True,
        ondelete="restrict",
        index=True,
        tracking=True,
        check_company=True,
        domain="['|', ('is_company', '=', True), ('parent_id', '=', False)]",
    )
    company_id = fields.Many2one(
        "res.company", required=True, ondelete="restrict", index=True, default=lambda self: self.env.company
    )
    currency_id = fields.Many2one(
        "res.currency",
        compute="_compute_currency_id",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
        ondelete="restrict",
    )
    kind = fields.Selection(
        [("one_off", "One-off"), ("subscription", "Subscription")], required=True, default="subscription", tracking=True
    )
    settlement = fields.Selection(
        [("cash", "Cash"), ("cashless", "Cashless")], required=True, default="cashless", tracking=True
    )
    state = fields.Selection(
        [
            ("draft", "Draft"),
            ("active", "Active"),
            ("suspended", "Suspended"),
            ("finished", "Finished"),
            ("cancelled", "Cancelled"),
        ],
        required=True,
        readonly=True,
        copy=False,
        default="draft",
        index=True,
        tracking=True,
    )
    date_signed = fields.Date(string="Signed On", copy=False)
    date_start = fields.Date(
        string="First Day",
        required=True,
        copy=False,
        tracking=True,
        default=lambda self: self.env.company._crm_today(),
        help="First day of the service.",
    )
    date_end = fields.Date(
        string="Last Day", copy=False, tracking=True, help="Last day of the service; empty while it is open."
    )
    user_id = fields.Many2one(
        "res.users",
        string="Responsible",
        required=True,
        ondelete="restrict",
        index=True,
        tracking=True,
        check_company=True,
        domain="[('can_be_responsible', '=', True)]",
        default=lambda self: self._get_default_user(),
    )
    member_ids = fields.One2many("crm.contract.member", "contract_id", string="Working Group", copy=True)
    line_ids = fields.One2many("crm.contract.line", "contract_id", string="Services", copy=True)
    amount_total = fields.Monetary(
        string="Amount of One Billing",
        compute="_compute_amount_total",
        store=True,
        help="Taxes included; the services in force in the next period.",
    )

    # Billing
    billing_period = fields.Selection(
        [("month", "Month"), ("quarter", "Quarter"), ("half_year", "Half Year"), ("year", "Year")], default="month"
    )
    billing_alignment = fields.Selection(
        [("calendar", "Calendar"), ("anniversary", "Anniversary")],
        string="Periods by",
        default="calendar",
        help="Calendar: the calendar's own months, quarters, years. Anniversary: counted from the first day.",
    )
    billing_timing = fields.Selection(
        [("advance", "In Advance"), ("arrears", "In Arrears")], string="Billing", default="advance"
    )
    payment_day = fields.Integer(
        string="Planned Payment Day", help="Day of the month, 1 to 31; in shorter months, their last day."
    )
    prorate = fields.Boolean(string="Partial Periods by Days", default=True)
    payment_date = fields.Date(string="Planned Payment Date", copy=False)
    period_ids = fields.One2many("crm.contract.period", "contract_id", string="Periods")
    next_billing_date = fields.Date(
        compute="_compute_next_billing_date",
        store=True,
        index="btree_not_null",
        help="From this day on a billing run bills the contract's oldest unbilled period.",
    )
    next_invoice_date = fields.Date(
        string="Next Invoice",
        compute="_compute_next_billing_date",
        store=True,
        help="The oldest unbilled period begins on this day (in advance) or ended before it (in arrears). The billing "
        "run of this month bills it.",
    )

    # Business process
    process_id = fields.Many2one(
        "crm.process",
        string="Business Process",
        ondelete="restrict",
        index="btree_not_null",
        tracking=True,
        check_company=True,
    )
    stage_ids = fields.One2many("crm.contract.stage", "contract_id", string="Stages")
    current_stage_id = fields.Many2one("crm.contract.stage", compute="_compute_current_stage", store=True)
    current_process_stage_id = fields.Many2one(related="current_stage_id.stage_id", string="Stage")
    stage_user_id = fields.Many2one(related="current_stage_id.user_id", string="Responsible for the Stage")
    stage_deadline = fields.Date(related="current_stage_id.date_deadline")

    # Accounting
    move_ids = fields.One2many("account.move", "contract_id", string="Invoices")
    move_count = fields.Integer(compute="_compute_invoiced", compute_sudo=True)
    payment_ids = fields.Many2many(
        "account.payment", string="Payments", compute="_compute_payment_ids", compute_sudo=True
    )
    amount_invoiced = fields.Monetary(
        string="Invoiced", compute="_compute_invoiced", compute_sudo=True, help="Posted invoices less credit notes."
    )
    amount_paid = fields.Monetary(string="Paid", compute="_compute_invoiced", compute_sudo=True)
    amount_due = fields.Monetary(string="Debt", compute="_compute_invoiced", compute_sudo=True)

    _name_unique = models.UniqueIndex("(company_id, name)", "Another contract of the company already has this number.")
    _dates_in_order = models.Constraint(
        "CHECK(date_end IS NULL OR date_end >= date_start)", "A contract can't end before its first day."
    )
    _payment_day_range = models.Constraint(
        "CHECK(kind <> 'subscription' OR (payment_day IS NOT NULL AND payment_day BETWEEN 1 AND 31))",
        "A subscription needs its planned payment day, from 1 to 31.",
    )
    _subscription_complete = models.Constraint(
        """CHECK(kind <> 'subscription' OR (
            billing_period IS NOT NULL AND billing_alignment IS NOT NULL AND billing_timing IS NOT NULL))""",
        "A subscription needs its billing period, alignment and timing.",
    )

    # -------------------------------------------------------------------------
    # COMPUTES
    # -------------------------------------------------------------------------

    @api.depends("company_id")
    def _compute_currency_id(self):
        for contract in self:
            contract.currency_id = contract.company_id.currency_id

    @api.depends("name", "date_signed", "subject")
    def _compute_display_name(self):
        for contract in self:
            number = contract.name or self.env._("New contract")
            contract.display_name = f"{number} {contract.subject}" if contract.subject else number

    @api.depends(
        "line_ids.price_total",
        "line_ids.date_from",
        "line_ids.date_to",
        "next_billing_date",
        "date_start",
        "date_end",
        "period_ids.state",
    )
    def _compute_amount_total(self):
        for contract in self:
            period = contract._get_next_unbilled()
            day = period.date_start if period else contract.date_end or contract.date_start
            lines = contract.line_ids._in_force(day, day) if day else contract.line_ids
            contract.amount_total = sum(lines.mapped("price_total"))

    @api.depends(
        "state",
        "kind",
        "date_start",
        "date_end",
        "payment_date",
        "prorate",
        "billing_period",
        "billing_alignment",
        "billing_timing",
        "period_ids.state",
        "period_ids.date_start",
        "period_ids.date_end",
        "period_ids.credited_from",
        "suspension_ids.date_from",
        "suspension_ids.date_to",
    )
    def _compute_next_billing_date(self):
        for contract in self:
            period = contract._get_next_unbilled() if contract.state in IN_FORCE_STATES else None
            contract.next_billing_date = period and contract._get_billing_date(period)
            contract.next_invoice_date = period and contract._get_invoice_date(period)

    @api.depends("stage_ids.state")
    def _compute_current_stage(self):
        for contract in self:
            contract.current_stage_id = contract.stage_ids.filtered(lambda stage: stage.state == "open")[:1]

    @api.depends("move_ids.state", "move_ids.amount_total_in_currency_signed", "move_ids.amount_residual")
    def _compute_invoiced(self):
        """Figures of the contract's posted invoices, in the contract's currency, by one query."""
        figures = defaultdict(lambda: [0, 0.0, 0.0])
        for contract, move_type, count, total, residual in self.env["account.move"]._read_group(
            [
                ("contract_id", "in", self.ids),
                ("state", "=", "posted"),
                ("move_type", "in", ("out_invoice", "out_refund")),
            ],
            ["contract_id", "move_type"],
            ["__count", "amount_total:sum", "amount_residual:sum"],
        ):
            sign = -1 if move_type == "out_refund" else 1
            figures[contract.id][0] += count
            figures[contract.id][1] += sign * total
            figures[contract.id][2] += sign * residual
        for contract in self:
            count, invoiced, due = figures[contract._origin.id]
            contract.move_count = count
            contract.amount_invoiced = invoiced
            contract.amount_due = due
            contract.amount_paid = invoiced - due

    @api.depends("move_ids.payment_state")
    def _compute_payment_ids(self):
        """Payments of the contract's invoices, and advances for the contract."""
        advances = self.env["account.payment"].search(
            [("contract_id", "in", self.ids), ("state", "in", ("in_process", "paid"))]
        )
        by_contract = advances.grouped("contract_id")
        for contract in self:
            contract.payment_ids = contract.move_ids.reconciled_payment_ids | by_contract.get(
                contract._origin, advances.browse()
            )

    # -------------------------------------------------------------------------
    # CHECKS
    # -------------------------------------------------------------------------

    @api.constrains("partner_id")
    def _check_partner(self):
        """The parties of a contract are companies and independent people, not the people of a company."""
        for contract in self:
            company = contract.partner_id.commercial_partner_id
            if company != contract.partner_id:
                raise ValidationError(
                    self.env._(
                        "Contract %(contract)s: %(contact)s is a contact of %(client)s. "
                        "Choose %(client)s as the client.",
                        contract=contract.display_name,
                        contact=contract.partner_id.name,
                        client=company.name,
                    )
                )

    @api.constrains("partner_id", "state")
    def _check_partner_active(self):
        """A client in the archive has no contract in force; see ``res.partner`` for the other side."""
        for contract in self:
            if contract.state in RUNNING_STATES and not contract.partner_id.active:
                raise ValidationError(
                    self.env._(
                        "Contract %(contract)s: %(client)s is in the archive. Take the client out of it first.",
                        contract=contract.display_name,
                        client=contract.partner_id.name,
                    )
                )

    @api.constrains("user_id", "company_id")
    def _check_user_active(self):
        self._check_responsible()

    @api.constrains("company_id")
    def _check_members(self):
        self.member_ids._check_user()

    # -------------------------------------------------------------------------
    # CRUD
    # -------------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        vals_list = [{**vals, "name": vals.get("name") or self._next_number(vals)} for vals in vals_list]
        contracts = super().create(vals_list)
        # After the fact, as values could come from the context's defaults too.
        if not self.env.su and contracts.filtered(lambda contract: contract._is_forged()):
            raise UserError(self.env._("A new contract is a draft. Use its buttons to put it into force."))
        # sudo: whoever may make a contract puts its client into the registry, right on contacts or not.
        clients = contracts.partner_id.commercial_partner_id.sudo()
        clients.filtered(lambda partner: not partner.is_client).is_client = True
        return contracts

    def write(self, vals):
        self.check_access("write")
        if PROTECTED_FIELDS & vals.keys() and not self.env.su:
            raise UserError(self.env._("The status of a contract is changed by its buttons only."))
        if CLOSED_FIELDS & vals.keys():
            self._check_changeable()
        if SCHEDULE_FIELDS & vals.keys():
            self._check_schedule_free()
        if {"partner_id", "company_id", "currency_id"} & vals.keys():
            self._check_without_documents()
        if any(contract.company_id.id != vals["company_id"] for contract in self if "company_id" in vals):
            self._check_draft()
        if any(contract.process_id.id != vals["process_id"] for contract in self if "process_id" in vals):
            self._check_process_free()
        result = super().write(vals)
        if LEDGER_FIELDS & vals.keys():
            self._sync_ledger()
        return result

    def _is_forged(self):
        """Whether a new contract has what only the business methods give it."""
        return (
            self.state != "draft"
            or self.predecessor_id
            or self.current_stage_id
            or self.finish_reason_id
            or self.agreed_date_end
        )

    def _set_state(self, state):
        self.check_access("write")
        # sudo: users change the state by the business methods only, which have checked what it allows.
        self.sudo().write({"state": state})

    def copy_data(self, default=None):
        vals_list = super().copy_data(default)
        if "line_ids" in (default or {}):
            return vals_list
        for contract, vals in zip(self, vals_list, strict=True):
            # The copy begins anew: it takes what is in force today, without the dates.
            today = contract.company_id._crm_today()
            lines = contract.line_ids._in_force(today, today) or contract.line_ids._in_force(today, date.max)
            vals["line_ids"] = [Command.create(line_vals) for line_vals in lines.copy_data()]
        return vals_list

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        used = self.filtered(lambda contract: contract.state != "draft" or contract.move_ids)
        if used:
            raise UserError(
                self.env._(
                    "Only a draft without invoices can be deleted. Finish the contract instead: %(contracts)s",
                    contracts=", ".join(used.mapped("display_name")),
                )
            )

    # -------------------------------------------------------------------------
    # ACTIONS
    # -------------------------------------------------------------------------

    def action_activate(self):
        """Put drafts into force and open the first stage of their process, if one is chosen.

        :raises UserError: the contract is no draft or has no services
        """
        for contract in self:
            contract._check_activable()
        self.partner_id._touch()
        self.partner_id._become_customers()
        self._set_state("active")
        self.filtered("process_id").action_start_process()
        return True

    def action_start_process(self):
        """Open the first stage of the chosen process.

        :raises UserError: no process is chosen, or a stage is open already
        """
        for contract in self:
            if not contract.process_id:
                raise UserError(
                    self.env._(
                        "Choose a business process for contract %(contract)s first.", contract=contract.display_name
                    )
                )
        self.check_access("write")
        return self.env["crm.contract.stage"]._open_first(self)

    def action_invoice(self):
        """Bill the oldest unbilled period now, due or not, and show its invoice.

        :raises UserError: the contract is not in force or has nothing left to bill
        """
        self.ensure_one()
        self.check_access("write")
        today = self.company_id._crm_today()
        period = self._get_oldest_unbilled()
        if not period:
            raise UserError(
                self.env._("There is nothing left to bill in contract %(contract)s.", contract=self.display_name)
            )
        move = period._bill_now(today)
        return move._get_records_action(name=self.env._("Invoice"))

    def action_skip_period(self):
        """Ask why the oldest unbilled period is not to be billed, due or not.

        :raises UserError: nothing is left to bill
        """
        self.ensure_one()
        self.check_access("write")
        period = self._get_oldest_unbilled()
        if not period:
            raise UserError(self.env._("Contract %(contract)s has nothing to bill.", contract=self.display_name))
        return period.action_skip()

    def action_reassign(self, user_id, reason=None):
        """Make another employee responsible, who gets an activity on each contract and its reminders as well.

        :param int user_id: the new responsible (``res.users``)
        :param str reason: shown in a note
        :raises AccessError: the user is not a manager
        :raises UserError: a contract is closed
        :raises ValidationError: the new responsible can't be it
        """
        self.check_access("write")
        self._check_changeable()
        user = self.env["res.users"].browse(user_id)
        others = self.filtered(lambda contract: contract.user_id != user)
        formers = {contract: contract.user_id for contract in others}
        # The activity tells the new responsible; a message for each of many contracts would say it twice.
        others.with_context(mail_auto_subscribe_no_notify=True).user_id = user
        others._log_hand_over(formers, user, dict.fromkeys(others, reason))
        # sudo: who hands over plans what the new responsible has to do.
        others.sudo()._schedule_once(self._responsible_activity, user)
        return True

    def action_view_current_stage(self):
        """Page of the stage that the contract is at."""
        self.ensure_one()
        return self.current_stage_id._get_records_action(name=self.env._("Current Stage"))

    def action_view_moves(self):
        """Invoices of the contract, those in the archive as well; a new one is the contract's."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("custom_crm.action_invoices")
        action["domain"] = [("contract_id", "=", self.id), ("move_type", "in", ("out_invoice", "out_refund"))]
        action["context"] = self._get_new_invoice_context()
        return action

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    @api.model
    def _get_default_user(self):
        """The user; for what the system makes by itself, the company's default responsible or the administrator."""
        users = self.env.user | self.env.company.crm_default_user_id | self.env.ref("base.user_admin")
        return users._filter_responsible(self.env.company)[:1]

    @api.model
    def _next_number(self, vals):
        """Next number of the company in the year of the contract's first day."""
        vals = {**self.default_get(["company_id", "date_start"]), **vals}
        company = self.env["res.company"].browse(vals["company_id"])
        day = fields.Date.to_date(vals.get("date_signed") or vals["date_start"])
        Sequence = self.env["ir.sequence"].with_company(company)
        number = Sequence.next_by_code("crm.contract", sequence_date=day)
        if not number:
            # Somebody deleted or archived the sequence.
            raise UserError(
                self.env._(
                    "%(company)s has no sequence for the numbers of contracts. Enter the number by hand, or ask an "
                    "administrator to add a sequence with the code crm.contract.",
                    company=company.name,
                )
            )
        return number

    def _check_activable(self):
        self.ensure_one()
        if self.state != "draft":
            raise UserError(
                self.env._("Contract %(contract)s is not a draft, it can't be activated.", contract=self.display_name)
            )
        if not self.line_ids:
            raise UserError(
                self.env._("Add at least one service to contract %(contract)s first.", contract=self.display_name)
            )

    def _check_changeable(self):
        closed = self.filtered(lambda contract: contract.state in CLOSED_STATES)
        if closed:
            raise UserError(
                self.env._(
                    "These contracts are closed, their terms can't be changed any more: %(contracts)s",
                    contracts=", ".join(closed.mapped("display_name")),
                )
            )

    def _check_schedule_free(self):
        billed = self.filtered(lambda contract: contract.period_ids.filtered("move_id"))
        if billed:
            raise UserError(
                self.env._(
                    "Periods of these contracts are billed already, so their kind, first day and billing period stay "
                    "as they are. Finish the contract and make a new one: %(contracts)s",
                    contracts=", ".join(billed.mapped("display_name")),
                )
            )

    def _check_draft(self):
        others = self.filtered(lambda contract: contract.state != "draft")
        if others:
            raise UserError(
                self.env._(
                    "The company of a contract is chosen while it is a draft: %(contracts)s",
                    contracts=", ".join(others.mapped("display_name")),
                )
            )

    def _check_process_free(self):
        held = self.filtered(lambda contract: contract.current_stage_id or contract.state in CLOSED_STATES)
        if held:
            raise UserError(
                self.env._(
                    "These contracts are closed or in the middle of their process, which can't be replaced now. Stop "
                    "the process at its open stage first: %(contracts)s",
                    contracts=", ".join(held.mapped("display_name")),
                )
            )

    def _check_without_documents(self):
        # sudo: an invoice counts, seen by the user or not.
        used = self.filtered(lambda contract: contract.sudo().move_ids)
        if used:
            raise UserError(
                self.env._(
                    "These contracts have invoices already, so their client, company and currency stay as they are: "
                    "%(contracts)s",
                    contracts=", ".join(used.mapped("display_name")),
                )
            )
