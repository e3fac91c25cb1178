import logging
from collections import Counter, defaultdict

from odoo import api, fields, models
from odoo.exceptions import LockError, UserError
from odoo.fields import Command, Domain
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import format_date

from .crm_contract import IN_FORCE_STATES

_logger = logging.getLogger(__name__)

MAX_CONFLICTS = 10
# Which periods a run collects.
SELECTION_FIELDS = {"company_id", "company_ids", "contract_ids", "date", "partner_ids", "settlement"}


class CrmBillingRun(models.Model):
    """Batch invoicing: collects the due periods of a company's contracts and hands them to a scheduled action.

    The scheduled action bills chunk by chunk, each in its own transaction. A killed run goes on where it stopped.
    """

    _name = "crm.billing.run"
    _description = "Billing Run"
    _inherit = ["mail.thread"]
    _order = "date desc, id desc"
    _check_company_auto = True

    # -------------------------------------------------------------------------
    # FIELDS
    # -------------------------------------------------------------------------

    name = fields.Char(compute="_compute_name", store=True, readonly=False, precompute=True)
    company_id = fields.Many2one(
        "res.company", required=True, ondelete="restrict", index=True, default=lambda self: self.env.company
    )
    company_ids = fields.Many2many(
        "res.company",
        string="Companies",
        required=True,
        default=lambda self: self.env.company,
        help="Companies whose contracts are billed. Amounts are in the currency of the run's own company.",
    )
    partner_ids = fields.Many2many(
        "res.partner", string="Clients", domain=[("is_client", "=", True)], help="Only these; empty: all clients."
    )
    contract_ids = fields.Many2many(
        "crm.contract",
        string="Contracts",
        domain="[('state', 'in', ('active', 'suspended', 'finished')), ('company_id', 'in', company_ids)]",
        help="Only these; empty: all contracts.",
    )
    settlement = fields.Selection(
        [("cash", "Cash"), ("cashless", "Cashless")], help="Only contracts settled this way; empty: all."
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    date = fields.Date(
        string="Invoice Date", required=True, tracking=True, default=lambda self: self.env.company._crm_today()
    )
    state = fields.Selection(
        [("draft", "Draft"), ("running", "Running"), ("done", "Done")],
        required=True,
        readonly=True,
        copy=False,
        default="draft",
        tracking=True,
        index=True,
    )
    is_stopped = fields.Boolean(
        string="Stopped",
        readonly=True,
        copy=False,
        tracking=True,
        help="Started, but nothing more is billed until it goes on.",
    )
    is_future = fields.Boolean(compute="_compute_is_future", help="The invoice date is still to come.")
    is_automatic = fields.Boolean(readonly=True, copy=False, help="Made by the scheduled action.")
    period_ids = fields.One2many("crm.contract.period", "run_id", string="Periods")
    total_count = fields.Integer(string="Periods to Bill", compute="_compute_figures")
    billed_count = fields.Integer(string="Periods Billed", compute="_compute_figures")
    failed_count = fields.Integer(string="Periods Failed", compute="_compute_figures")
    problem_count = fields.Integer(
        string="With Problems",
        compute="_compute_problem_count",
        help="Periods that are still to be billed, with something that is to be mended before.",
    )
    draft_count = fields.Integer(string="Draft Invoices", compute="_compute_move_counts", compute_sudo=True)
    to_send_count = fields.Integer(string="To Mail", compute="_compute_move_counts", compute_sudo=True)
    no_address_count = fields.Integer(
        string="Without an Address",
        compute="_compute_move_counts",
        compute_sudo=True,
        help="Posted invoices that can't be mailed, as the client has no e-mail address.",
    )
    sent_count = fields.Integer(string="Mailed", compute="_compute_move_counts", compute_sudo=True)
    amount_total = fields.Monetary(string="Amount", compute="_compute_figures")
    progress = fields.Float(compute="_compute_figures", help="Percent of the periods that are billed or failed.")

    _automatic_unique = models.UniqueIndex(
        "(company_id, (date - EXTRACT(DAY FROM date)::int)) WHERE is_automatic IS TRUE",
        "The monthly billing run of this company is there already.",
    )

    # -------------------------------------------------------------------------
    # COMPUTES
    # -------------------------------------------------------------------------

    @api.depends("date")
    def _compute_name(self):
        for run in self:
            run.name = self.env._("Billing %(date)s", date=format_date(self.env, run.date))

    @api.depends("company_id", "date")
    def _compute_is_future(self):
        for run in self:
            run.is_future = bool(run.date) and run.date > run.company_id._crm_today()

    @api.depends("period_ids.state", "period_ids.amount_total")
    def _compute_figures(self):
        groups = self.env["crm.contract.period"]._read_group(
            [("run_id", "in", self.ids)], ["run_id", "state", "currency_id"], ["__count", "amount_total:sum"]
        )
        counts, amounts = defaultdict(Counter), defaultdict(float)
        for run, state, currency, count, amount in groups:
            counts[run.id][state] += count
            if state != "skipped":
                amounts[run.id] += currency._convert(amount, run.currency_id, run.company_id, run.date)
        for run in self:
            states = counts[run.id]
            run.total_count = states["due"] + states["billed"] + states["failed"]
            run.billed_count = states["billed"]
            run.failed_count = states["failed"]
            run.amount_total = amounts[run.id]
            finished = run.total_count - states["due"]
            run.progress = 100.0 * finished / run.total_count if run.total_count else 0.0

    @api.depends("period_ids.problem", "period_ids.state")
    def _compute_problem_count(self):
        counts = dict(
            self.env["crm.contract.period"]._read_group(
                [("run_id", "in", self.ids), ("problem", "!=", False), ("state", "in", ("due", "failed"))],
                ["run_id"],
                ["__count"],
            )
        )
        for run in self:
            run.problem_count = counts.get(run, 0)

    @api.depends("period_ids.move_id.delivery_state", "period_ids.move_id.is_move_sent", "period_ids.move_id.state")
    def _compute_move_counts(self):
        """One query a figure, whatever the number of runs and invoices."""
        for field_name, domain in self._get_move_domains().items():
            counts = dict(self.env["account.move"]._read_group(domain, ["period_id.run_id"], ["__count"]))
            for run in self:
                run[field_name] = counts.get(run, 0)

    # -------------------------------------------------------------------------
    # CRUD
    # -------------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        runs = super().create(vals_list)
        if not self.env.su and runs.filtered(lambda run: run.state != "draft" or run.is_automatic):
            raise UserError(self.env._("A new billing run is a draft. Use its buttons to start it."))
        return runs

    def write(self, vals):
        self.check_access("write")
        if {"state", "is_automatic", "is_stopped"} & vals.keys() and not self.env.su:
            raise UserError(self.env._("The status of a billing run is changed by its buttons only."))
        if SELECTION_FIELDS & vals.keys():
            for run in self:
                run._check_draft()
            # What was collected was so for another selection.
            self._release("due", "failed", "skipped")
        return super().write(vals)

    def _set_state(self, state, is_stopped=False):
        self.check_access("write")
        # sudo: users change the state by the business methods only, which have checked what it allows.
        self.sudo().write({"state": state, "is_stopped": is_stopped})

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        used = self.filtered(lambda run: run.state == "running" or run.billed_count)
        if used:
            raise UserError(
                self.env._(
                    "A billing run with invoices can't be deleted: %(runs)s", runs=", ".join(used.mapped("name"))
                )
            )

    # -------------------------------------------------------------------------
    # ACTIONS
    # -------------------------------------------------------------------------

    def action_prepare(self):
        """Collect the periods that are due on the invoice date, and find beforehand what is wrong with them.

        Preparing again collects anew. Periods that a running run holds stay there.

        :raises UserError: the run is not a draft
        """
        self.check_access("write")
        for run in self:
            run._check_draft()
            run._release("due", "failed", "skipped")
            run._collect_periods()._find_problems(run.date)
        if self.period_ids:
            return True
        return self._get_notification(self.env._("Nothing is due on this day: there is nothing to bill."))

    def action_start(self):
        """Hand the run to the scheduled action. A second click, also at the same moment, does nothing.

        :raises UserError: the scheduled action is switched off
        """
        self._get_cron()._check_crm_active()
        draft = self._lock().filtered(lambda run: run.state == "draft")
        # Of what nobody has seen nothing is billed: the selection was changed after it was prepared.
        unseen = draft.filtered(lambda run: not run.period_ids)
        (draft - unseen)._set_state("running")
        self._dispatch()
        if not unseen:
            return True
        result = unseen.action_prepare()
        if not unseen.period_ids:
            return result
        return self._get_notification(self.env._("Prepared anew: look at what is going to be billed, then start."))

    def action_check(self):
        """Find anew what is wrong with the periods of drafts; which periods they hold stays as it was.

        :raises UserError: a run is started
        """
        self.check_access("write")
        for run in self:
            run._check_draft()
            run.period_ids.filtered(lambda period: not period.is_closed)._find_problems(run.date)
        return True

    def action_stop(self):
        """Stop a started run after the invoices that are being made at this moment. What is made stays."""
        self._lock().filtered(lambda run: run.state == "running")._set_state("running", is_stopped=True)
        return True

    def action_resume(self):
        """Go on with a stopped run.

        :raises UserError: the scheduled action is switched off
        """
        self._get_cron()._check_crm_active()
        self._lock().filtered("is_stopped")._set_state("running")
        self._dispatch()
        return True

    def action_retry_failed(self):
        """Bill the failed periods of the run again.

        :raises UserError: the scheduled action is switched off
        """
        self._get_cron()._check_crm_active()
        runs = self._lock().filtered(lambda run: run.state != "draft")
        # In a done run these are due again as somebody cancelled or deleted their invoices: no business of a retry.
        runs.filtered(lambda run: run.state == "done")._release("due")
        # sudo: nobody writes the ledger by hand; the user may write the run.
        failed = runs.period_ids.sudo().filtered(lambda period: period.state == "failed")
        failed.error = False
        failed.run_id.sudo(self.env.su)._set_state("running")
        self._dispatch()
        return True

    def action_send(self):
        """Mail the posted invoices of the run that were not mailed yet, by mailings that go on in the background.

        :raises UserError: the scheduled action for mailing is switched off, or nothing is left to mail
        """
        self.check_access("write")
        moves = self._get_moves_to_send()
        if not moves:
            raise UserError(self.env._("There is nothing to mail: every posted invoice with an address is mailed."))
        self._start_mailings(moves)
        return self._get_notification(
            self.env._("%(count)s invoices are being mailed in the background.", count=len(moves))
        )

    def action_undo(self):
        """Delete the draft invoices of the run: their periods are due again and the run is a draft."""
        runs = self._lock()
        # A worker may be billing some of them at this moment, which can't be seen yet.
        rows = runs.period_ids
        rows._lock()
        # One that has looked before, and takes them afterwards, has to look again.
        rows._touch()
        rows.move_id.filtered(lambda move: move.state == "draft" and not move.posted_before).unlink()
        runs.filtered(lambda run: not run.billed_count)._set_state("draft")
        return True

    def action_view_moves(self):
        """Invoices of the run."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("custom_crm.action_invoices")
        action["domain"] = [("period_id.run_id", "=", self.id)]
        action["context"] = {"create": False, "default_move_type": "out_invoice"}
        return action

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _lock(self):
        """Lock the runs, which the user may change, for this transaction.

        :raises UserError: somebody else is working on one of them at this moment
        """
        self.check_access("write")
        try:
            self.lock_for_update(allow_referencing=True)
        except LockError as error:
            raise UserError(
                self.env._("%(runs)s: somebody else is changing it right now.", runs=", ".join(self.mapped("name")))
            ) from error
        return self

    def _get_notification(self, message):
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "info",
                "message": message,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def _check_draft(self):
        self.ensure_one()
        if self.state != "draft":
            raise UserError(self.env._("%(run)s is started already, it can't be changed.", run=self.name))

    def _dispatch(self):
        """Hand the started runs to the scheduled action. Add-ons with workers of their own extend it."""
        self._get_cron()._trigger()

    def _get_lang(self):
        """Language of what a scheduled action writes: the company's, so that its staff understands it."""
        return self.company_id.partner_id.lang or self.create_uid.lang

    def _get_cron(self):
        return self.env.ref("custom_crm.ir_cron_billing")

    def _release(self, *states):
        """Let go of rows in these states, for another run. Billed ones stay with the run that billed them."""
        # sudo: nobody writes the ledger by hand; the user may write the run.
        self.period_ids.sudo().filtered(lambda row: row.state in states).write({"run_id": False, "problem": False})

    def _collect_periods(self):
        """Give the run the rows of the ledger that are due on its date, with their planned days of payment.

        :return: ``crm.contract.period``
        """
        self.ensure_one()
        Period = self.env["crm.contract.period"]
        domain = self._get_period_domain()
        contracts = self.env["crm.contract"].search(self._get_contract_domain()) | Period.search(domain).contract_id
        contracts._ensure_periods(self.date)
        periods = Period.search(domain).filtered(lambda period: period.contract_id._is_due(period, self.date))
        # sudo: nobody writes the ledger by hand; the user may write the run.
        periods.sudo().write({"run_id": self.id, "error": False})
        for period in periods.sudo():
            period.payment_date = period.contract_id._get_payment_date(period, self.date)
        return periods

    def _get_selection_domain(self):
        """Contracts that the run is for."""
        self.ensure_one()
        domain = Domain("company_id", "in", self.company_ids.ids) & Domain("state", "in", IN_FORCE_STATES)
        if self.partner_ids:
            domain &= Domain("partner_id", "child_of", self.partner_ids.ids)
        if self.contract_ids:
            domain &= Domain("id", "in", self.contract_ids.ids)
        if self.settlement:
            domain &= Domain("settlement", "=", self.settlement)
        return domain

    def _get_contract_domain(self):
        """Contracts with a period to bill on or before the invoice date."""
        return self._get_selection_domain() & Domain("next_billing_date", "<=", self.date)

    def _get_period_domain(self):
        """Unbilled rows of the ledger that no running run holds. Those of a draft are taken over from it."""
        # Whoever may not see the run of several companies may bill what it has left of their own one.
        is_free = Domain("run_id", "=", False) | Domain("run_id", "any!", Domain("state", "!=", "running"))
        return (
            Domain("state", "in", ("due", "failed"))
            & Domain("contract_id", "any", self._get_selection_domain())
            & is_free
        )

    def _get_move_domains(self):
        """Which invoices of the runs the figures count, by field."""
        invoices = Domain(
            [("period_id.run_id", "in", self.ids), ("move_type", "=", "out_invoice"), ("state", "!=", "cancel")]
        )
        unsent = invoices & self.env["account.move"]._get_unmailed_domain()
        has_email = Domain("partner_id.email", "!=", False) | Domain("commercial_partner_id.email", "!=", False)
        mailed = Domain("delivery_state", "=", "sent")
        # Before this add-on told what became of a message.
        before = Domain([("delivery_state", "=", "none"), ("is_move_sent", "=", True)])
        return {
            "draft_count": invoices & Domain([("state", "=", "draft"), ("posted_before", "=", False)]),
            "sent_count": invoices & (mailed | before),
            "to_send_count": unsent & has_email,
            "no_address_count": unsent & ~has_email,
        }

    def _start_mailings(self, moves):
        """Start a mailing of these invoices of the run for each of their companies.

        :raises UserError: the scheduled action for mailing is switched off
        """
        Mailing = self.env["crm.invoice.mailing"]
        Mailing._get_cron()._check_crm_active()
        for run, own in moves.grouped(lambda move: move.period_id.run_id).items():
            # What the scheduled action starts is of who made the run.
            sender = run.create_uid if self.env.su else self.env.user
            Mailing._make_selection(own, source="run", billing_run_id=run.id, user_id=sender.id).action_start()

    def _get_moves_to_send(self):
        return self.env["account.move"].search(self._get_move_domains()["to_send_count"])

    # -------------------------------------------------------------------------
    # SCHEDULED ACTIONS
    # -------------------------------------------------------------------------

    @api.model
    def _cron_bill(self):
        """Bill the started runs, chunk by chunk, until nothing is left or the time is up."""
        Cron = self.env["ir.cron"]
        has_time = Cron._commit_progress(
            remaining=self.env["crm.contract.period"].search_count(self._get_work_domain())
        )
        conflicts = 0
        while has_time and conflicts < MAX_CONFLICTS:
            try:
                done = self._bill_chunk()
                has_time = Cron._commit_progress(done)
                if not done or not has_time:
                    self._close_finished()
                    break
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                # A user or another worker was faster: what it left is taken with the next look.
                self.env.cr.rollback()
                conflicts += 1

    @api.model
    def _bill_chunk(self):
        """Bill the next due rows of started runs that no other worker has taken. Commits where it isolates a bad row.

        :return: how many were taken; 0 when nothing is left
        """
        periods = self.env["crm.contract.period"]._claim(self._get_work_domain(), self._get_chunk_size())
        periods._bill_or_isolate()
        return len(periods)

    @api.model
    def _get_work_domain(self):
        """Periods to be billed now."""
        return [("run_id.state", "=", "running"), ("run_id.is_stopped", "=", False), ("state", "=", "due")]

    @api.model
    def _cron_start_monthly(self):
        """Start the month's billing run of each company that wants it, once, from its billing day on."""
        for company in self.env["res.company"].search([("crm_billing_auto", "=", True)]):
            today = company._crm_today()
            if today.day < company.crm_billing_day:
                continue
            first = today.replace(day=1)
            if self.search_count(
                [("company_id", "=", company.id), ("is_automatic", "=", True), ("date", ">=", first)], limit=1
            ):
                continue
            try:
                Run = self.with_company(company).with_context(lang=company.partner_id.lang or self.env.lang)
                # sudo: only the scheduled action, whoever runs it, makes the month's own run.
                run = Run.sudo().create(
                    {
                        "company_id": company.id,
                        "company_ids": [Command.set(company.ids)],
                        "date": today,
                        "is_automatic": True,
                    }
                )
                run.action_prepare()
                if run.period_ids:
                    run.action_start()
                else:
                    run._post_result()
                self.env["ir.cron"]._commit_progress(1)
            except Exception:
                # One company's trouble must not keep the others from billing; this one is tried again next time.
                _logger.exception("The monthly billing run of company %s could not be started", company.id)
                self.env.cr.rollback()

    @api.model
    def _get_chunk_size(self):
        """Smallest chunk size of the companies with a started run."""
        companies = self.search([("state", "=", "running")]).company_ids
        return min(companies.mapped("crm_billing_chunk_size"), default=100) or 100

    @api.model
    def _close_finished(self):
        """Set started runs without due periods to done, and mail their invoices if the company wants it so.

        Both at once, so that a worker that is killed leaves no run that is done and not mailed.
        """
        # What a user has stopped is neither closed nor mailed.
        running = self.search([("state", "=", "running"), ("is_stopped", "=", False)])
        unfinished = self.env["crm.contract.period"]._read_group(
            [("run_id", "in", running.ids), ("state", "=", "due")], ["run_id"]
        )
        finished = running - self.browse().union(*(run for (run,) in unfinished))
        finished = finished.try_lock_for_update(allow_referencing=True)
        for run in finished:
            run.with_context(lang=run._get_lang())._close()
        self.env["ir.cron"]._commit_progress()

    def _close(self):
        try:
            with self.env.cr.savepoint():
                self._post_result()
                self._send_or_tell()
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception:
            # One run's trouble must not keep the others from being closed; this one is tried again next time.
            _logger.exception("Billing run %s could not be closed", self.id)

    def _post_result(self):
        self._set_state("done")
        self.message_post(
            body=self.env._(
                "Done: %(billed)s billed, %(failed)s failed.", billed=self.billed_count, failed=self.failed_count
            )
        )

    def _send_or_tell(self):
        """Mail the invoices of companies that want it; if that can't be started, say so on the run."""
        moves = self._get_moves_to_send().filtered("company_id.crm_billing_send")
        if not moves:
            return
        try:
            self._start_mailings(moves)
        except UserError as error:
            self.message_post(body=str(error))
