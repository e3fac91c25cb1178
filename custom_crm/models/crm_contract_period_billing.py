import contextlib
import logging

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL, format_date

from ..tools.periods import Period
from ..tools.proration import prorate

_logger = logging.getLogger(__name__)

# Of what Odoo notes in the chatter of an invoice, one line by ours is enough.
CREATE_CONTEXT = {"tracking_disable": True}


class CrmContractPeriod(models.Model):
    """Billing of rows of the ledger: what the invoice of a period holds, and how many are made at once."""

    _inherit = "crm.contract.period"  # pylint: disable=consider-merging-classes-inherited

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    @api.model
    def _claim(self, domain, limit):
        """Lock the next due rows for this transaction, skipping those another worker holds.

        :return: the locked rows, unbilled at this moment
        """
        self.flush_model()
        query = self._search(domain, order="id", limit=limit)
        rows = self.env.execute_query(SQL("%s FOR NO KEY UPDATE OF crm_contract_period SKIP LOCKED", query.select()))
        return self.browse([row[0] for row in rows])

    def _bill_now(self, invoice_date):
        """Bill one row at once for a user.

        :return: the invoice
        :raises UserError: somebody else is billing it, or it is billed already
        """
        self.ensure_one()
        self._lock()
        if self.is_closed:
            raise UserError(self.env._("%(period)s is billed already.", period=self.display_name))
        # sudo: nobody writes the ledger by hand.
        self.sudo().error = False
        return self._bill(invoice_date)

    def _bill_or_isolate(self):
        """Bill locked rows, each with the invoice date of its run, in one go; on an error find the row that it is of.

        Commits or rolls back then: for scheduled actions only. The bad row is left ``failed`` with its error, the
        others are billed.
        """
        try:
            for run, periods in self.grouped("run_id").items():
                periods.with_context(lang=run._get_lang())._bill(run.date)
            self.env.flush_all()
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one contract must not stop the others
            self.env.cr.rollback()
            if len(self) > 1:
                self._bill_halves(error)
            else:
                self._lock_due()._record_failure(error)

    def _bill_halves(self, error):
        _logger.info("Billing %s periods in one go failed, going on with the halves", len(self), exc_info=error)
        middle = len(self) // 2
        for half in (self[:middle], self[middle:]):
            half._lock_due()._bill_or_isolate()
            self.env["ir.cron"]._commit_progress()

    def _lock_due(self):
        """Lock the rows again after the locks were given away, as far as they are still to be billed.

        Meanwhile a user may have stopped their run, or taken them back from it.
        """
        self.env.invalidate_all()
        rows = self.try_lock_for_update(allow_referencing=True)
        return rows.filtered_domain(self.env["crm.billing.run"]._get_work_domain())

    def _bill(self, invoice_date):
        """Create the invoices of the locked rows and post them, if their company wants it so.

        :return: ``account.move``
        """
        due = self.filtered(lambda period: not period.is_closed)
        moves = self.env["account.move"]
        # The database must know of an invoice that was cancelled in this transaction before it sees the next one.
        moves.flush_model(["state"])
        for company, periods in due.grouped("company_id").items():
            moves |= periods.with_company(company)._make_invoices(invoice_date)
        due.contract_id._clear_billing_failure()
        return moves.with_env(self.env)

    def _make_invoices(self, invoice_date):
        """Invoices of rows of one company, which is the current one; as Odoo makes them when a user types them.

        What Odoo would do one by one is done for all: reading, numbering, followers, the line in the chatter.
        """
        self._read_ahead()
        # sudo: only this method ties an invoice to a period; users and scheduled actions were checked before.
        Move = self.env["account.move"].sudo().with_context(**CREATE_CONTEXT, crm_sequence_formats={})
        moves = Move.create(Move._complete_items(self._prepare_invoices_vals(invoice_date)))
        for move in moves:
            move.period_id.payment_date = move.invoice_date_due
        if self.env.company.crm_billing_post:
            moves._post(soft=False)
        moves._subscribe_responsible()
        moves._log_origin()
        return moves

    def _read_ahead(self):
        """Read for all rows at once what Odoo, making the invoices, would read for each."""
        contracts = self.contract_id
        contracts.line_ids.tax_ids.mapped("amount")
        contracts.line_ids.product_id.mapped("property_account_income_id")
        # With the people of the clients, among whom an address is looked for.
        partners = contracts.partner_id | contracts.partner_id.commercial_partner_id
        partners.child_ids.mapped("type")
        partners.user_ids.mapped("active")
        partners.mapped("property_account_position_id")

    def _record_failure(self, error):
        """Leave the error on the row and tell the responsible once."""
        if not isinstance(error, UserError):
            _logger.error("Billing of %s failed", self, exc_info=error)
        for period in self.with_context(lang=self.run_id._get_lang()):
            message = str(error) if isinstance(error, UserError) else period._explain(error)
            # What was found beforehand is past: the error tells.
            period.write({"error": message, "problem": False})
            try:
                with self.env.cr.savepoint():
                    period.contract_id._notify_billing_failure(period, message)
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                raise
            except Exception:
                # Whatever keeps the activity from being made, the error stands on the period, and the run goes on.
                _logger.exception("No activity for what failed in %s", period)

    def _explain(self, error):
        """A technical error in words for the user: what is found to be wrong with the period, and what happened."""
        # Whatever is broken so much that nothing can be found, the error itself is told.
        with contextlib.suppress(Exception), self.env.cr.savepoint():
            self._find_problems(self.run_id.date)
        technical = self.env._(
            "Technical error %(error)s. The server's log has the details; tell your administrator.",
            error=type(error).__name__,
        )
        return "\n".join(filter(None, [self.problem, technical]))

    # Values of the invoice

    def _get_title(self, lang_code):
        """The period in words: ``March 2026`` for a whole month, otherwise its first and last day, or the only one."""
        self.ensure_one()
        is_whole = (self.date_start, self.date_end) == (self.whole_start, self.whole_end)
        if self.contract_id.billing_period == "month" and is_whole and self.date_start.day == 1:
            return format_date(self.env, self.date_start, lang_code, "LLLL y")
        return self._format_span(self.date_start, self.date_end, lang_code)

    @api.model
    def _format_span(self, first, last, lang_code):
        return " – ".join(format_date(self.env, day, lang_code) for day in dict.fromkeys((first, last)))

    def _get_lines(self):
        """Contract lines billed in the period.

        By days, every line in force on some day of it; otherwise those in force on its first day, so that a price
        revised within the period is not billed twice.
        """
        self.ensure_one()
        contract = self.contract_id
        last_day = self.date_end if contract.prorate else self.date_start
        return contract.line_ids._in_force(self.date_start, last_day)

    def _check_lines(self):
        """Refuse what would be an invoice of nothing.

        :raises UserError: no service is in force, or one has no price
        """
        lines = self._get_lines()
        contract = self.contract_id.display_name
        if not lines:
            raise UserError(
                self.env._(
                    "No service is in force in this period. Add one to contract %(contract)s, or do not bill it.",
                    contract=contract,
                )
            )
        if unpriced := lines.filtered(self._lacks_price):
            raise UserError(
                self.env._("%(contract)s: %(problem)s", contract=contract, problem=self._get_price_problem(unpriced))
            )

    def _get_line_days(self, line):
        """(first day, last day) of the period on which the line is in force."""
        return max(self.date_start, line.date_from or self.date_start), min(
            self.date_end, line.date_to or self.date_end
        )

    def _iter_line_amounts(self, field_name):
        """Yield (line, amount of the period, whether it is a part of the whole price) for each billed line.

        :param field_name: the line's price of a whole period: ``price_subtotal``, ``price_total``, or the price before
            taxes and after the discount, ``price_reduce``
        """
        self.ensure_one()
        contract = self.contract_id
        for line in self._get_lines():
            part = Period(*self._get_line_days(line), self.whole_start, self.whole_end)
            is_partial = contract.prorate and part.is_partial
            amount = line[field_name]
            yield line, prorate(amount, part, self.currency_id.rounding) if is_partial else amount, is_partial

    def _get_amount_to_bill(self):
        """Total of the invoice that is going to be."""
        totals = list(self._iter_line_amounts("price_total"))
        is_rounded_once = self.company_id.tax_calculation_rounding_method == "round_globally" and len(totals) > 1
        if is_rounded_once or any(is_partial for _line, _amount, is_partial in totals):
            # Not the part of the total: the taxes of the part, which differ from it by their rounding.
            return self._add_taxes(
                (line, price) for line, price, _is_partial in self._iter_line_amounts("price_reduce")
            )
        return sum(amount for _line, amount, _is_partial in totals)

    def _add_taxes(self, prices):
        """Total of a document with these lines, taxes included.

        :param prices: iterable of (line of the contract or of an invoice, its price before taxes, as one piece)
        """
        AccountTax = self.env["account.tax"]
        base_lines = [
            AccountTax._prepare_base_line_for_taxes_computation(
                line._origin, quantity=1.0, price_unit=price, discount=0.0, partner_id=line.partner_id
            )
            for line, price in prices
        ]
        AccountTax._add_tax_details_in_base_lines(base_lines, self.company_id)
        AccountTax._round_base_lines_tax_details(base_lines, self.company_id)
        totals = AccountTax._get_tax_totals_summary(base_lines, self.currency_id, self.company_id)
        return totals["total_amount_currency"]

    def _prepare_invoices_vals(self, invoice_date):
        """Values of the invoices of rows of the current company, in their order."""
        common = self._prepare_common_vals()
        return [{**common[period.currency_id], **period._prepare_invoice_vals(invoice_date)} for period in self]

    def _prepare_common_vals(self):
        """Values that Odoo would look for anew for each invoice, by currency."""
        # sudo: a draft in memory only, to learn the journal that the invoices get.
        Move = self.env["account.move"].sudo()
        return {
            currency: {
                "journal_id": Move.new({"move_type": "out_invoice", "currency_id": currency.id}).journal_id.id,
            }
            for currency in self.currency_id
        }

    def _prepare_invoice_vals(self, invoice_date):
        """Values of the invoice of the period. To be extended.

        :raises UserError: there is nothing to bill, or a price is missing
        """
        self.ensure_one()
        contract = self.contract_id
        self._check_lines()
        partner = contract._get_invoice_partner()
        return {
            "move_type": "out_invoice",
            "partner_id": partner.id,
            "currency_id": contract.currency_id.id,
            "invoice_date": invoice_date,
            # The planned day is the due date: a payment term of the client would move it.
            "invoice_payment_term_id": False,
            "invoice_date_due": contract._get_payment_date(self, invoice_date),
            "invoice_user_id": contract.user_id.id,
            "invoice_origin": contract.name,
            "contract_id": contract.id,
            "period_id": self.id,
            "invoice_line_ids": [
                fields.Command.create(self._prepare_invoice_line_vals(line, amount, is_partial, partner.lang))
                for line, amount, is_partial in self._iter_line_amounts("price_reduce")
            ],
        }

    def _get_invoice_line_name(self, line, lang_code):
        """The line's text and the billed period; a one-off service without a last day has no period."""
        if self.contract_id.kind == "one_off" and not self.contract_id.date_end:
            return line.name
        days = self._get_line_days(line)
        is_part = days != (self.date_start, self.date_end)
        # Of a price that was revised within the period there are two lines.
        return f"{line.name}, {self._format_span(*days, lang_code) if is_part else self._get_title(lang_code)}"

    def _prepare_invoice_line_vals(self, line, amount, is_partial, lang_code):
        """Values of an invoice line.

        :param amount: price of the line in this period, before taxes; used when it is a part of the whole price:
            such a line has quantity 1, so that its sum is right to the smallest unit whatever the quantity
        """
        first, last = self._get_line_days(line)
        vals = {
            **line._prepare_invoice_line_vals(),
            "name": self._get_invoice_line_name(line, lang_code),
            "service_date_from": first,
            "service_date_to": last,
        }
        if is_partial:
            vals |= {"quantity": 1.0, "price_unit": amount, "discount": 0.0}
        return vals
