from datetime import date, timedelta

from freezegun import freeze_time
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged, warmup

from .test_account_payment import CashCommon

TODAY = date(2026, 7, 1)
NOON = "2026-07-01 12:00:00"
AGE_OF_DAY = {
    -1: "0",
    0: "0",
    1: "1_30",
    30: "1_30",
    31: "31_60",
    60: "31_60",
    61: "61_90",
    90: "61_90",
    91: "91",
    400: "91",
}


class ReceivableCommon(CashCommon):
    """Invoices, credit notes and payments of two companies on 1 July 2026, the one in roubles and euros."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time(NOON))
        cls.company.partner_id.tz = "UTC"
        cls.Report = cls.env["crm.receivable.report"]
        cls.contract = cls._make_active()
        cls.foreign = cls._make_currency("EUR", 80.0)
        cls.foreign_contract = cls._make_active(currency_id=cls.foreign.id)

    @classmethod
    def _make_currency(cls, name, rate):
        """A currency of which one is worth so much of the company's, and ten more a month before."""
        currency = cls.env.ref(f"base.{name}")
        if currency == cls.company.currency_id:
            currency = cls.env.ref("base.CHF")
        currency.active = True
        for day, worth in ((date(2025, 1, 1), rate), (date(2026, 6, 1), rate + 10)):
            cls.env["res.currency.rate"].create(
                {"currency_id": currency.id, "company_id": cls.company.id, "name": day, "inverse_company_rate": worth}
            )
        return currency

    @classmethod
    def _make_due(cls, amount, days, company=None, post=True, **vals):
        """An invoice that fell due so many days ago."""
        due = TODAY - timedelta(days=days)
        defaults = {
            "move_type": "out_invoice",
            "partner_id": cls.client.id,
            "invoice_date": min(due, TODAY),
            "invoice_date_due": due,
            "invoice_line_ids": [Command.create({"name": "Service", "price_unit": amount, "tax_ids": False})],
        }
        move = cls.env["account.move"].with_company(company or cls.company).create({**defaults, **vals})
        if post:
            move.action_post()
        return move

    def _rows(self, *domain):
        return self.Report.search([("company_id", "=", self.company.id), *domain])

    def _receivable_balance(self, company):
        [(balance,)] = self.env["account.move.line"]._read_group(
            [
                ("company_id", "=", company.id),
                ("account_type", "=", "asset_receivable"),
                ("parent_state", "=", "posted"),
            ],
            [],
            ["balance:sum"],
        )
        return balance


