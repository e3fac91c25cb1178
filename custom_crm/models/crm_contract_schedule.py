from datetime import date
from itertools import takewhile

from dateutil.relativedelta import relativedelta

from odoo import models
from odoo.tools.mail import plaintext2html

from ..tools.periods import (
    ONE_DAY,
    Period,
    billing_date,
    is_due,
    iter_periods,
    month_end,
    month_start,
    payment_date,
    uncovered,
)
from .crm_contract import IN_FORCE_STATES

MAX_YEARS = 20
MONTHS = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}
ACTIVITY_BILLING_FAILED = "custom_crm.mail_activity_billing_failed"


class CrmContract(models.Model):
    """Schedule of a contract and its ledger: which periods it has, when each is due, which rows are written."""

    _inherit = "crm.contract"  # pylint: disable=consider-merging-classes-inherited

    # -------------------------------------------------------------------------
    # SCHEDULE
    # -------------------------------------------------------------------------

    def _iter_periods(self, finished_on=None):
        """Yield the periods of the contract (``tools.periods.Period``) in order; without end if it has no last day.

        :param date finished_on: as they are if the contract is finished on the day
        """
        self.ensure_one()
        last_day = finished_on or self.date_end or None
        if not self.date_start or (
            self.kind == "subscription" and not (self.billing_period and self.billing_alignment)
        ):
            return iter(())
        suspensions = self.suspension_ids._get_spans()
        if self.kind == "subscription":
            months = MONTHS[self.billing_period]
            return iter_periods(self.date_start, last_day, months, self.billing_alignment, suspensions)
        if self.state == "suspended" and not finished_on:
            # Its one period is billed after it is resumed or finished.
            return iter(())
        date_end = last_day or self.date_start
        return iter([Period(self.date_start, date_end, self.date_start, date_end)])

    def _get_billing_date(self, period):
        """First day on which a run bills the period."""
        if self.kind == "one_off":
            return month_start(self.payment_date or period.date_start)
        return billing_date(period, self.billing_timing)

    def _get_invoice_date(self, period):
        """Day on which users look for the invoice of the period: as ``_get_billing_date``, but not before it begins.

        A run bills a period in advance from the first of the month on, which may lie before the contract's first day.
        A one-off contract may be billed before its work begins.
        """
        if self.kind == "one_off":
            return self._get_billing_date(period)
        return max(self._get_billing_date(period), period.date_start)

    def _is_due(self, period, run_date):
        if self.kind == "one_off":
            return (self.payment_date or period.date_start) <= month_end(run_date)
        return is_due(period, run_date, self.billing_timing)

    def _get_payment_date(self, period, invoice_date=None):
        """Planned day of payment of the period, never before the invoice date. ``period`` may be a ledger row."""
        if self.kind == "one_off":
            planned = self.payment_date or period.date_start
            return max(planned, invoice_date) if invoice_date else planned
        return payment_date(period, self.payment_day, self.billing_timing, invoice_date)

    def _get_span(self, row):
        """Days that a row of the ledger settles.

        Its own; by whole periods all of its period from its first day; the row of a one-off contract settles it all.
        Not the days that a credit note gave back.
        """
        if self.kind == "one_off":
            return date.min, date.max
        if row.credited_from:
            return row.date_start, row.credited_from - ONE_DAY
        last = row.date_end if self.prorate else row.whole_end
        return row.date_start, max(row.date_end, last)

    # -------------------------------------------------------------------------
    # LEDGER
    # -------------------------------------------------------------------------

    def _sync_ledger(self):
        """Bring the rows that are not billed to the schedule as it is now.

        A row whose days are no longer in the schedule is dropped, and written anew by the next run with the right ones.
        If it had an invoice that was cancelled, it is kept for that: with new days, or skipped if none are left.
        """
        # sudo: nobody writes the ledger by hand, it follows from the contracts.
        relieved = self.sudo().browse()
        for contract in self.sudo():
            rows = contract.period_ids.filtered(
                lambda row: not row.move_id and not row.skip_reason and (not row.is_skipped or row.move_ids)
            ).sorted("date_start")
            if not rows:
                continue
            closed = [contract._get_span(row) for row in contract.period_ids - rows]
            last = max(rows.mapped("date_end"))
            parts = uncovered(contract._iter_periods(), closed)
            parts = list(takewhile(lambda part, last=last: part.date_start <= last, parts))
            by_days = {(part.date_start, part.date_end): part for part in parts}
            stale = rows.filtered(lambda row, by_days=by_days: (row.date_start, row.date_end) not in by_days)
            for row in rows - stale:
                part = by_days.pop((row.date_start, row.date_end))
                # As a run has planned it, if one holds the row: nothing is to change under it without need.
                payment_date = contract._get_payment_date(part, row.run_id.date)
                row.write({**contract._prepare_period_vals(part), "payment_date": payment_date, "is_skipped": False})
            kept = stale.filtered("move_ids")
            dropped = stale - kept
            relieved |= dropped.filtered("error").contract_id
            dropped.unlink()
            contract._move_rows(kept, list(by_days.values()))
        relieved._clear_billing_failure()

    def _move_rows(self, rows, parts):
        """Give each row the first part of the schedule that it shares a day with; skip rows without one."""
        for row in rows:
            part = next(
                (part for part in parts if part.date_start <= row.date_end and part.date_end >= row.date_start), None
            )
            if part:
                parts.remove(part)
                row.write({**self._prepare_period_vals(part), "is_skipped": False})
            else:
                row.is_skipped = True

    def _iter_unbilled(self, finished_on=None):
        """Yield the parts of the schedule that are neither billed nor skipped, in order; see ``_iter_periods``."""
        self.ensure_one()
        spans = [self._get_span(row) for row in self.period_ids.filtered("is_closed")]
        return uncovered(self._iter_periods(finished_on), spans)

    def _get_next_unbilled(self):
        """First part of the schedule that is neither billed nor skipped, as ``tools.periods.Period``; or None."""
        return next(self._iter_unbilled(), None)

    def _iter_missing(self):
        """Yield the parts of the schedule that have no row in the ledger, in order."""
        self.ensure_one()
        return uncovered(self._iter_periods(), [self._get_span(row) for row in self.period_ids])

    def _ensure_periods(self, run_date):
        """Write the rows of the ledger that a run with this invoice date bills and that are not there yet.

        :return: the new ``crm.contract.period``
        """
        self._sync_ledger()
        vals_list = []
        for contract in self:
            due = takewhile(lambda period, c=contract: c._is_due(period, run_date), contract._iter_missing())
            vals_list += [contract._prepare_period_vals(period) for period in due]
        return self._create_rows(vals_list)

    def _create_rows(self, vals_list):
        # sudo: nobody writes the ledger by hand, it follows from the contracts.
        Period = self.env["crm.contract.period"].sudo()
        # The database must know of days that were given back before it sees a row for them.
        Period.flush_model(["credited_from"])
        # Whoever suspends or finishes the contract at this moment can't see the row: the database sees that both write
        # the contract, and one of them tries again.
        ids = tuple({vals["contract_id"] for vals in vals_list})
        if ids:
            self.env.cr.execute("UPDATE crm_contract SET state = state WHERE id IN %s", [ids])
        return Period.create(vals_list).sudo(self.env.su)

    def _get_oldest_unbilled(self):
        """Oldest unbilled row of the ledger, made if it is not there yet; empty if nothing is left to bill."""
        self.ensure_one()
        if self.state not in IN_FORCE_STATES:
            return self.period_ids.browse()
        self._sync_ledger()
        row = self.period_ids.filtered(lambda row: not row.is_closed).sorted("date_start")[:1]
        period = next(self._iter_missing(), None)
        if period and (not row or period.date_start < row.date_start):
            row = self._create_rows([self._prepare_period_vals(period)])
        return row

    def _bill_rest(self):
        """Bill everything up to the last day that is not billed yet, due or not; each period is an invoice of its own.

        :return: ``account.move``
        """
        self.ensure_one()
        self._sync_ledger()
        self._create_rows([self._prepare_period_vals(period) for period in self._iter_missing()])
        moves = self.env["account.move"]
        for period in self.period_ids.filtered(lambda row: not row.is_closed).sorted("date_start"):
            moves |= period._bill_now(self.company_id._crm_today())
        return moves

    def _preview_next(self):
        """What ``action_invoice`` bills, as a row that is not saved; empty if nothing is left to bill."""
        part = self._get_next_unbilled() if self else None
        rows = self.env["crm.contract.period"]
        return rows.new(self._prepare_period_vals(part)) if part else rows

    def _get_last_sensible_day(self):
        """A later last day of a contract is taken for a typo: each month up to it may be an invoice."""
        return self.company_id._crm_today() + relativedelta(years=MAX_YEARS)

    def _preview_rest(self, date_end):
        """What ``_bill_rest`` bills once the contract is finished on the day, as rows that are not saved."""
        rows = self.env["crm.contract.period"]
        return rows.union(*(rows.new(self._prepare_period_vals(part)) for part in self._iter_unbilled(date_end)))

    def _get_billed_until(self, day):
        """Last day that is billed and can be given back, if that is ``day`` or later; else False."""
        self.ensure_one()
        return max((row._get_billed_until() for row in self.period_ids._filter_billed_from(day)), default=False)

    def _credit_from(self, day):
        """Draft credit notes for what is billed from a day on; see ``crm.contract.period``."""
        return self.period_ids._credit(day)

    def _get_credit_amount(self, day):
        """Sum of the credit notes that ``_credit_from`` makes."""
        return self.period_ids._get_credit_amount(day)

    def _prepare_period_vals(self, period):
        self.ensure_one()
        return {
            "contract_id": self.id,
            "date_start": period.date_start,
            "date_end": period.date_end,
            "whole_start": period.whole_start,
            "whole_end": period.whole_end,
            "payment_date": self._get_payment_date(period),
        }

    # -------------------------------------------------------------------------
    # FAILURES
    # -------------------------------------------------------------------------

    def _notify_billing_failure(self, period, message):
        """Tell the responsible once, in their language, that the contract could not be billed."""
        self.ensure_one()
        # Workers that fail with two periods of the contract at once can't see each other's activity: the database sees
        # that both write the contract, and one of them tries again.
        self.env.cr.execute("UPDATE crm_contract SET state = state WHERE id = %s", [self.id])
        self = self.with_context(lang=self.user_id.lang)  # noqa: PLW0642
        if not self.activity_search([ACTIVITY_BILLING_FAILED]):
            self.activity_schedule(
                ACTIVITY_BILLING_FAILED,
                summary=self.env._("Not billed: %(period)s", period=period._get_title(self.user_id.lang)),
                note=plaintext2html(message),
                user_id=self.user_id.id,
            )

    def _clear_billing_failure(self):
        """Take the activity back from contracts that have no failed period any more."""
        alarmed = self.browse(self.activity_search([ACTIVITY_BILLING_FAILED]).mapped("res_id"))
        failed = alarmed.period_ids.filtered(lambda row: row.state == "failed").contract_id
        (alarmed - failed).activity_unlink([ACTIVITY_BILLING_FAILED])
