from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command, Domain
from odoo.tools import format_date

from ..tools.periods import ONE_DAY, get_term
from .crm_contract import CLOSED_STATES, IN_FORCE_STATES, RUNNING_STATES
from .crm_contract_schedule import ACTIVITY_BILLING_FAILED

ACTIVITY_CONTRACT_ENDS = "custom_crm.mail_activity_contract_ends"


class CrmContract(models.Model):
    """Life of a contract after it was put into force: suspended and resumed, renewed, finished, cancelled, reopened."""

    _inherit = "crm.contract"

    # -------------------------------------------------------------------------
    # FIELDS
    # -------------------------------------------------------------------------

    suspension_ids = fields.One2many("crm.contract.suspension", "contract_id", string="Suspensions")
    suspended_from = fields.Date(
        compute="_compute_suspended_from", help="First day without service of the suspension that lasts."
    )
    finish_reason_id = fields.Many2one(
        "crm.contract.finish.reason",
        string="Finished Because",
        readonly=True,
        copy=False,
        ondelete="restrict",
        index="btree_not_null",
        tracking=True,
    )
    agreed_date_end = fields.Date(
        readonly=True, copy=False, help="Last day as it was before the contract was finished; reopening restores it."
    )
    predecessor_id = fields.Many2one(
        "crm.contract",
        string="Renewal Of",
        readonly=True,
        copy=False,
        ondelete="set null",
        check_company=True,
    )
    successor_ids = fields.One2many("crm.contract", "predecessor_id", string="Renewals")
    successor_id = fields.Many2one("crm.contract", string="Renewed By", compute="_compute_successor_id")
    is_renewal_reminded = fields.Boolean(
        compute="_compute_is_renewal_reminded",
        store=True,
        help="The responsible was reminded that the contract ends; anew for another last day.",
    )

    # Also finds the renewal; a cancelled one may be made anew.
    _successor_unique = models.UniqueIndex(
        "(predecessor_id) WHERE predecessor_id IS NOT NULL AND state <> 'cancelled'",
        "The contract is renewed already.",
    )
    _ending = models.Index("(date_end) WHERE state IN ('active', 'suspended') AND date_end IS NOT NULL")

    # -------------------------------------------------------------------------
    # COMPUTES
    # -------------------------------------------------------------------------

    @api.depends("suspension_ids.date_from", "suspension_ids.date_to")
    def _compute_suspended_from(self):
        for contract in self:
            contract.suspended_from = contract._get_open_suspension().date_from

    @api.depends("successor_ids.state")
    def _compute_successor_id(self):
        for contract in self:
            contract.successor_id = contract.successor_ids.filtered(lambda other: other.state != "cancelled")[:1]

    @api.depends("date_end")
    def _compute_is_renewal_reminded(self):
        self.is_renewal_reminded = False

    # -------------------------------------------------------------------------
    # CHECKS
    # -------------------------------------------------------------------------

    @api.constrains("date_start", "date_end", "state", "predecessor_id")
    def _check_renewal_follows(self):
        """A renewal in force begins after the last day of what it renews."""
        for contract in self | self.successor_ids:
            former = contract.predecessor_id
            if (
                contract.state in IN_FORCE_STATES
                and former.state in IN_FORCE_STATES
                and not (former.date_end and former.date_end < contract.date_start)
            ):
                raise ValidationError(
                    self.env._(
                        "%(renewal)s renews %(contract)s and begins on %(date)s. %(contract)s has to end before that.",
                        renewal=contract.display_name,
                        contract=former.display_name,
                        date=format_date(self.env, contract.date_start),
                    )
                )

    # -------------------------------------------------------------------------
    # CRUD
    # -------------------------------------------------------------------------

    def write(self, vals):
        result = super().write(vals)
        if "user_id" in vals:
            # sudo: the activities are the former responsible's.
            self.sudo().activity_reschedule(
                [ACTIVITY_CONTRACT_ENDS, ACTIVITY_BILLING_FAILED], new_user_id=vals["user_id"]
            )
        return result

    # -------------------------------------------------------------------------
    # ACTIONS
    # -------------------------------------------------------------------------

    def action_suspend(self, date_from=None, reason=None):
        """Stop the service and its billing from a day on, until the contracts are resumed.

        :param date_from: first day without service (date or its ISO string), today by default; may lie ahead
        :param str reason: kept with the suspension
        :raises UserError: a contract is not active, or the day is not among those of its service
        """
        self.check_access("write")
        vals_list = []
        for contract in self:
            day = fields.Date.to_date(date_from) or contract.company_id._crm_today()
            contract._check_suspendable(day)
            vals_list.append({"contract_id": contract.id, "date_from": day, "reason": reason})
        # sudo: suspensions are written by the methods of the contract only, which check the rights on it.
        self.env["crm.contract.suspension"].sudo().create(vals_list)
        self._set_state("suspended")
        self._sync_ledger()
        self._log_each(
            lambda contract: self.env._(
                "Suspended from %(date)s: %(reason)s",
                date=format_date(self.env, contract.suspended_from),
                reason=reason or "–",
            )
        )
        return True

    def action_resume(self, date=None):
        """Give the service again, from a day on; nothing is billed for the days between.

        A suspension that has not begun by that day is dropped.

        :param date: first day with service (date or its ISO string), today by default
        :raises UserError: a contract is not suspended, or ends before the day
        """
        self.check_access("write")
        for contract in self:
            day = fields.Date.to_date(date) or contract.company_id._crm_today()
            contract._check_resumable(day)
            # sudo: as in action_suspend
            suspension = contract._get_open_suspension().sudo()
            if day <= suspension.date_from:
                suspension.unlink()
            else:
                suspension.date_to = day - ONE_DAY
        self._set_state("active")
        self._sync_ledger()
        self._log_each(
            lambda contract: self.env._(
                "Resumed from %(date)s",
                date=format_date(self.env, fields.Date.to_date(date) or contract.company_id._crm_today()),
            )
        )
        return True

    def action_finish(self):
        """Ask for the last day and the reason, then finish.

        :raises UserError: the contract is not in force
        """
        self.ensure_one()
        self._check_finishable()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Finish a Contract"),
            "res_model": "crm.contract.finish",
            "view_mode": "form",
            "target": "new",
            "context": {"default_contract_id": self.id},
        }

    def action_cancel(self):
        """Cancel contracts that were never billed, with their open stages and what was due.

        :raises UserError: a contract has invoices, or is closed already
        """
        self.check_access("write")
        self._check_cancellable()
        self._set_state("cancelled")
        self.stage_ids._cancel_open()
        # sudo: nobody writes the ledger by hand, it follows from the contracts.
        rows = self.sudo().period_ids.filtered(lambda row: not row.is_closed)
        rows.filtered("move_ids").is_skipped = True
        (rows - rows.filtered("move_ids")).unlink()
        self.activity_unlink([ACTIVITY_CONTRACT_ENDS, ACTIVITY_BILLING_FAILED])
        return True

    def action_reopen(self):
        """Take back that contracts were finished or cancelled: put them into force again, or make them drafts again.

        A finished contract has its former last day again; days that nobody was billed for are due.

        :raises UserError: a contract is neither finished nor cancelled, or its renewal is in force
        """
        self.check_access("write")
        for contract in self:
            contract._check_reopenable()
        finished = self.filtered(lambda contract: contract.state == "finished")
        cancelled = self - finished
        # sudo: as in action_suspend. What was never in force is not suspended either.
        cancelled._get_open_suspension().sudo().unlink()
        cancelled._set_state("draft")
        finished.partner_id._touch()
        # A suspension that lasted when the contract was finished lasts still.
        suspended = finished.filtered("suspended_from")
        suspended._set_state("suspended")
        (finished - suspended)._set_state("active")
        # sudo: the fields are closed to everybody else.
        for contract in finished.sudo():
            contract.write({"date_end": contract.agreed_date_end, "agreed_date_end": False, "finish_reason_id": False})
        self._sync_ledger()
        return True

    def action_renew(self):
        """Make the draft that continues the contract from the day after its last, for as long, and show it.

        It takes the services in force on the last day, the working group and the terms, but no business process. If
        the contract is renewed already, the renewal is shown.

        :raises UserError: the contract has no last day, or was never in force
        """
        self.ensure_one()
        self.check_access("write")
        if not self.successor_id:
            self._check_renewable()
            # The database must know of a renewal that was cancelled before it sees another one.
            self.successor_ids.flush_recordset(["state"])
            # sudo: the link to the contract is closed to everybody else; who may write one may make the other.
            successor = self.sudo().copy(self._prepare_renewal_vals())
            self.activity_feedback(
                [ACTIVITY_CONTRACT_ENDS], feedback=self.env._("Renewed: %(contract)s", contract=successor.display_name)
            )
        return self.successor_id._get_records_action(name=self.env._("Renewal"))

    # -------------------------------------------------------------------------
    # CHECKS BEFORE ACTIONS
    # -------------------------------------------------------------------------

    def _check_suspendable(self, day):
        self.ensure_one()
        last = max(self.suspension_ids.mapped("date_to"), default=False)
        if self.state != "active":
            message = self.env._(
                "Contract %(contract)s is not active, it can't be suspended.", contract=self.display_name
            )
        elif day < self.date_start or (self.date_end and day > self.date_end):
            message = self.env._(
                "Contract %(contract)s gives no service on %(date)s. Choose a day of its service.",
                contract=self.display_name,
                date=format_date(self.env, day),
            )
        elif last and day <= last:
            message = self.env._(
                "Contract %(contract)s was suspended until %(date)s. Choose a later day.",
                contract=self.display_name,
                date=format_date(self.env, last),
            )
        else:
            return
        raise UserError(message)

    def _check_resumable(self, day):
        self.ensure_one()
        if self.state != "suspended":
            raise UserError(
                self.env._("Contract %(contract)s is not suspended, there is nothing to resume.", contract=self.name)
            )
        begin = self._get_open_suspension().date_from
        if day < begin <= self.company_id._crm_today():
            raise UserError(
                self.env._(
                    "Contract %(contract)s is suspended from %(date)s. Resume it from a later day, or from that very "
                    "day to take the suspension back.",
                    contract=self.display_name,
                    date=format_date(self.env, begin),
                )
            )
        if self.date_end and day > self.date_end:
            raise UserError(
                self.env._(
                    "Contract %(contract)s ends on %(date)s. Change its last day first, or finish it.",
                    contract=self.display_name,
                    date=format_date(self.env, self.date_end),
                )
            )

    def _check_finishable(self):
        others = self.filtered(lambda contract: contract.state not in RUNNING_STATES)
        if others:
            raise UserError(
                self.env._(
                    "Only a contract in force can be finished: %(contracts)s",
                    contracts=", ".join(others.mapped("display_name")),
                )
            )

    def _check_cancellable(self):
        closed = self.filtered(lambda contract: contract.state in CLOSED_STATES)
        if closed:
            raise UserError(
                self.env._(
                    "These contracts are closed already: %(contracts)s",
                    contracts=", ".join(closed.mapped("display_name")),
                )
            )
        # sudo: an invoice counts, seen by the user or not.
        invoiced = self.filtered(
            lambda contract: contract.sudo().move_ids.filtered(lambda move: move.state != "cancel")
        )
        if invoiced:
            raise UserError(
                self.env._(
                    "These contracts have invoices. Finish them, or cancel their invoices first: %(contracts)s",
                    contracts=", ".join(invoiced.mapped("display_name")),
                )
            )

    def _check_reopenable(self):
        self.ensure_one()
        if self.state not in CLOSED_STATES:
            raise UserError(
                self.env._("Contract %(contract)s is neither finished nor cancelled.", contract=self.display_name)
            )
        if self.successor_id.state not in (False, "draft"):
            raise UserError(
                self.env._(
                    "Contract %(contract)s is continued by %(successor)s, it can't be reopened.",
                    contract=self.display_name,
                    successor=self.successor_id.display_name,
                )
            )

    def _check_renewable(self):
        self.ensure_one()
        if self.state not in (*RUNNING_STATES, "finished"):
            message = self.env._(
                "Contract %(contract)s was not in force, there is nothing to renew.", contract=self.display_name
            )
        elif not self.date_end:
            message = self.env._(
                "Contract %(contract)s has no last day, it goes on by itself. Enter the last day to renew it.",
                contract=self.display_name,
            )
        else:
            return
        raise UserError(message)

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _get_open_suspension(self):
        """The suspensions that last, one of each contract at most."""
        return self.suspension_ids.filtered(lambda suspension: not suspension.date_to)

    def _finish(self, date_end, reason, reason_id=None):
        """Finish the contract on ``date_end`` (last day of the service).

        What is still unbilled up to that day stays due: a later run bills it.

        :param str reason: told in the chatter
        :param reason_id: ``crm.contract.finish.reason``, to count by
        """
        self._check_finishable()
        # sudo: the fields are closed to everybody else.
        for contract in self.sudo():
            contract.write({"agreed_date_end": contract.date_end, "finish_reason_id": reason_id and reason_id.id})
        self.date_end = date_end
        self._set_state("finished")
        for contract in self:
            contract.message_post(body=self.env._("Finished: %(reason)s", reason=reason))
        self.stage_ids._cancel_open()
        self.activity_unlink([ACTIVITY_CONTRACT_ENDS])

    def _prepare_renewal_vals(self):
        """Values in which the renewal differs from a copy. To be extended."""
        date_start = self.date_end + ONE_DAY
        lines = self.line_ids._in_force(self.date_end, self.date_end)
        return {
            "predecessor_id": self.id,
            "date_start": date_start,
            "date_end": date_start + get_term(self.date_start, self.date_end) - ONE_DAY,
            "process_id": False,
            "line_ids": [Command.create(vals) for vals in lines.copy_data()],
        }

    def _log_each(self, get_body):
        """Note on each contract what the function says of it, all at once."""
        self._message_log_batch(bodies={contract.id: get_body(contract) for contract in self})

    # -------------------------------------------------------------------------
    # SCHEDULED ACTIONS
    # -------------------------------------------------------------------------

    @api.model
    def _cron_remind_of_renewal(self):
        """Ask the responsible, once for each last day, to renew or finish what ends within the company's days.

        What was renewed and has ended is finished.
        """
        self._work_in_chunks(self._get_ending_domain(), "_remind_of_renewal")
        self._work_in_chunks(self._get_replaced_domain(), "_finish_replaced")

    @api.model
    def _get_ending_domain(self):
        companies = self.env["res.company"].search([("crm_renewal_days", ">", 0)])
        ending = Domain.OR(
            Domain("company_id", "=", company.id)
            & Domain("date_end", "<=", company._crm_today() + timedelta(days=company.crm_renewal_days))
            for company in companies
        )
        domain = Domain("state", "in", RUNNING_STATES) & Domain("is_renewal_reminded", "=", False) & ending
        return domain & Domain("successor_ids", "not any", [("state", "!=", "cancelled")])

    @api.model
    def _get_replaced_domain(self):
        """Ended contracts whose renewal is in force; one that is at a stage still waits for its end."""
        companies = self.env["res.company"].search([])  # pylint: disable=no-search-all
        ended = Domain.OR(
            Domain("company_id", "=", company.id) & Domain("date_end", "<", company._crm_today())
            for company in companies
        )
        domain = Domain("state", "in", RUNNING_STATES) & Domain("current_stage_id", "=", False) & ended
        return domain & Domain("successor_ids", "any", [("state", "in", IN_FORCE_STATES)])

    def _finish_replaced(self):
        reason = self.env.ref("custom_crm.finish_reason_other_contract", raise_if_not_found=False)
        for contract in self:
            renewed = contract.env._("Renewed: %(contract)s", contract=contract.successor_id.display_name)
            contract._finish(contract.date_end, renewed, reason)

    def _remind_of_renewal(self):
        """One activity for the responsible of each contract, all at once."""
        # Of an earlier last day.
        self.activity_unlink([ACTIVITY_CONTRACT_ENDS])
        self.env["mail.activity"].create(
            [contract.with_context(lang=contract.user_id.lang)._prepare_renewal_activity_vals() for contract in self]
        )
        self.is_renewal_reminded = True

    def _prepare_renewal_activity_vals(self):
        return {
            "activity_type_id": self.env.ref(ACTIVITY_CONTRACT_ENDS).id,
            "automated": True,
            "summary": self.env._("Ends on %(date)s: renew or finish", date=format_date(self.env, self.date_end)),
            "date_deadline": self.date_end,
            "res_model_id": self.env["ir.model"]._get_id(self._name),
            "res_id": self.id,
            "user_id": self.user_id.id,
        }
