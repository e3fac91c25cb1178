from odoo import api, models
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
            journal = periods.env["account.move"].new({"move_type": "out_invoice"}).journal_id
            common = periods._get_journal_problems(journal, invoice_date)
            for period in periods:
                period.problem = "\n".join(common + period._get_problems(journal)) or False

    @api.model
    def _get_journal_problems(self, journal, invoice_date):
        """What is wrong for all invoices of the journal on this day."""
        lock_date = journal.company_id._get_user_fiscal_lock_date(journal)
        if invoice_date > lock_date:
            return []
        return [
            self.env._(
                "The accounts are closed until %(date)s: the invoice would be booked on a later day.",
                date=format_date(self.env, lock_date),
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
        if free := lines.filtered(lambda line: not line.price_unit):
            problems.append(self.env._("Without a price: %(names)s.", names=self._join_names(free)))
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
    def _join_names(self, records):
        return ", ".join(dict.fromkeys(records.mapped("name")))

    @api.model
    def _get_income_account(self, product, journal):
        return product.product_tmpl_id.get_product_accounts()["income"] or journal.default_account_id

    @api.model
    def _lacks_tax(self, line):
        return not line.tax_ids and line.product_id.taxes_id._filter_taxes_by_company(line.company_id)

    def _get_contract_problems(self):
        contract = self.contract_id
        problems = []
        if not self._get_invoice_partner().email:
            problems.append(self.env._("The client has no e-mail address."))
        if not contract.partner_id.active:
            problems.append(self.env._("The client is archived."))
        if not contract.has_responsible:
            problems.append(self.env._("The responsible is not active any more."))
        return problems
