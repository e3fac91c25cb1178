from datetime import date
from unittest.mock import patch

from odoo.fields import Command
from odoo.tests import Form, tagged

from .common import CrmCommon

# What can't be the same on two documents, and what tells that billing made one of them.
OWN_FIELDS = {
    "access_token",
    "create_date",
    "create_uid",
    "id",
    "made_sequence_gap",
    "name",
    "payment_reference",
    "period_id",
    "sequence_number",
    "write_date",
    "write_uid",
}
OWN_LINE_FIELDS = {
    "create_date",
    "create_uid",
    "id",
    "move_id",
    "move_name",
    "service_date_from",
    "service_date_to",
    "write_date",
    "write_uid",
}


@tagged("post_install", "-at_install")
class TestBillingAsTyped(CrmCommon):
    """The invoice of a period is, to the field, what Odoo makes when a user types it and posts it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.income, cls.other_income = cls.env["account.account"].search(
            [("account_type", "=", "income"), ("company_ids", "in", cls.company.ids)], limit=2
        )
        cls.tax_account = cls.env["account.account"].create(
            {"name": "Tax", "code": "TAX1", "account_type": "liability_current"}
        )
        cls.tag = cls.env["account.account.tag"].create({"name": "Turnover", "applicability": "taxes"})
        cls.excluded = cls._make_tax("Excluded", 20, "tax_excluded")
        cls.included = cls._make_tax("Included", 22, "tax_included")
        cls.zero = cls._make_tax("Zero", 0, "tax_excluded")
        cls.without_account = cls._make_tax("Without an account", 5, "tax_excluded", account=False)
        cls.on_payment = cls._make_tax("On payment", 10, "tax_excluded")
        cls.company.tax_exigibility = True
        cls.on_payment.write(
            {
                "tax_exigibility": "on_payment",
                "cash_basis_transition_account_id": cls.env["account.account"]
                .create({"name": "Transition", "code": "TAX2", "account_type": "liability_current", "reconcile": True})
                .id,
            }
        )
        cls.group = cls.env["account.tax"].create(
            {
                "name": "Group",
                "amount_type": "group",
                "type_tax_use": "sale",
                "children_tax_ids": [Command.set((cls.excluded | cls.on_payment).ids)],
            }
        )

    @classmethod
    def _make_tax(cls, name, amount, price_include, account=True):
        rows = [
            Command.create({"repartition_type": "base", "tag_ids": [Command.set(cls.tag.ids)]}),
            Command.create(
                {
                    "repartition_type": "tax",
                    "account_id": account and cls.tax_account.id,
                    "tag_ids": [Command.set(cls.tag.ids)],
                }
            ),
        ]
        return cls.env["account.tax"].create(
            {
                "name": name,
                "amount": amount,
                "type_tax_use": "sale",
                "price_include_override": price_include,
                "invoice_repartition_line_ids": rows,
                "refund_repartition_line_ids": rows,
            }
        )

    def _type(self, bill):
        """The same invoice by the form, posted by its button."""
        form = Form(self.env["account.move"].with_user(self.manager).with_context(default_move_type="out_invoice"))
        form.partner_id = bill.partner_id
        form.invoice_date = bill.invoice_date
        if bill.currency_id != self.company.currency_id:
            form.currency_id = bill.currency_id
        form.invoice_payment_term_id = self.env["account.payment.term"]
        form.invoice_date_due = bill.invoice_date_due
        for line in bill.invoice_line_ids:
            with form.invoice_line_ids.new() as row:
                row.product_id = line.product_id
                row.name = line.name
                row.quantity = line.quantity
                row.price_unit = line.price_unit
                row.discount = line.discount
                row.tax_ids.clear()
                for tax in line.tax_ids:
                    row.tax_ids.add(tax)
        move = form.save()
        move.write({"contract_id": bill.contract_id.id, "invoice_origin": bill.invoice_origin})
        for typed, billed in zip(move.invoice_line_ids, bill.invoice_line_ids, strict=True):
            typed.sequence = billed.sequence
        move.is_manually_modified = False
        move.action_post()
        return move

    def _get_values(self, record, own):
        names = [
            name
            for name, field in record._fields.items()
            if field.store and field.type != "one2many" and name not in own
        ]
        return {name: record._fields[name].convert_to_write(record[name], record) for name in names}

    def _assert_same(self, values, expected):
        differing = {name: (value, expected[name]) for name, value in values.items() if value != expected[name]}
        self.assertFalse(differing, "billed and typed")

    def _get_items(self, move):
        return move.line_ids.sorted(lambda line: (line.sequence, line.display_type, line.account_id.id, line.balance))

    def _assert_as_typed(self, **vals):
        period = self._make_active(date_start=date(2026, 3, 1), **vals)._ensure_periods(date(2026, 3, 1))
        bill = period._bill(date(2026, 3, 1))
        self.env.flush_all()
        self.env.invalidate_all()
        typed = self._type(bill)
        self.env.flush_all()
        self.env.invalidate_all()
        self._assert_same(self._get_values(bill, OWN_FIELDS), self._get_values(typed, OWN_FIELDS))
        self.assertEqual(len(bill.line_ids), len(typed.line_ids))
        for item, expected in zip(self._get_items(bill), self._get_items(typed), strict=True):
            item_values = self._get_values(item, OWN_LINE_FIELDS)
            expected_values = self._get_values(expected, OWN_LINE_FIELDS)
            for number, move in ((bill.name, bill), (typed.name, typed)):
                self.assertEqual(move.payment_reference, number)
            if item.display_type == "payment_term":
                self.assertEqual((item_values.pop("name"), expected_values.pop("name")), (bill.name, typed.name))
            self._assert_same(item_values, expected_values)
        return bill

    def test_without_tax(self):
        bill = self._assert_as_typed()
        self.assertEqual((bill.state, bill.amount_total, bill.amount_residual), ("posted", 1000, 1000))

    def test_taxes(self):
        taxes = {
            "excluded": self.excluded,
            "included": self.included,
            "zero": self.zero,
            "on payment": self.on_payment,
            "two": self.excluded | self.included,
            "group": self.group,
            "without an account": self.without_account,
        }
        for name, tax in taxes.items():
            with self.subTest(name):
                line = {"price_unit": 999.99, "quantity": 3, "discount": 7.5, "tax_ids": [Command.set(tax.ids)]}
                self._assert_as_typed(lines=[line])

    def test_many_lines(self):
        self.product.property_account_income_id = self.other_income
        lines = [
            {"price_unit": 333.33, "tax_ids": [Command.set(self.excluded.ids)], "sequence": 1},
            {"price_unit": 0.07, "quantity": 7, "tax_ids": [Command.set(self.excluded.ids)], "sequence": 2},
            {"price_unit": 100.01, "tax_ids": [Command.set(self.included.ids)], "sequence": 3},
            {"price_unit": 5, "tax_ids": [Command.clear()], "sequence": 4},
        ]
        for rounding in ("round_per_line", "round_globally"):
            with self.subTest(rounding):
                self.company.tax_calculation_rounding_method = rounding
                self._assert_as_typed(lines=lines)

    def test_other_currency(self):
        euro = (
            self.env.ref("base.EUR")
            if self.company.currency_id != self.env.ref("base.EUR")
            else self.env.ref("base.USD")
        )
        euro.active = True
        self.env["res.currency.rate"].create(
            {"currency_id": euro.id, "name": "2026-02-28", "rate": 0.0109, "company_id": self.company.id}
        )
        lines = [{"price_unit": 99.99, "tax_ids": [Command.set(self.excluded.ids)]}]
        bill = self._assert_as_typed(currency_id=euro.id, lines=lines)
        self.assertEqual(bill.currency_id, euro)

    def test_fiscal_position(self):
        position = self.env["account.fiscal.position"].create(
            {
                "name": "Other income",
                "account_ids": [
                    Command.create({"account_src_id": self.income.id, "account_dest_id": self.other_income.id})
                ],
            }
        )
        self.product.property_account_income_id = self.income
        self.client.property_account_position_id = position
        bill = self._assert_as_typed(lines=[{"tax_ids": [Command.set(self.excluded.ids)]}])
        self.assertEqual(bill.invoice_line_ids.account_id, self.other_income)

    def test_invoice_address(self):
        """A person of the client who gets the invoices: the company owes."""
        address = self.env["res.partner"].create({"name": "Office", "type": "invoice", "parent_id": self.client.id})
        bill = self._assert_as_typed(lines=[{"tax_ids": [Command.set(self.excluded.ids)]}])
        self.assertEqual(bill.partner_id, address)
        self.assertEqual(bill.line_ids.partner_id, self.client)

    def test_bank_account_and_terms_of_the_client(self):
        self.client.property_payment_term_id = self.env.ref("account.account_payment_term_30days")
        self.env["res.partner.bank"].create(
            {"acc_number": "40702810900000000001", "partner_id": self.company.partner_id.id, "allow_out_payment": True}
        )
        self._assert_as_typed(lines=[{"tax_ids": [Command.set(self.included.ids)]}])

    def test_analytic_distribution(self):
        plan = self.env["account.analytic.plan"].create({"name": "Plan"})
        account = self.env["account.analytic.account"].create({"name": "Account", "plan_id": plan.id})
        self.env["account.analytic.distribution.model"].create(
            {"partner_id": self.client.id, "analytic_distribution": {str(account.id): 100}}
        )
        bill = self._assert_as_typed(lines=[{"tax_ids": [Command.set(self.excluded.ids)]}])
        self.assertEqual(bill.invoice_line_ids.analytic_distribution, {str(account.id): 100})

    def test_part_of_a_period(self):
        self._assert_as_typed(date_end=date(2026, 3, 10), lines=[{"tax_ids": [Command.set(self.included.ids)]}])

    def test_cash_rounding_by_default(self):
        rounding = self.env["account.cash.rounding"].create(
            {
                "name": "Whole",
                "rounding": 1,
                "strategy": "add_invoice_line",
                "profit_account_id": self.income.id,
                "loss_account_id": self.income.id,
            }
        )
        self.env["ir.default"].set("account.move", "invoice_cash_rounding_id", rounding.id)
        bill = self._assert_as_typed(lines=[{"price_unit": 99.7, "tax_ids": [Command.clear()]}])
        self.assertEqual(bill.amount_total, 100)

    def test_most_take_the_short_way(self):
        """Otherwise the comparisons above compare Odoo with itself."""
        Move = self.env.registry["account.move"]
        with patch.object(
            Move, "_prepare_complete_vals", autospec=True, side_effect=Move._prepare_complete_vals
        ) as spy:
            for tax in (self.excluded, self.included, self.on_payment, self.group, self.zero):
                self._assert_as_typed(lines=[{"price_unit": 7.77, "tax_ids": [Command.set(tax.ids)]}])
        self.assertEqual(spy.call_count, 5)

    def test_free_service(self):
        free = {"price_unit": 100, "discount": 100, "tax_ids": [Command.set(self.excluded.ids)]}
        self._assert_as_typed(lines=[free])
