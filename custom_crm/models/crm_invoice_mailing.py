from collections import Counter, defaultdict

from odoo import api, fields, models
from odoo.exceptions import LockError, UserError
from odoo.fields import Command, Domain
from odoo.tools import date_utils, format_date

# Which invoices a mailing collects.
SELECTION_FIELDS = {"billing_run_id", "company_id", "month", "source"}


class CrmInvoiceMailing(models.Model):
    """One request to mail customer invoices of a company: at most one message for each of them.

    Prepared and looked at first, then handed to a scheduled action. Each row says what became of its invoice.
    """

    _name = "crm.invoice.mailing"
    _description = "Mailing of Invoices"
    _inherit = ["mail.thread"]
    _order = "id desc"
    _check_company_auto = True

    # -------------------------------------------------------------------------
    # FIELDS
    # -------------------------------------------------------------------------

    name = fields.Char(compute="_compute_name", store=True, readonly=False, precompute=True)
    company_id = fields.Many2one(
        "res.company", required=True, ondelete="restrict", index=True, default=lambda self: self.env.company
    )
    user_id = fields.Many2one(
        "res.users",
        string="Sender",
        required=True,
        ondelete="restrict",
        readonly=True,
        copy=False,
        default=lambda self: self.env.user,
        help="Who asked for the mailing: author of its messages.",
    )
    source = fields.Selection(
        [("month", "Month"), ("run", "Billing Run"), ("selection", "Chosen Invoices")],
        string="Invoices of",
        required=True,
        default="month",
    )
    month = fields.Date(
        default=lambda self: self.env.company._crm_today(),
        help="Posted invoices dated in this month that were not mailed yet.",
    )
    billing_run_id = fields.Many2one(
        "crm.billing.run",
        ondelete="restrict",
        index="btree_not_null",
        help="Posted invoices of this run that were not mailed yet.",
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
        string="Stopped", readonly=True, copy=False, help="Started, but nothing more is mailed until it goes on."
    )
    line_ids = fields.One2many("crm.invoice.mailing.line", "mailing_id", string="Invoices")
    total_count = fields.Integer(string="Number of Invoices", compute="_compute_figures")
    sent_count = fields.Integer(string="Mailed", compute="_compute_figures")
    failed_count = fields.Integer(string="Failed", compute="_compute_figures", help="Those without an address too.")
    no_address_count = fields.Integer(string="Without an Address", compute="_compute_figures")
    uncertain_count = fields.Integer(
        string="Uncertain",
        compute="_compute_figures",
        help="The connection broke at the very end: the client may have the message. It is not sent again by itself.",
    )
    problem_count = fields.Integer(
        string="With Problems",
        compute="_compute_problem_count",
        help="Invoices that are still to be mailed, with something that is to be mended before.",
    )
    progress = fields.Float(compute="_compute_figures", help="Percent of the invoices whose result is known.")
    warning = fields.Text(compute="_compute_warning", help="What keeps all messages from being sent.")

    # -------------------------------------------------------------------------
    # COMPUTES
    # -------------------------------------------------------------------------

    @api.depends("source", "month", "billing_run_id")
    def _compute_name(self):
        for mailing in self:
            mailing.name = self.env._("Mailing %(what)s", what=mailing._get_title())

    def _get_title(self):
        if self.source == "run" and self.billing_run_id:
            return self.billing_run_id.name
        if self.source == "month" and self.month:
            return format_date(self.env, self.month, date_format="LLLL y")
        return format_date(self.env, self.company_id._crm_today() if self.company_id else fields.Date.today())

    @api.depends("line_ids.state", "line_ids.is_uncertain")
    def _compute_figures(self):
        groups = self.env["crm.invoice.mailing.line"]._read_group(
            [("mailing_id", "in", self.ids)], ["mailing_id", "state", "is_uncertain"], ["__count"]
        )
        states, uncertain = defaultdict(Counter), Counter()
        for mailing, state, is_uncertain, count in groups:
            states[mailing.id][state] += count
            uncertain[mailing.id] += is_uncertain and count
        for mailing in self:
            counts = states[mailing.id]
            mailing.total_count = counts.total()
            mailing.sent_count = counts["sent"]
            mailing.no_address_count = counts["no_address"]
            mailing.failed_count = counts["failed"] + counts["no_address"]
            mailing.uncertain_count = uncertain[mailing.id]
            finished = mailing.sent_count + mailing.failed_count
            mailing.progress = 100.0 * finished / mailing.total_count if mailing.total_count else 0.0

    @api.depends("line_ids.state", "line_ids.problem")
    def _compute_problem_count(self):
        groups = self.env["crm.invoice.mailing.line"]._read_group(
            [("mailing_id", "in", self.ids), ("state", "=", "draft"), ("problem", "!=", False)],
            ["mailing_id"],
            ["__count"],
        )
        counts = dict(groups)
        for mailing in self:
            mailing.problem_count = counts.get(mailing, 0)

    @api.depends("state", "company_id")
    def _compute_warning(self):
        for mailing in self:
            obstacles = mailing._find_obstacles() if mailing.state != "done" and mailing.company_id else []
            mailing.warning = "\n".join(obstacles)

    # -------------------------------------------------------------------------
    # CRUD
    # -------------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        mailings = super().create(vals_list)
        if not self.env.su and mailings.filtered(lambda row: row.state != "draft" or row.user_id != self.env.user):
            raise UserError(self.env._("A new mailing is a draft of your own. Use its buttons to start it."))
        return mailings

    def write(self, vals):
        self.check_access("write")
        if {"state", "is_stopped", "user_id"} & vals.keys() and not self.env.su:
            raise UserError(self.env._("The status of a mailing is changed by its buttons only."))
        if SELECTION_FIELDS & vals.keys():
            for mailing in self:
                mailing._check_draft()
            # What was collected was so for another selection.
            self.line_ids.unlink()
        return super().write(vals)

    def _set_state(self, state, is_stopped=False):
        self.check_access("write")
        # sudo: users change the state by the business methods only, which have checked what it allows.
        self.sudo().write({"state": state, "is_stopped": is_stopped})

    @api.ondelete(at_uninstall=False)
    def _unlink_except_started(self):
        started = self.filtered(lambda mailing: mailing.state != "draft")
        if started:
            raise UserError(
                self.env._(
                    "A mailing that is started tells what was sent, so it can't be deleted: %(mailings)s",
                    mailings=", ".join(started.mapped("name")),
                )
            )

    # -------------------------------------------------------------------------
    # ACTIONS
    # -------------------------------------------------------------------------

    def action_prepare(self):
        """Collect the invoices, and find beforehand what keeps them from being mailed. Chosen invoices stay chosen.

        :raises UserError: the mailing is no draft
        """
        self.check_access("write")
        for mailing in self:
            mailing._check_draft()
            if mailing.source != "selection":
                mailing.line_ids.unlink()
                mailing._add_moves(self.env["account.move"].search(mailing._get_move_domain(), order="date, id"))
            mailing.line_ids._find_problems()
        if self.line_ids:
            return True
        return self._get_notification(self.env._("There is nothing to mail: every such invoice is mailed already."))

    def action_start(self):
        """Hand the mailing to the scheduled action. A second click, also at the same moment, does nothing.

        :raises UserError: the scheduled action is switched off
        """
        self._get_cron()._check_crm_active()
        draft = self._lock().filtered(lambda mailing: mailing.state == "draft")
        # Nothing that nobody has seen is mailed: the selection was changed after it was prepared.
        unseen = draft.filtered(lambda mailing: not mailing.line_ids)
        (draft - unseen)._set_state("running")
        (draft - unseen).line_ids._queue()
        self._dispatch()
        if not unseen:
            return True
        unseen.action_prepare()
        return self._get_notification(self.env._("Prepared anew: look at what is going to be mailed, then start."))

    def action_stop(self):
        """Stop a started mailing after the message that is being sent at this moment."""
        self._lock().filtered(lambda mailing: mailing.state == "running")._set_state("running", is_stopped=True)
        return True

    def action_resume(self):
        """Go on with a stopped mailing.

        :raises UserError: the scheduled action is switched off
        """
        self._get_cron()._check_crm_active()
        self._lock().filtered("is_stopped")._set_state("running")
        self._dispatch()
        return True

    def action_resend_failed(self):
        """Mail what failed again, and what has got an address meanwhile. What the client may have is left out.

        :raises UserError: the scheduled action is switched off
        """
        lines = self._lock().line_ids
        lines.filtered(lambda line: line.state in ("failed", "no_address") and not line.is_uncertain)._resend()
        return True

    def action_view_moves(self):
        """Invoices of the mailing."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("custom_crm.action_invoices")
        action["domain"] = [("crm_mailing_line_ids.mailing_id", "=", self.id)]
        action["context"] = {"create": False, "default_move_type": "out_invoice"}
        return action

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    @api.model
    def _make_selection(self, moves, **vals):
        """A prepared mailing of these invoices for each of their companies.

        :return: ``crm.invoice.mailing``
        """
        vals_list = [
            {"source": "selection", **vals, "company_id": company.id, "line_ids": self._prepare_lines(own)}
            for company, own in moves.grouped("company_id").items()
        ]
        mailings = self.create(vals_list)
        mailings.line_ids._find_problems()
        return mailings

    @api.model
    def _prepare_lines(self, moves):
        return [Command.create({"move_id": move.id}) for move in moves]

    def _add_moves(self, moves):
        self.ensure_one()
        self.line_ids = self._prepare_lines(moves)

    def _get_move_domain(self):
        """Invoices that the mailing is for."""
        self.ensure_one()
        domain = self.env["account.move"]._get_unmailed_domain() & Domain("company_id", "=", self.company_id.id)
        if self.source == "run":
            return domain & Domain("period_id.run_id", "=", self.billing_run_id.id)
        if not self.month:
            raise UserError(self.env._("Choose the month whose invoices are to be mailed."))
        first, last = date_utils.get_month(self.month)
        return domain & Domain("invoice_date", ">=", first) & Domain("invoice_date", "<=", last)

    def _lock(self):
        """Lock the mailings, which the user may change, for this transaction.

        :raises UserError: somebody else is working on one of them at this moment
        """
        self.check_access("write")
        try:
            self.lock_for_update(allow_referencing=True)
        except LockError as error:
            raise UserError(
                self.env._("%(names)s: somebody else is changing it right now.", names=", ".join(self.mapped("name")))
            ) from error
        return self

    def _check_draft(self):
        self.ensure_one()
        if self.state != "draft":
            raise UserError(self.env._("%(mailing)s is started already, it can't be changed.", mailing=self.name))

    def _dispatch(self):
        """Hand the started mailings to the scheduled action. Add-ons with workers of their own extend it."""
        self._get_cron()._trigger()

    def _get_lang(self):
        """Language of what a scheduled action writes: the company's, so that its staff understands it."""
        return self.company_id.partner_id.lang or self.user_id.lang

    def _get_cron(self):
        return self.env.ref("custom_crm.ir_cron_mailing")

    def _get_notification(self, message):
        return self.env["crm.billing.run"]._get_notification(message)
