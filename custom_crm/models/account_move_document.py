from collections import defaultdict
from itertools import islice

from odoo import models

from ..tools import formats, pages
from ..tools.words import money_in_words

TITLE = "Счет на оплату"
REPORT = "custom_crm.report_payment_invoice"
# The country's form is in its language, whatever the client's.
LANGUAGE = "ru_RU"

# Where the printing engine can't repeat the table's head, rows are split by their estimated height, in lines of text.
LINES_ON_PAGE = 80
LINES_OF_HEAD = 4
LINES_ABOVE = 17
LINES_BELOW = 32
LINES_OF_BORDER = 0.5
LETTERS_IN_ROW = 42
LETTERS_IN_LINE = 70
MAX_PRICE_DIGITS = 4


class AccountMove(models.Model):
    """«Счет на оплату»: what a Russian company prints and mails as its customer invoice.

    All sums are those of Odoo's tax engine, rounded as on the screen. Prices and sums of lines include VAT, so that
    they add up to the total.
    """

    # Apart from what an invoice is.
    _inherit = "account.move"  # pylint: disable=consider-merging-classes-inherited

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _get_name_invoice_report(self):
        # EXTENDS 'account': so it is what is printed, mailed, previewed and shown in the portal
        return REPORT if self._is_payment_invoice() else super()._get_name_invoice_report()

    def _get_report_base_filename(self):
        # EXTENDS 'account': the file that is mailed or downloaded is called as the form is
        if self.state == "posted" and self._is_payment_invoice():
            return f"{TITLE} {self.name}"
        return super()._get_report_base_filename()

    def _is_payment_invoice(self):
        """Whether this is printed as «Счет на оплату»: a customer invoice of a Russian company."""
        self.ensure_one()
        return self.move_type == "out_invoice" and self.company_id.country_id.code == "RU"

    def _prepare_payment_invoice_vals(self, report_type="html"):
        """What the form prints, formatted: see the template ``report_payment_invoice``.

        :param str report_type: as Odoo gives it to templates, "pdf" or "html"
        :rtype: dict
        """
        self.ensure_one()
        base_lines, _tax_lines = self._get_rounded_base_and_tax_lines()
        totals, rows = self.tax_totals, self._prepare_document_rows(base_lines)
        head = self._prepare_document_head_vals()
        total = totals["total_amount_currency"]
        rounding = totals.get("cash_rounding_base_amount_currency", 0.0)
        return {
            **head,
            "pages": self._split_document_rows(rows, head) if report_type == "pdf" else [rows],
            "has_discount": any(row.get("discount") for row in rows),
            "subtotal": self._format_sum(total - rounding),
            "taxes": self._prepare_document_taxes(base_lines),
            "rounding": rounding and self._format_sum(rounding),
            "total": self._format_sum(total),
            "count": sum("number" in row for row in rows),
            "total_in_words": money_in_words(total, self.currency_id.name, self.currency_id.decimal_places),
            "currency": "руб." if self.currency_id.name == "RUB" else self.currency_id.name,
            "residual": self._format_sum(self.amount_residual),
            "is_partly_paid": self.currency_id.compare_amounts(total, self.amount_residual) != 0,
        }

    def _prepare_document_head_vals(self):
        company, account = self.company_id, self._get_payment_account()
        seller, bank = company.partner_id, account.bank_id
        return {
            "title": self._get_document_title(),
            "seller": seller,
            "bank": ", ".join(part for part in (bank.name, bank.city) if part),
            "bic": bank.bic,
            "corr_account": bank.corr_account,
            "account": account.acc_number,
            "recipient": account.acc_holder_name or seller.name,
            "seller_line": seller._get_requisites_line(),
            "buyer_line": self.commercial_partner_id._get_requisites_line(),
            "basis": self._get_document_basis(),
            "due_date": self.invoice_date_due and formats.short_date(self.invoice_date_due),
            "director_position": seller.director_position,
            "director": formats.short_name(self._get_document_signatory()),
            "accountant": formats.short_name(company.crm_accountant_name or ""),
        }

    def _get_document_lang(self):
        """The language of the form, for what is in the language of the reader elsewhere."""
        return LANGUAGE if self.env["res.lang"]._get_data(code=LANGUAGE) else self.env.lang

    def _get_payment_account(self):
        """The bank account to pay to: the invoice's, else the company's first."""
        return self.partner_bank_id or self.company_id.partner_id.bank_ids[:1]

    def _get_document_signatory(self):
        seller = self.company_id.partner_id
        if seller.is_entrepreneur:
            return seller.director_name or formats.proprietor_name(seller.name)
        return seller.director_name or ""

    def _get_document_title(self):
        parts = [TITLE]
        if self.name and self.name != "/":
            parts.append(f"№\u00a0{self.name}")
        if self.invoice_date:
            parts.append(f"от {formats.long_date(self.invoice_date)}")
        if self.state != "posted":
            parts.append("(черновик)" if self.state == "draft" else "(отменен)")
        return " ".join(parts)

    def _get_document_basis(self):
        """The contract, without one what the user wrote as the invoice's reference or source."""
        # sudo: who may print the invoice need not see the contract; its number and date stand on the paper.
        contract = self.contract_id.sudo()
        if not contract:
            return self.ref or self.invoice_origin
        date = contract.date_signed or contract.date_start
        return f"Договор №\u00a0{contract.name}" + (f" от {formats.long_date(date)}" if date else "")

    # Table

    def _prepare_document_rows(self, base_lines):
        """The rows of the table, those of goods and services with a number.

        A section whose lines or prices are hidden is one row, as if it was one service.
        """
        by_line = {base_line["record"]: base_line for base_line in base_lines}
        rows, number = [], 0
        for line, hidden in self._group_document_lines():
            if line.display_type != "product" and not hidden:
                rows.append({"display_type": line.display_type, "name": line.name})
                continue
            number += 1
            shown = [by_line[product] for product in hidden or line]
            rows.append({"number": number, "name": line.name or line.product_id.display_name})
            rows[-1].update(self._prepare_document_amounts(line, shown, bool(hidden)))
        return rows

    def _split_document_rows(self, rows, head):
        """The rows page by page, or all together where the printing engine does it better."""
        if self.env["ir.actions.report"]._repeats_table_head():
            return [rows]
        heights = [pages.text_lines(row["name"], LETTERS_IN_ROW) + LINES_OF_BORDER for row in rows]
        above = LINES_ABOVE + sum(
            pages.text_lines(head[name], LETTERS_IN_LINE) for name in ("seller_line", "buyer_line")
        )
        left = iter(rows)
        return [
            list(islice(left, count))
            for count in pages.split_rows(
                heights, first=LINES_ON_PAGE - above, other=LINES_ON_PAGE - LINES_OF_HEAD, tail=LINES_BELOW
            )
        ]

    def _group_document_lines(self):
        """Pairs of a line to print and the product lines that it stands for, if it is a section that hides them."""
        groups = {}
        for line in self.invoice_line_ids.sorted("sequence"):
            parents = line.parent_id.parent_id | line.parent_id | line
            section = parents.filtered(lambda parent: parent.collapse_composition or parent.collapse_prices)[:1]
            groups.setdefault(section or line, self.env["account.move.line"])
            if section and line.display_type == "product":
                groups[section] |= line
        return groups.items()

    def _prepare_document_amounts(self, line, base_lines, is_summary):
        total = sum(self._get_total_included(base_line) for base_line in base_lines)
        if is_summary:
            amount = self._format_sum(total)
            return {"quantity": "1", "unit": "", "price": amount, "discount": "", "amount": amount}
        quantity, share = line.quantity, 1 - line.discount / 100
        raw_total = base_lines[0]["tax_details"]["raw_total_included_currency"]
        price = raw_total / quantity / share if quantity and share else line.price_unit
        return {
            "quantity": formats.number(quantity),
            "unit": line.product_uom_id.with_context(lang=self._get_document_lang()).name or "",
            "price": self._format_price(price, quantity * share, total),
            "discount": f"{formats.number(line.discount)}\u00a0%" if line.discount else "",
            "amount": self._format_sum(total),
        }

    def _get_total_included(self, base_line):
        """Sum of a line with its taxes, rounded so that the lines add up to the invoice's total."""
        details = base_line["tax_details"]
        taxes = sum(tax["tax_amount_currency"] for tax in details["taxes_data"])
        return details["total_excluded_currency"] + details["delta_total_excluded_currency"] + taxes

    def _prepare_document_taxes(self, base_lines):
        """VAT by rate: pairs of label and sum. Empty if no line has any: «Без налога (НДС)»."""
        amounts = defaultdict(float)
        for base_line in base_lines:
            for tax_data in base_line["tax_details"]["taxes_data"]:
                if not tax_data["tax"]._is_exempt():
                    amounts[tax_data["tax"]._get_document_label()] += tax_data["tax_amount_currency"]
        return [(label, self._format_sum(amount)) for label, amount in amounts.items()]

    # Numbers

    def _format_sum(self, amount):
        return formats.money(amount, self.currency_id.decimal_places)

    def _format_price(self, price, quantity, total):
        """A price with as many decimals, four at most, as it needs for price × quantity to be the sum on paper too."""
        currency = self.currency_id
        exact = (
            digits
            for digits in range(currency.decimal_places, MAX_PRICE_DIGITS + 1)
            if not currency.compare_amounts(round(price, digits) * quantity, total)
        )
        return formats.money(price, next(exact, currency.decimal_places))
