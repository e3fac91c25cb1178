from odoo import api, fields, models
from odoo.exceptions import UserError

from ..tools.periods import ONE_DAY, Period
from ..tools.proration import prorate


class CrmContractPeriod(models.Model):
    """Giving back, by days, what is billed: the days from one on to the period's end count as not billed then.

    Only where partial periods are billed by days; a one-off contract has no days to give back. What accountants reverse
    by hand does not reopen days, and nothing is given back beside it.
    """

    _inherit = "crm.contract.period"  # pylint: disable=consider-merging-classes-inherited

    # -------------------------------------------------------------------------
    # FIELDS
    # -------------------------------------------------------------------------

    credited_from = fields.Date(
        compute="_compute_credited_from",
        store=True,
        help="From this day on a credit note gives the period back: these days count as not billed.",
    )

    # The whole period may be given back, and billed again when the service goes on after all.
    _contract_date_unique = models.UniqueIndex(
        "(contract_id, date_start) WHERE credited_from IS NULL OR credited_from > date_start",
        "This period of the contract is in the ledger already.",
    )
    # The database's own guard against billing a day twice. A range of one number instead of "=": that would need the
    # extension btree_gist.
    _no_day_billed_twice = models.Constraint(
        "EXCLUDE USING gist (int4range(contract_id, contract_id, '[]') WITH &&, "
        "daterange(date_start, LEAST(date_end, credited_from - 1), '[]') WITH &&) "
        "WHERE (move_id IS NOT NULL AND (credited_from IS NULL OR credited_from > date_start))",
        "Days of the contract would be billed twice.",
    )

    # -------------------------------------------------------------------------
    # COMPUTES
    # -------------------------------------------------------------------------

    @api.depends("move_ids.credited_from", "move_ids.state")
    def _compute_credited_from(self):
        for period in self:
            given = period.move_ids.filtered(lambda move: move.credited_from and move.state != "cancel")
            period.credited_from = min(given.mapped("credited_from"), default=False)

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _filter_billed_from(self, date_from):
        """Periods that are billed for the day or for later ones, which can be given back."""
        return self.filtered(
            lambda period: (
                period.move_id
                and period.contract_id.kind == "subscription"
                and period.contract_id.prorate
                and period._get_billed_until() >= date_from
                and not period.move_ids.filtered(
                    lambda move: move.move_type == "out_refund" and move.state != "cancel" and not move.credited_from
                )
            )
        )

    def _get_billed_until(self):
        """Last billed day that was not given back."""
        return min(self.date_end, self.credited_from - ONE_DAY) if self.credited_from else self.date_end

    def _credit(self, date_from):
        """Make draft credit notes, by days, for what is billed from a day on; each carries its period.

        :param date date_from: first day that is given back
        :return: the credit notes (``account.move``)
        :raises UserError: an invoice is still a draft
        """
        billed = self._filter_billed_from(date_from)
        drafts = billed.move_id.filtered(lambda move: move.state != "posted")
        if drafts:
            raise UserError(
                self.env._(
                    "These invoices are drafts still: post or delete them, then try again. %(invoices)s",
                    invoices=", ".join(drafts.mapped("display_name")),
                )
            )
        # sudo: as in _bill, only the ledger ties documents to its periods.
        moves = self.env["account.move"].sudo()
        for company, periods in billed.grouped("company_id").items():
            moves |= moves.with_company(company).create([period._prepare_credit_vals(date_from) for period in periods])
        return moves.with_env(self.env)

    def _get_credit_amount(self, date_from):
        """Sum, taxes included, of the credit notes that ``_credit`` makes."""
        return sum(
            period._add_taxes(
                (line, period._get_credit_price(line, days))
                for line, days in period._iter_credit_days(max(date_from, period.date_start))
            )
            for period in self._filter_billed_from(date_from)
        )

    def _prepare_credit_vals(self, date_from):
        """Values of the credit note of the period's days from ``date_from`` on. To be extended."""
        self.ensure_one()
        move = self.move_id
        begin = max(date_from, self.date_start)
        today = self.company_id._crm_today()
        return {
            "move_type": "out_refund",
            "reversed_entry_id": move.id,
            "journal_id": move.journal_id.id,
            "partner_id": move.partner_id.id,
            "currency_id": move.currency_id.id,
            "fiscal_position_id": move.fiscal_position_id.id,
            "invoice_date": today,
            "invoice_date_due": today,
            "invoice_payment_term_id": False,
            "invoice_user_id": move.invoice_user_id.id,
            "invoice_origin": move.name,
            "contract_id": self.contract_id.id,
            "period_id": self.id,
            "credited_from": begin,
            "invoice_line_ids": [
                fields.Command.create(self._prepare_credit_line_vals(line, days))
                for line, days in self._iter_credit_days(begin)
            ],
        }

    def _iter_credit_days(self, date_from):
        """Yield (invoice line, its days to give back as ``Period``); the whole is the days that the line bills."""
        until = self._get_billed_until()
        for line in self.move_id.invoice_line_ids.filtered(lambda line: line.display_type == "product"):
            first, last = line.service_date_from or self.date_start, line.service_date_to or self.date_end
            days = Period(max(date_from, first), min(until, last), first, last)
            if days.date_start <= days.date_end:
                yield line, days

    def _prepare_credit_line_vals(self, line, days):
        """Values of a line of the credit note: of what the invoice says, the part of the days, as one piece."""
        title = self._format_span(days.date_start, days.date_end, line.partner_id.lang)
        return {
            "sequence": line.sequence,
            "product_id": line.product_id.id,
            "product_uom_id": line.product_uom_id.id,
            "account_id": line.account_id.id,
            "name": f"{line.product_id.display_name or line.name}, {title}",
            "quantity": 1.0,
            "price_unit": self._get_credit_price(line, days),
            "tax_ids": [fields.Command.set(line.tax_ids.ids)],
            "service_date_from": days.date_start,
            "service_date_to": days.date_end,
        }

    @api.model
    def _get_credit_price(self, line, days):
        amount = line.quantity * line.price_unit * (1 - line.discount / 100)
        return prorate(amount, days, line.currency_id.rounding)