@tagged("post_install", "-at_install")
class TestReceivableReport(ReceivableCommon):
    def test_ages(self):
        for days, age in AGE_OF_DAY.items():
            with self.subTest(days):
                row = self._rows(("move_id", "=", self._make_due(100, days).id))
                self.assertEqual((row.age, row.days_overdue), (age, max(days, 0)))
                self.assertEqual((row.kind, row.amount_debt, row.amount_advance), ("debt", 100, 0))
                self.assertEqual(row.amount_overdue, 100 if days > 0 else 0)
                self.assertEqual(row.date_due, TODAY - timedelta(days=days))

    def test_the_companys_day(self):
        """At noon in London the next day has begun in Kamchatka."""
        invoice = self._make_due(100, 0)
        for timezone, age in (("Europe/London", "0"), ("Asia/Kamchatka", "1_30")):
            self.company.partner_id.tz = timezone
            self.env.invalidate_all()
            with self.subTest(timezone):
                self.assertEqual(self._rows(("move_id", "=", invoice.id)).age, age)

    def test_row_of_an_invoice(self):
        self.client.user_id = self.executor
        invoice = self._make_due(100, 5, contract_id=self.contract.id, invoice_user_id=self.admin.id)
        row = self._rows(("move_id", "=", invoice.id))
        self.assertEqual(
            (row.partner_id, row.contract_id, row.user_id, row.invoice_user_id, row.name),
            (self.client, self.contract, self.manager, self.admin, invoice.name),
        )
        self.assertEqual(row.action_open()["res_id"], invoice.id)

    def test_client_behind_a_contact_and_responsible_without_contract(self):
        self.client.user_id = self.executor
        contact = self.env["res.partner"].create({"name": "Anna", "parent_id": self.client.id})
        row = self._rows(("move_id", "=", self._make_due(100, 5, partner_id=contact.id).id))
        self.assertEqual((row.partner_id, row.user_id), (self.client, self.executor))

    def test_what_is_no_receivable(self):
        draft = self._make_due(100, 5, post=False)
        cancelled = self._make_due(100, 5, post=False)
        cancelled.button_cancel()
        paid = self._make_due(100, 5)
        self._register(paid, self.bank)
        bill = self._make_due(100, 5, move_type="in_invoice")
        self.assertFalse(self._rows(("move_id", "in", (draft | cancelled | paid | bill).ids)))

    def test_advance(self):
        """A payment that no invoice has taken is apart, with its contract; allocated, it is gone."""
        receipt = self._make_receipt(300, contract_id=self.contract.id)
        receipt.action_post()
        row = self._rows(("origin_payment_id", "=", receipt.id))
        self.assertEqual((row.kind, row.age, row.days_overdue), ("advance", "advance", 0))
        self.assertEqual((row.amount_residual, row.amount_advance, row.amount_debt), (-300, 300, 0))
        self.assertEqual(row.contract_id, self.contract)
        self.assertEqual(row.action_open()["res_id"], receipt.id)
        invoice = self._make_due(200, 5, contract_id=self.contract.id)
        items = (receipt.move_id | invoice).line_ids.filtered(lambda line: line.account_id == self.receivable)
        items.reconcile()
        self.env.invalidate_all()
        self.assertEqual(row.amount_residual, -100)
        self.assertFalse(self._rows(("move_id", "=", invoice.id)))

    def test_entry_without_due_date(self):
        """An opening balance by hand is as old as it is, for the report and for the card."""
        entry = self.env["account.move"].create(
            {
                "date": TODAY - timedelta(days=40),
                "line_ids": [
                    Command.create({"account_id": self.receivable.id, "partner_id": self.client.id, "debit": 70}),
                    Command.create({"account_id": self.bank.default_account_id.id, "credit": 70}),
                ],
            }
        )
        entry.action_post()
        entry.line_ids.date_maturity = False
        row = self._rows(("move_id", "=", entry.id))
        self.assertEqual((row.age, row.amount_overdue), ("31_60", 70))
        self.assertEqual(self.client.receivable_overdue, 70)

    def test_each_company_has_its_day(self):
        east = self._make_second_company()
        east.partner_id.tz = "Asia/Kamchatka"
        invoices = self._make_due(100, 0) | self._make_due(100, 0, company=east)
        rows = self.Report.search([("move_id", "in", invoices.ids)])
        self.assertEqual({row.company_id: row.days_overdue for row in rows}, {self.company: 0, east: 1})

    @classmethod
    def _make_second_company(cls):
        company = cls.env["res.company"].create({"name": "East", "currency_id": cls.company.currency_id.id})
        cls.env["account.chart.template"].try_loading("generic_coa", company=company, install_demo=False)
        return company

    def test_access(self):
        """Managers and accountants see all of their companies, cashiers what they see of the journal items."""
        east = self._make_second_company()
        foreign = self._make_due(100, 5, company=east)
        invoice = self._make_due(100, 5)
        advance = self._register_advance(50)
        moves = foreign | invoice | advance
        auditor = new_test_user(self.env, "crm_auditor", "account.group_account_readonly")
        for user, seen in (
            (self.manager, invoice | advance),
            (self.accountant, invoice | advance),
            (auditor, invoice | advance),
            (self.admin, invoice | advance),
            (self.cashier, invoice),
        ):
            with self.subTest(user.login):
                self.assertEqual(self.Report.with_user(user).search([("move_id", "in", moves.ids)]).move_id, seen)
        for model in ("crm.receivable.report", "crm.payment.plan.report"):
            with self.assertRaises(AccessError):
                self.env[model].with_user(self.executor).search([])
        with self.assertRaises(AccessError):
            self.env["crm.payment.plan.report"].with_user(self.cashier).search([])

    def test_plan_of_a_manager(self):
        """What is invoiced, what is still to be billed, in euros at today's rate, and what came; own companies only."""
        east = self._make_second_company()
        foreign = self._make_due(100, 5, company=east)
        invoice = self._make_due(500, 5, contract_id=self.contract.id)
        self._register(invoice, self.bank, amount=200)
        advance = self._register_advance(50)
        self.foreign_contract._ensure_periods(date(2026, 1, 31))
        period = self.foreign_contract.period_ids[:1]
        plan = self.env["crm.payment.plan.report"].with_user(self.manager)
        rows = plan.search([("partner_id", "=", self.client.id)])
        self.assertNotIn(foreign, rows.move_id)
        by_kind = {kind: rows.filtered(lambda row, kind=kind: row.kind == kind) for kind in rows.mapped("kind")}
        self.assertEqual(set(by_kind), {"invoiced", "to_bill", "received"})
        planned = by_kind["invoiced"]
        self.assertEqual((planned.move_id, planned.amount_planned, planned.amount_open), (invoice, 500, 300))
        self.assertEqual(planned.date, TODAY - timedelta(days=5))
        received = {row.contract_id: row.amount_received for row in by_kind["received"]}
        self.assertEqual(received, {self.contract: 200, self.env["crm.contract"]: 50})
        self.assertIn(advance, by_kind["received"].move_id)
        due = by_kind["to_bill"].filtered(lambda row: row.date == period.payment_date)
        self.assertEqual(due.amount_planned, period.amount_total * 90)
        self.assertIn(self.client.name, due.display_name)
        for row, document in ((planned, invoice), (due, self.foreign_contract)):
            self.assertEqual(
                (row.action_open()["res_model"], row.action_open()["res_id"]), (document._name, document.id)
            )
        period.sudo().write({"is_skipped": True, "skip_reason": "x"})
        self.env.flush_all()
        self.assertNotIn(due.id, plan.search([("partner_id", "=", self.client.id)]).ids)

    def _register_advance(self, amount):
        payment = self.env["account.payment"].create(
            {
                "payment_type": "inbound",
                "partner_type": "customer",
                "partner_id": self.client.id,
                "journal_id": self.bank.id,
                "amount": amount,
            }
        )
        payment.action_post()
        return payment.move_id

    @warmup
    def test_no_query_per_row(self):
        for days in range(20):
            self._make_due(100, days)
        names = (
            "name",
            "partner_id",
            "contract_id",
            "user_id",
            "age",
            "days_overdue",
            "amount_debt",
            "amount_residual",
        )
        specification = {name: {} for name in names}
        self.env.flush_all()
        self.env.invalidate_all()
        report = self.Report.with_user(self.manager)
        report.web_search_read([], specification, limit=80)
        self.env.invalidate_all()
        with self.assertQueryCount(6):
            report.web_search_read([("company_id", "=", self.company.id)], specification, limit=80)


