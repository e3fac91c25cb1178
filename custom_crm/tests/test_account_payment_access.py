from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, tagged

from .test_account_payment import CashCommon

CASH_DESK = {"cash_desk": True, "default_payment_type": "inbound", "default_partner_type": "customer"}


@tagged("post_install", "-at_install")
class TestCashAccess(CashCommon):
    """Who may do what at the cash desk.

    ================================  =======  ========  ==========  ==========
    .                                 cashier  executor  manager     accountant
    ================================  =======  ========  ==========  ==========
    cash orders                       all      no        all         all
    bank payments                     no       no        all         all
    posted customer invoices          read     no        all         all
    draft invoices, vendor bills      no       no        all         all
    ================================  =======  ========  ==========  ==========
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.first = cls._make_invoice(1000.0)
        cls.second = cls._make_invoice(600.0)
        cls.draft_invoice = cls._make_invoice(70.0, post=False)
        cls.bill = cls._make_invoice(80.0, move_type="in_invoice", partner_id=cls.other_client.id)
        cls.bank_payment = cls._make_receipt(50.0, journal_id=cls.bank.id)
        cls.receipt = cls._make_receipt(700.0, [(cls.first, 100.0), (cls.second, 600.0)])
        cls.env.flush_all()

    def _as(self, user, record):
        """The record for the user, nothing read before."""
        self.env.flush_all()
        self.env.invalidate_all()
        return record.with_user(user)

    def test_cashier_receives(self):
        """Through the form as it opens for a plain cashier, then every button."""
        self.env.invalidate_all()
        form = Form(self.env["account.payment"].with_user(self.cashier).with_context(**CASH_DESK))
        self.assertEqual(form.journal_id.id, self.cash.id)
        form.partner_id = self.client
        form.amount = 1100.0
        receipt = form.save()
        receipt.action_propose_allocations()
        self.assertEqual(receipt.amount_allocated, 1100.0)
        receipt.action_post()
        self.assertEqual(receipt.state, "paid")
        self.assertFalse(receipt.env.su)
        self.assertEqual((self.first.amount_residual, self.second.amount_residual), (0.0, 500.0))
        receipt.action_draft()
        self.assertEqual(self.first.amount_residual, 1000.0)
        with Form(receipt.with_context(**CASH_DESK)) as form:
            form.amount = 1200.0
        receipt.action_post()
        receipt.action_cancel()
        self.assertEqual(receipt.state, "canceled")

    def test_cashier_opens_views(self):
        self.receipt.action_post()
        cashier = self._as(self.cashier, self.receipt).with_context(**CASH_DESK)
        Form(cashier)
        Payment = cashier.browse()
        action = self.env["ir.actions.act_window"]._for_xml_id("custom_crm.action_cash_receipts")
        views = Payment.get_views([(view_id, mode) for view_id, mode in action["views"]], {"toolbar": True})
        fields = {name: {} for name in views["models"]["account.payment"]["fields"]}
        fields.pop("attachment_ids", None)
        self.assertEqual(cashier.web_read(fields)[0]["id"], cashier.id)

    def test_cashier_same_bank_payment(self):
        """A bank payment of the same client, day and amount is no reason to fail."""
        self.bank_payment.action_post()
        draft = self._make_receipt(50.0)
        self.assertTrue(draft.duplicate_payment_ids)
        self.assertFalse(self._as(self.cashier, draft).duplicate_payment_ids)

    def test_cashier_reads_invoices(self):
        invoice = self._as(self.cashier, self.first)
        self.assertEqual(invoice.amount_residual, 1000.0)
        self.assertTrue(invoice.line_ids.mapped("name"))
        for hidden in (self.draft_invoice, self.bill):
            with self.assertRaises(AccessError):
                self._as(self.cashier, hidden).read(["name"])
            with self.assertRaises(AccessError):
                self._as(self.cashier, hidden.line_ids).read(["name"])
        found = self.env["account.move"].with_user(self.cashier).search([])
        self.assertNotIn(self.bill.id, found.ids)

    def test_cashier_changes_no_invoice(self):
        for attempt in (
            lambda: self._as(self.cashier, self.first).write({"ref": "x"}),
            lambda: self._as(self.cashier, self.first).button_draft(),
            lambda: self._as(self.cashier, self.draft_invoice).action_post(),
            lambda: self._as(self.cashier, self.first).unlink(),
            lambda: self._as(self.cashier, self.first.line_ids[0]).write({"name": "x"}),
            lambda: self._as(self.cashier, self.env["account.move"]).create({"move_type": "out_invoice"}),
        ):
            with self.assertRaises(AccessError):
                attempt()

    def test_cashier_no_bank_payment(self):
        payment = self._as(self.cashier, self.bank_payment)
        for number, attempt in enumerate(
            (
                lambda: payment.read(["amount"]),
                lambda: payment.write({"memo": "x"}),
                payment.action_post,
                lambda: self._as(self.cashier, self.bank).read(["name"]),
                lambda: payment.create({"partner_id": self.client.id, "journal_id": self.bank.id, "amount": 1.0}),
            )
        ):
            with self.subTest(number), self.assertRaises(AccessError):
                attempt()
        self.assertNotIn(self.bank_payment.id, payment.search([]).ids)
        moved = self._as(self.cashier, self.receipt)
        with self.assertRaises(AccessError):
            moved.write({"allocation_ids": [Command.clear()], "journal_id": self.bank.id})

    def test_cashier_smuggles_no_entry(self):
        """The rights lent to the buttons reach no other entry."""
        receipt = self._as(self.cashier, self.receipt)
        for vals in (
            {"move_id": self.draft_invoice.id},
            {"state": "paid"},
            {"destination_account_id": self.cash.default_account_id.id},
            {"outstanding_account_id": self.receivable.id},
        ):
            with self.assertRaises(AccessError):
                receipt.write(vals)
        for vals in ({"move_id": self.draft_invoice.id}, {"write_off_line_vals": [{}]}, {"state": "paid"}):
            with self.assertRaises(AccessError):
                receipt.create({"partner_id": self.client.id, "journal_id": self.cash.id, "amount": 1.0, **vals})
        self.receipt.move_id = self.draft_invoice
        with self.assertRaises(AccessError):
            self._as(self.cashier, self.receipt).action_post()
        self.assertEqual(self.draft_invoice.state, "draft")

    def test_cashier_no_unlink(self):
        with self.assertRaises(AccessError):
            self._as(self.cashier, self.receipt).unlink()

    def test_executor(self):
        for record in (self.receipt, self.receipt.allocation_ids, self.first, self.cash):
            with self.assertRaises(AccessError):
                self._as(self.executor, record).read(["display_name"])
        with self.assertRaises(AccessError):
            self._as(self.executor, self.receipt).action_post()
        with self.assertRaises(AccessError):
            self._as(self.executor, self.receipt).action_propose_allocations()

    def test_manager_and_accountant(self):
        for user in (self.manager, self.accountant, self.admin):
            receipt = self._as(user, self._make_receipt(10.0, [(self.first, 10.0)]))
            Form(receipt)
            receipt.action_post()
            self.assertEqual(receipt.state, "paid")
            receipt.action_draft()
            self.assertTrue(self._as(user, self.bank_payment).amount)
            self.assertTrue(self._as(user, self.bill).name)

    def test_other_company(self):
        company = self.env["res.company"].create({"name": "Other Company"})
        self.env["account.chart.template"].try_loading("generic_coa", company=company, install_demo=False)
        desk = self._make_cash_desk(company)
        stranger = self._make_user("crm_cashier_2", "custom_crm.group_cashier")
        stranger.write({"company_ids": [Command.set(company.ids)], "company_id": company.id})
        for record in (self.receipt, self.receipt.allocation_ids, self.first):
            with self.assertRaises(AccessError):
                self._as(stranger, record).read(["display_name"])
        own = self.env["account.payment"].with_user(stranger).with_context(**CASH_DESK)
        receipt = own.create({"partner_id": self.other_client.id, "amount": 5.0})
        self.assertEqual(receipt.journal_id.id, desk.id)
        with self.assertRaises(UserError):
            receipt.allocation_ids = [Command.create({"move_id": self.first.id, "amount": 1.0})]
