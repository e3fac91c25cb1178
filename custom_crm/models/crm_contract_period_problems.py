from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import format_date


class CrmContractPeriod(models.Model):
    """What would make billing or mailing fail, found beforehand, in words for the user."""

    _inherit = "crm.contract.period"  # pylint: disable=consider-merging-classes-inherited

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _find_problems(self, invoice_date):
        """Write on each row what is wrong with it, if anything."""
        for company, periods in self.grouped("company_id").items():
            # sudo: nobody writes the ledger by hand; whoever may prepare a run sees what its contracts lack.
            periods = periods.with_company(company).sudo()  # noqa: PLW2901
            periods._read_ahead()
            journal, common = periods._find_journal()
            locked = {has_tax: self._get_lock_problems(company, journal, invoice_date, has_tax) for has_tax in (0, 1)}
            for period in periods:
                problems = common + locked[bool(period._get_lines().tax_ids)] + period._get_problems(journal)
                period.problem = "\n".join(problems) or False

    @api.model
    def _find_journal(self):
        """The journal of invoices in the current company, and the problem if there is none."""
        Move = self.env["account.move"]
        try:
            return Move.new({"move_type": "out_invoice"}).journal_id, []
        except UserError as error:
            return Move.journal_id, [str(error)]

    @api.model
    def _get_lock_problems(self, company, journal, invoice_date, has_tax):
        """What keeps an invoice of this day, with taxes or without, from being booked on it."""
        locks = company._get_violated_lock_dates(invoice_date, has_tax, journal) if journal else []
        if not locks:
            return []
        return [
            self.env._(
                "The accounts are closed until %(date)s: the invoice would be booked on a later day.",
                date=format_date(self.env, max(date for date, _field in locks)),
            )
        ]

    def _get_problems(self, journal):
        """What is wrong with one row, whose invoice goes into the journal. To be extended."""
        self.ensure_one()
        lines = self._get_lines()
        problems = self._get_line_problems(lines, journal) + self._get_contract_problems()
        return problems if lines else [self.env._("No service is in force in this period."), *problems]

    def _get_line_problems(self, lines, journal):
        products = lines.product_id
        problems = []
        if archived := products.filtered(lambda product: not product.active):
            problems.append(self.env._("Archived: %(names)s.", names=self._join_names(archived)))
        if unpriced := lines.filtered(self._lacks_price):
            problems.append(self._get_price_problem(unpriced))
        if lost := products.filtered(lambda product: not self._get_income_account(product, journal)):
            problems.append(self.env._("Without an income account: %(names)s.", names=self._join_names(lost)))
        if untaxed := lines.filtered(self._lacks_tax):
            problems.append(
                self.env._("Without a tax, though the product has one: %(names)s.", names=self._join_names(untaxed))
            )
        if archived := lines.tax_ids.filtered(lambda tax: not tax.active):
            problems.append(self.env._("Archived taxes: %(names)s.", names=self._join_names(archived)))
        return problems

    @api.model
    def _lacks_price(self, line):
        """A service that is free on purpose has a discount of 100 %: a price that is missing is a mistake."""
        return not line.price_unit and line.discount < 100

    @api.model
    def _get_price_problem(self, lines):
        return self.env._(
            "Without a price: %(names)s. Set the price, or a discount of 100%% if it is free.",
            names=self._join_names(lines),
        )

    @api.model
    def _join_names(self, records):
        return ", ".join(dict.fromkeys(records.mapped("name")))

    @api.model
    def _get_income_account(self, product, journal):
        return product.product_tmpl_id.get_product_accounts()["income"] or journal.default_account_id

    @api.model
    def _lacks_tax(self, line):
        taxes = line.product_id.taxes_id._filter_taxes_by_company(line.company_id)
        # The fiscal position of the client may leave none of them, as for an export.
        return not line.tax_ids and bool(line.partner_id.property_account_position_id.map_tax(taxes))

    def _get_contract_problems(self):
        contract = self.contract_id
        problems = []
        if not self.contract_id._get_invoice_partner().email:
            problems.append(self.env._("The client has no e-mail address."))
        if not contract.partner_id.active:
            problems.append(self.env._("The client is archived."))
        if not contract.has_responsible:
            problems.append(self.env._("The responsible is not active any more."))
        return problems