class Books:
    """Documents made at random, each from a number of small numbers; what can't be done is left out."""

    def __init__(self, test, company, contracts):
        self.test, self.company = test, company
        self.contracts = contracts
        self.invoices = test.env["account.move"]

    def invoice(self, amount, days, contract):
        contract = self.contracts[contract % len(self.contracts)]
        vals = {"contract_id": contract.id, "currency_id": contract.currency_id.id} if contract else {}
        self.invoices |= self.test._make_due(amount, days, company=self.company, **vals)

    def credit(self, amount, days, contract):
        contract = self.contracts[contract % len(self.contracts)]
        vals = {"contract_id": contract.id, "currency_id": contract.currency_id.id} if contract else {}
        self.test._make_due(amount, days, company=self.company, move_type="out_refund", **vals)

    def reverse(self, number, _days, _contract):
        if invoice := self._pick(number):
            refund = invoice._reverse_moves([{"invoice_date": TODAY, "date": TODAY}])
            refund.action_post()
            self._reconcile(invoice | refund)

    def pay(self, amount, _days, number):
        """A part of an invoice, all of it or more."""
        if invoice := self._pick(number):
            payment = self._payment(amount, invoice.currency_id, invoice.contract_id)
            self._reconcile(invoice | payment.move_id)

    def advance(self, amount, _days, contract):
        contract = self.contracts[contract % len(self.contracts)]
        self._payment(amount, contract.currency_id or self.company.currency_id, contract)

    def give_back(self, amount, _days, contract):
        contract = self.contracts[contract % len(self.contracts)]
        self._payment(amount, contract.currency_id or self.company.currency_id, contract, payment_type="outbound")

    def undo(self, number, _days, _contract):
        if invoice := self._pick(number):
            invoice.line_ids.remove_move_reconcile()

    def _pick(self, number):
        return self.invoices[number % len(self.invoices)] if self.invoices else self.invoices

    def _payment(self, amount, currency, contract, payment_type="inbound"):
        bank = self.test.env["account.journal"].search(
            [("company_id", "=", self.company.id), ("type", "=", "bank")], limit=1
        )
        payment = self.test.env["account.payment"].create(
            {
                "payment_type": payment_type,
                "partner_type": "customer",
                "partner_id": self.test.client.id,
                "journal_id": bank.id,
                "currency_id": currency.id,
                "contract_id": contract.id,
                "amount": amount,
                "date": TODAY,
            }
        )
        payment.action_post()
        return payment

    def _reconcile(self, moves):
        items = moves.line_ids.filtered(
            lambda line: line.account_id.account_type == "asset_receivable" and not line.reconciled
        )
        if len(items) > 1:
            items.reconcile()


