from collections import defaultdict
from datetime import date, timedelta
from unittest.mock import patch

from psycopg2.errors import UniqueViolation

from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .common import CrmCommon


class CashCommon(CrmCommon):
    """A cash desk and invoices to pay."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        Journal = cls.env["account.journal"]
        domain = Journal._check_company_domain(cls.company)
        cls.cash = cls._make_cash_desk(cls.company)
        cls.bank = Journal.search([*domain, ("type", "=", "bank")], limit=1)
        cls.receivable = cls.client.property_account_receivable_id
        cls.other_client = cls.env["res.partner"].create({"name": "Poligon LLC", "is_company": True})

    @classmethod
    def _make_cash_desk(cls, company):
        return cls.env["account.journal"].create(
            {"name": "Cash desk", "code": "CD1", "type": "cash", "company_id": company.id, "sequence": 1}
        )

    @classmethod
    def _make_invoice(cls, amount, due=date(2026, 3, 10), **vals):
        post = vals.pop("post", True)
        defaults = {
            "move_type": "out_invoice",
            "partner_id": cls.client.id,
            "invoice_date": date(2026, 3, 1),
            "invoice_date_due": due,
            "invoice_line_ids": [Command.create({"name": "Service", "price_unit": amount, "tax_ids": False})],
        }
        move = cls.env["account.move"].create({**defaults, **vals})
        if post:
            move.action_post()
        return move

    @classmethod
    def _make_receipt(cls, amount, allocations=(), **vals):
        """A draft; ``allocations``: pairs of invoice and amount."""
        defaults = {
            "payment_type": "inbound",
            "partner_type": "customer",
            "partner_id": cls.client.id,
            "journal_id": cls.cash.id,
            "date": date(2026, 3, 15),
            "amount": amount,
            "allocation_ids": [
                Command.create({"move_id": invoice.id, "amount": part}) for invoice, part in allocations
            ],
        }
        return cls.env["account.payment"].create({**defaults, **vals})

    def _register(self, invoices, journal, **vals):
        wizard = self.env["account.payment.register"].with_context(active_model="account.move", active_ids=invoices.ids)
        return wizard.create({"journal_id": journal.id, **vals})._create_payments()

    def _balance(self, account):
        lines = self.env["account.move.line"].search([("account_id", "=", account.id), ("parent_state", "=", "posted")])
        return sum(lines.mapped("balance"))

    def _partials(self, payment):
        """Amounts of the reconciliations of a payment by invoice."""
        amounts = defaultdict(float)
        for partial in payment.move_id.line_ids.matched_debit_ids:
            amounts[partial.debit_move_id.move_id] += partial.amount
        return dict(amounts)


@tagged("post_install", "-at_install")
class TestCashReceipt(CashCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.first = cls._make_invoice(1000.0, due=date(2026, 3, 10))
        cls.second = cls._make_invoice(600.0, due=date(2026, 3, 20))

    def _check_paid(self, receipt, first, second, advance=0.0):
        """The receipt paid these amounts, by its own fields and by Odoo's journal items."""
        self.assertEqual(receipt.state, "paid")
        self.assertTrue(receipt.is_matched)
        liquidity, counterpart, writeoff = receipt._seek_for_lines()
        self.assertEqual(liquidity.account_id, self.cash.default_account_id)
        self.assertEqual(liquidity.balance, receipt.amount)
        self.assertEqual(counterpart.account_id, self.receivable)
        self.assertEqual(counterpart.balance, -receipt.amount)
        self.assertEqual(counterpart.amount_residual, -advance)
        self.assertFalse(writeoff)
        self.assertEqual(self._partials(receipt), {self.first: first, self.second: second})
        self.assertEqual(self.first.amount_residual, 1000.0 - first)
        self.assertEqual(self.second.amount_residual, 600.0 - second)
        for invoice in (self.first, self.second):
            self.assertEqual(invoice.payment_state, "partial" if invoice.amount_residual else "paid")
        self.assertEqual(receipt.amount_allocated, first + second)
        self.assertEqual(receipt.amount_unallocated, advance)
        self.assertEqual(receipt.is_reconciled, not advance)
        self.assertEqual(receipt.reconciled_invoice_ids, self.first + self.second)

    def test_chosen_amounts(self):
        # Oldest first would give 700 to the first invoice.
        before = self._balance(self.cash.default_account_id)
        receipt = self._make_receipt(700.0, [(self.first, 100.0), (self.second, 600.0)])
        self.assertTrue(receipt.is_cash_order)
        self.assertEqual((receipt.amount_allocated, receipt.amount_unallocated), (700.0, 0.0))
        receipt.action_post()
        self._check_paid(receipt, 100.0, 600.0)
        self.assertEqual(self._balance(self.cash.default_account_id), before + 700.0)

    def test_all_of_both(self):
        receipt = self._make_receipt(1600.0, [(self.first, 1000.0), (self.second, 600.0)])
        receipt.action_post()
        self._check_paid(receipt, 1000.0, 600.0)
        self.assertTrue(receipt.move_id.line_ids.full_reconcile_id)

    def test_advance(self):
        receipt = self._make_receipt(2000.0, [(self.first, 1000.0), (self.second, 500.0)])
        receipt.action_post()
        self._check_paid(receipt, 1000.0, 500.0, advance=500.0)
        # Odoo offers the advance for the next invoice.
        self.second.js_assign_outstanding_line(receipt._seek_for_lines()[1].id)
        self._check_paid(receipt, 1000.0, 600.0, advance=400.0)

    def test_advance_only(self):
        receipt = self._make_receipt(300.0)
        receipt.action_post()
        self.assertEqual((receipt.state, receipt.amount_unallocated), ("paid", 300.0))
        self.assertEqual(self.first.payment_state, "not_paid")

    def test_reset_and_repost(self):
        receipt = self._make_receipt(800.0, [(self.first, 150.0), (self.second, 600.0)])
        receipt.action_post()
        number = receipt.name
        for _time in range(2):
            receipt.action_draft()
            self.assertEqual((self.first.amount_residual, self.second.amount_residual), (1000.0, 600.0))
            self.assertEqual(self.second.payment_state, "not_paid")
            self.assertEqual(receipt.allocation_ids.mapped("amount"), [150.0, 600.0])
            receipt.action_post()
            self._check_paid(receipt, 150.0, 600.0, advance=50.0)
        self.assertEqual(receipt.name, number)

    def test_cancel_and_repost(self):
        before = self._balance(self.cash.default_account_id)
        receipt = self._make_receipt(700.0, [(self.first, 100.0), (self.second, 600.0)])
        receipt.action_post()
        receipt.action_cancel()
        self.assertEqual(receipt.state, "canceled")
        self.assertEqual((self.first.amount_residual, self.second.amount_residual), (1000.0, 600.0))
        self.assertEqual(self._balance(self.cash.default_account_id), before)
        receipt.action_draft()
        receipt.action_post()
        self._check_paid(receipt, 100.0, 600.0)

    def test_changed_draft(self):
        receipt = self._make_receipt(700.0, [(self.first, 100.0), (self.second, 600.0)])
        receipt.action_post()
        receipt.action_draft()
        by_invoice = receipt.allocation_ids.grouped("move_id")
        receipt.write(
            {
                "amount": 900.0,
                "allocation_ids": [
                    Command.update(by_invoice[self.first].id, {"amount": 550.0}),
                    Command.update(by_invoice[self.second].id, {"amount": 350.0}),
                ],
            }
        )
        receipt.action_post()
        self._check_paid(receipt, 550.0, 350.0)

    def test_reconciliation_is_the_truth(self):
        """What an accountant undoes by hand shows in the order, and in its rows once it is a draft."""
        receipt = self._make_receipt(700.0, [(self.first, 100.0), (self.second, 600.0)])
        receipt.action_post()
        partials = receipt.move_id.line_ids.matched_debit_ids
        partials.filtered(lambda partial: partial.debit_move_id.move_id == self.second).unlink()
        self.assertEqual((receipt.amount_allocated, receipt.amount_unallocated), (100.0, 600.0))
        receipt.action_draft()
        self.assertEqual(receipt.allocation_ids.move_id, self.first)
        receipt.action_post()
        self.assertEqual(self._partials(receipt), {self.first: 100.0})

    def test_more_than_payment(self):
        with self.assertRaisesRegex(ValidationError, "exceed the payment"):
            self._make_receipt(500.0, [(self.first, 400.0), (self.second, 200.0)])
        receipt = self._make_receipt(700.0, [(self.first, 100.0), (self.second, 600.0)])
        with self.assertRaisesRegex(ValidationError, "exceed the payment"):
            receipt.amount = 600.0
        with self.assertRaisesRegex(ValidationError, "exceed the payment"):
            receipt.allocation_ids[0].copy({"move_id": self._make_invoice(50.0).id, "amount": 50.0})

    def test_row_written_past_the_payment(self):
        receipt = self._make_receipt(700.0, [(self.first, 100.0), (self.second, 600.0)])
        receipt.allocation_ids.filtered(lambda row: row.move_id == self.first).amount = 500.0
        with self.assertRaisesRegex(ValidationError, "exceed the payment"):
            receipt.action_post()

    def test_more_than_residual(self):
        with self.assertRaisesRegex(ValidationError, self.second.name):
            self._make_receipt(2000.0, [(self.second, 600.01)])
        receipt = self._make_receipt(500.0, [(self.second, 500.0)])
        self._make_receipt(400.0, [(self.second, 400.0)]).action_post()
        with self.assertRaisesRegex(ValidationError, self.second.name):
            receipt.action_post()

    def test_more_than_residual_in_one_batch(self):
        receipts = self._make_receipt(400.0, [(self.second, 400.0)]) + self._make_receipt(300.0, [(self.second, 300.0)])
        with self.assertRaisesRegex(UserError, self.second.name):
            receipts.action_post()

    def test_batch(self):
        receipts = self._make_receipt(400.0, [(self.second, 400.0)]) + self._make_receipt(
            1100.0, [(self.second, 100.0), (self.first, 1000.0)]
        )
        receipts.action_post()
        self.assertEqual(receipts.mapped("state"), ["paid", "paid"])
        self.assertEqual(self._partials(receipts[0]), {self.second: 400.0})
        self.assertEqual(self._partials(receipts[1]), {self.second: 100.0, self.first: 1000.0})

    def test_locked_invoice(self):
        """The lock is not waited for, the message names the invoice."""
        receipt = self._make_receipt(100.0, [(self.first, 100.0)])
        lines = type(self.env["account.move.line"])
        with (
            patch.object(lines, "try_lock_for_update", lambda records, **_options: records.browse()),
            self.assertRaisesRegex(UserError, self.first.name),
        ):
            receipt.action_post()

    def test_wrong_invoice(self):
        others = self._make_invoice(100.0, partner_id=self.other_client.id)
        draft = self._make_invoice(100.0, post=False)
        refund = self._make_invoice(100.0, move_type="out_refund")
        for invoice in (others, draft, refund):
            with self.assertRaises(ValidationError):
                self._make_receipt(100.0, [(invoice, 100.0)])
        with self.assertRaises(ValidationError):
            self._make_receipt(100.0, [(self.first, 100.0)], payment_type="outbound")

    def test_invoice_of_a_contact(self):
        contact = self.env["res.partner"].create({"name": "Branch", "parent_id": self.client.id})
        invoice = self._make_invoice(100.0, partner_id=contact.id)
        receipt = self._make_receipt(100.0, [(invoice, 100.0)])
        receipt.action_post()
        self.assertEqual(invoice.payment_state, "paid")

    def test_invoice_twice(self):
        with self.assertRaises(UniqueViolation), mute_logger("odoo.sql_db"):
            self._make_receipt(100.0, [(self.first, 50.0), (self.first, 50.0)])

    def test_posted_is_fixed(self):
        receipt = self._make_receipt(700.0, [(self.first, 100.0), (self.second, 600.0)])
        receipt.action_post()
        with self.assertRaises(ValidationError):
            receipt.allocation_ids[0].amount = 50.0
        with self.assertRaises(UserError):
            receipt.allocation_ids[0].unlink()
        with self.assertRaisesRegex(UserError, "Reset it to draft"):
            receipt.amount = 800.0

    def test_instalments(self):
        term = self.env["account.payment.term"].create(
            {
                "name": "Two halves",
                "line_ids": [
                    Command.create({"value": "percent", "value_amount": 50.0, "nb_days": 10}),
                    Command.create({"value": "percent", "value_amount": 50.0, "nb_days": 40}),
                ],
            }
        )
        invoice = self._make_invoice(1000.0, invoice_payment_term_id=term.id)
        receipt = self._make_receipt(900.0, [(invoice, 700.0), (self.second, 200.0)])
        receipt.action_post()
        instalments = invoice.line_ids.filtered(lambda line: line.account_id == self.receivable)
        self.assertEqual(instalments.sorted("date_maturity").mapped("amount_residual"), [0.0, 300.0])
        self.assertEqual(self.second.amount_residual, 400.0)

    def test_other_receivable_account(self):
        """Invoices stand on the account that the client had then."""
        self.client.property_account_receivable_id = self.receivable.copy({"code": "121999"})
        receipt = self._make_receipt(700.0, [(self.first, 100.0), (self.second, 600.0)])
        receipt.action_post()
        self._check_paid(receipt, 100.0, 600.0)
        newer = self._make_invoice(100.0)
        mixed = self._make_receipt(200.0, [(self.first, 100.0), (newer, 100.0)])
        with self.assertRaisesRegex(UserError, "another receivable account"):
            mixed.action_post()

    def test_foreign_currency_invoice(self):
        """An invoice in another currency takes the chosen amount; a difference of rates is Odoo's to book."""
        currency = self.env["res.currency"].with_context(active_test=False).search([("name", "=", "EUR")])
        if currency == self.company.currency_id:
            currency = self.env["res.currency"].with_context(active_test=False).search([("name", "=", "USD")])
        currency.active = True
        currency.rate_ids.unlink()
        for day, rate in ((date(2026, 3, 1), 0.5), (date(2026, 3, 12), 0.4)):
            self.env["res.currency.rate"].create(
                {"currency_id": currency.id, "name": day, "rate": rate, "company_id": self.company.id}
            )
        foreign = self._make_invoice(100.0, currency_id=currency.id)  # 200 then, 250 now
        receipt = self._make_receipt(725.0, [(foreign, 125.0), (self.second, 600.0)])
        receipt.action_post()
        self.assertEqual((foreign.amount_residual, self.second.amount_residual), (50.0, 0.0))
        self.assertEqual((receipt.amount_allocated, receipt.amount_unallocated), (725.0, 0.0))
        rest = self._make_receipt(300.0, [(foreign, 125.0)])
        rest.action_post()
        self.assertEqual(foreign.payment_state, "paid")
        self.assertEqual(rest.amount_unallocated, 175.0)
        self.assertEqual(sum(foreign.line_ids.mapped("amount_residual")), 0.0)
        receipt.action_draft()
        receipt.action_post()
        self.assertEqual((receipt.amount_allocated, foreign.amount_residual), (725.0, 0.0))

    def test_foreign_currency_receipt(self):
        currency = self.env["res.currency"].with_context(active_test=False).search([("name", "=", "GBP")])
        currency.active = True
        currency.rate_ids.unlink()
        self.env["res.currency.rate"].create(
            {"currency_id": currency.id, "name": date(2026, 3, 1), "rate": 0.3, "company_id": self.company.id}
        )
        invoices = self._make_invoice(100.0, currency_id=currency.id) + self._make_invoice(
            50.0, currency_id=currency.id
        )
        receipt = self._make_receipt(120.0, [(invoices[0], 66.67), (invoices[1], 33.33)], currency_id=currency.id)
        receipt.action_post()
        self.assertEqual(invoices.mapped("amount_residual"), [33.33, 16.67])
        self.assertEqual(receipt.amount_unallocated, 20.0)

    # Proposal, basis, contract

    def test_empty_order_is_refused(self):
        with self.assertRaises(ValidationError):
            self._make_receipt(0).action_post()
        with self.assertRaises(ValidationError):
            self._make_receipt(100, partner_id=False).action_post()

    def test_invoice_chosen_before_the_amount(self):
        with Form(self._make_receipt(0, partner_id=self.client.id)) as form:
            with form.allocation_ids.new() as row:
                row.move_id = self.first
                row.amount = 0
            form.amount = 80
        self.assertEqual(self.env["account.payment"].browse(form.id).allocation_ids.amount, 80)

    def test_lower_amount_is_taken_off_the_last_invoices(self):
        receipt = self._make_receipt(1000, [(self.first, 600), (self.second, 400)])
        with Form(receipt) as form:
            form.amount = 500
        self.assertEqual(receipt.allocation_ids.mapped("amount"), [500])

    def test_distribute(self):
        late = self._make_invoice(50.0, due=date(2026, 2, 1))
        receipt = self._make_receipt(1100.0)
        receipt.action_propose_allocations()
        rows = {row.move_id: row.amount for row in receipt.allocation_ids}
        self.assertEqual(rows, {late: 50.0, self.first: 1000.0, self.second: 50.0})
        receipt.amount = 5000.0
        receipt.action_propose_allocations()
        self.assertEqual(receipt.amount_allocated, 1650.0)
        self.assertEqual(receipt.amount_unallocated, 3350.0)

    def test_distribute_refused(self):
        with self.assertRaisesRegex(UserError, "amount"):
            self._make_receipt(0.0).action_propose_allocations()
        with self.assertRaisesRegex(UserError, "no open invoices"):
            self._make_receipt(10.0, partner_id=self.other_client.id).action_propose_allocations()
        posted = self._make_receipt(10.0)
        posted.action_post()
        with self.assertRaises(UserError):
            posted.action_propose_allocations()

    def test_basis(self):
        receipt = self._make_receipt(700.0, [(self.first, 100.0)])
        self.assertIn(self.first.name, receipt.basis)
        receipt.allocation_ids = [Command.create({"move_id": self.second.id, "amount": 600.0})]
        self.assertIn(self.second.name, receipt.basis)
        receipt.basis = "Under contract 5"
        receipt.allocation_ids = [Command.clear()]
        self.assertEqual(receipt.basis, "Under contract 5")

    def test_contract(self):
        contract = self._make_contract()
        self.first.contract_id = contract
        self.second.contract_id = contract
        receipt = self._make_receipt(700.0, [(self.first, 100.0), (self.second, 600.0)])
        self.assertEqual(receipt.contract_id, contract)
        self.assertEqual(receipt.copy().contract_id, contract)
        receipt.write({"partner_id": self.other_client.id, "allocation_ids": [Command.clear()]})
        self.assertFalse(receipt.contract_id)
        with self.assertRaises(ValidationError):
            self._make_receipt(10.0, partner_id=self.other_client.id, contract_id=contract.id)

    def test_form(self):
        action = self.env["ir.actions.act_window"]._for_xml_id("custom_crm.action_cash_receipts")
        context = {"cash_desk": True, "default_payment_type": "inbound", "default_partner_type": "customer"}
        self.assertEqual(action["path"], "cash-receipts")
        # A client who usually pays by bank pays in cash here.
        self.client.property_inbound_payment_method_line_id = self.bank.inbound_payment_method_line_ids[0]
        with Form(self.env["account.payment"].with_context(**context)) as form:
            self.assertEqual(form.journal_id, self.cash)
            form.partner_id = self.client
            self.assertEqual(form.journal_id, self.cash)
            form.amount = 700.0
            with form.allocation_ids.new() as row:
                row.move_id = self.second
                self.assertEqual(row.amount, 600.0)
            with form.allocation_ids.new() as row:
                row.move_id = self.first
                self.assertEqual(row.amount, 100.0)
            self.assertEqual(form.amount_unallocated, 0.0)
        form.record.action_post()
        self._check_paid(form.record, 100.0, 600.0)

    # Odoo's own ways

    def test_pay_button(self):
        """Also where the payment method names an outstanding account."""
        outstanding = self.env["account.account"].create(
            {"name": "Outstanding", "code": "101999", "account_type": "asset_current", "reconcile": True}
        )
        self.cash.inbound_payment_method_line_ids.payment_account_id = outstanding
        payment = self._register(self.first, self.cash)
        self.assertTrue(payment.is_cash_order)
        self.assertEqual((payment.state, self.first.payment_state), ("paid", "paid"))
        self.assertEqual(payment._seek_for_lines()[0].account_id, self.cash.default_account_id)
        self.assertEqual(self._balance(outstanding), 0.0)
        payment.action_draft()
        self.assertEqual(payment.allocation_ids.move_id, self.first)
        payment.action_post()
        self.assertEqual(self.first.payment_state, "paid")

    def test_pay_button_group(self):
        payment = self._register(self.first + self.second, self.cash, group_payment=True)
        self._check_paid(payment, 1000.0, 600.0)

    def test_pay_button_difference(self):
        """A write-off keeps Odoo's own behaviour through reset and repost."""
        account = self.company.expense_currency_exchange_account_id
        payment = self._register(
            self.first,
            self.cash,
            amount=990.0,
            payment_difference_handling="reconcile",
            writeoff_account_id=account.id,
        )
        self.assertEqual(self.first.payment_state, "paid")
        payment.action_draft()
        payment.action_post()
        self.assertEqual((payment.state, self.first.payment_state), ("paid", "paid"))

    def test_bank_payment_untouched(self):
        payment = self._register(self.first, self.bank)
        self.assertFalse(payment.is_cash_order)
        liquidity = payment._seek_for_lines()[0]
        method = self.bank.inbound_payment_method_line_ids[:1]
        expected = method.payment_account_id or self.env["account.chart.template"].with_company(self.company).ref(
            "account_journal_payment_debit_account_id"
        )
        self.assertEqual(liquidity.account_id, expected)
        partials = payment.move_id.line_ids.matched_debit_ids
        payment.action_draft()
        self.assertEqual(partials.exists(), partials)
        self.assertFalse(payment.allocation_ids)
        payment.amount = 900.0

    def test_date_in_the_past_or_future(self):
        for day in (date(2026, 3, 15) - timedelta(days=400), date(2026, 3, 15) + timedelta(days=3)):
            receipt = self._make_receipt(10.0, [(self.first, 10.0)], date=day)
            receipt.action_post()
            self.assertEqual(receipt.move_id.date, day)

    def test_no_query_per_record(self):
        """Posting costs what Odoo's posting costs; the allocations add no query for each row but in Odoo's own way."""
        invoices = self.env["account.move"].concat(*(self._make_invoice(10.0) for _number in range(6)))
        few = self._make_receipt(20.0, [(invoice, 10.0) for invoice in invoices[:2]])
        many = self._make_receipt(40.0, [(invoice, 10.0) for invoice in invoices[2:]])
        counts = []
        for receipt in (few, many):
            self.env.flush_all()
            self.env.invalidate_all()
            start = self.cr.sql_log_count
            receipt.action_post()
            self.env.flush_all()
            counts.append(self.cr.sql_log_count - start)
        self.assertLess(counts[1] - counts[0], 40, counts)