KINDS = ["invoice", "invoice", "invoice", "pay", "pay", "credit", "reverse", "advance", "give_back", "undo"]
steps = st.lists(
    st.tuples(
        st.sampled_from(KINDS),
        st.integers(0, 1),
        st.integers(1, 500_000).map(lambda kopecks: kopecks / 100),
        st.sampled_from([-400, -30, -1, 0, 1, 29, 30, 31, 59, 60, 61, 89, 90, 91, 400]),
        st.integers(0, 9),
    ),
    min_size=1,
    max_size=12,
)


@tagged("post_install", "-at_install")
class TestReceivableTotals(ReceivableCommon):
    """Whatever is invoiced, credited, paid, given back and undone: the report, the accounts, the card agree."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.east = TestReceivableReport._make_second_company.__func__(cls)
        cls.companies = cls.company | cls.east

    @given(steps=steps)
    @settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    def test_totals(self, steps):
        with self.env.cr.savepoint(flush=False) as savepoint:
            self._play(steps)
            for company in self.companies:
                self._check_company(company.with_context(allowed_company_ids=company.ids))
            self._check_contracts()
            self.env.flush_all()
            savepoint.rollback()
        self.env.invalidate_all()

    def _play(self, steps):
        none = self.env["crm.contract"]
        books = [
            Books(self, self.company, [self.contract, self.foreign_contract, none]),
            Books(self, self.east, [none]),
        ]
        for kind, company, amount, days, number in steps:
            argument = number if kind in ("reverse", "undo") else amount
            getattr(books[company], kind)(argument, days, number)
        self.env.flush_all()
        self.env.invalidate_all()

    def _check_company(self, company):
        env = company.env
        report = env["crm.receivable.report"]
        domain = [("company_id", "=", company.id)]
        rows = report.search(domain)
        balance = self._receivable_balance(company)
        self.assertAlmostEqual(sum(rows.mapped("amount_residual")), balance, 2)
        self.assertAlmostEqual(sum(rows.mapped("amount_debt")) - sum(rows.mapped("amount_advance")), balance, 2)
        for grouping in ("age", "kind", "partner_id", "contract_id", "user_id", "date_due:month"):
            groups = report.formatted_read_group(domain, [grouping], ["amount_residual:sum"])
            self.assertAlmostEqual(sum(group["amount_residual:sum"] for group in groups), balance, 2, grouping)
        for age, total in report._read_group(domain, ["age"], ["amount_residual:sum"]):
            members = rows.filtered(lambda row, age=age: row.age == age)
            self.assertAlmostEqual(sum(members.mapped("amount_residual")), total, 2)
            self.assertTrue(all((row.kind == "advance") == (age == "advance") for row in members))
        client = self.client.with_env(env)
        own = rows.filtered(lambda row: row.partner_id == client)
        self.assertAlmostEqual(sum(own.mapped("amount_residual")), client.receivable_total, 2)
        self.assertAlmostEqual(sum(own.mapped("amount_overdue")), client.receivable_overdue, 2)
        self._check_received(company)

    def _check_received(self, company):
        """Each payment counts once, and the plan is what was invoiced."""
        plan = company.env["crm.payment.plan.report"]
        rows = plan.search([("company_id", "=", company.id)])
        self.assertEqual(len(set(rows.ids)), len(rows))
        items = self.env["account.move.line"].search(
            [
                ("company_id", "=", company.id),
                ("account_type", "=", "asset_receivable"),
                ("parent_state", "=", "posted"),
            ]
        )
        money = items.filtered(lambda line: line.journal_id.type in ("bank", "cash"))
        invoiced = items.filtered(lambda line: line.move_id.move_type in ("out_invoice", "out_refund"))
        planned = rows.filtered(lambda row: row.kind == "invoiced")
        self.assertAlmostEqual(sum(rows.mapped("amount_received")), -sum(money.mapped("balance")), 2)
        self.assertAlmostEqual(sum(planned.mapped("amount_planned")), sum(invoiced.mapped("balance")), 2)
        self.assertAlmostEqual(sum(planned.mapped("amount_open")), sum(invoiced.mapped("amount_residual")), 2)

    def _check_contracts(self):
        for contract in self.contract | self.foreign_contract:
            rows = self.Report.search([("contract_id", "=", contract.id)])
            self.assertEqual(rows.item_currency_id - contract.currency_id, self.env["res.currency"])
            total = sum(rows.mapped("amount_residual_currency"))
            self.assertAlmostEqual(contract.amount_due - contract.amount_advance, total, 2)
            overdue = rows.filtered("days_overdue")
            self.assertAlmostEqual(contract.amount_overdue, sum(overdue.mapped("amount_residual_currency")), 2)
