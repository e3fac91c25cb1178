from datetime import date

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, tagged
from odoo.tools import format_amount, format_date, html2plaintext, mute_logger

from .common import CrmCommon


class LifecycleCommon(CrmCommon):
    def _days(self, records):
        return [(str(period.date_start), str(period.date_end)) for period in records]

    def _bill_until(self, contract, day):
        """Invoices of all periods that a run on the day bills."""
        for period in contract._ensure_periods(day).sorted("date_start"):
            period._bill_now(day)

    def _unbilled(self, contract, day):
        contract._ensure_periods(day)
        return self._days(contract.period_ids.filtered(lambda row: not row.is_closed).sorted("date_start"))


@tagged("post_install", "-at_install")
class TestSuspension(LifecycleCommon):
    def test_nothing_is_billed_for_suspended_days(self):
        contract = self._make_active().with_user(self.manager)
        contract.action_suspend(date(2026, 2, 11), "Renovation")
        self.assertEqual((contract.state, contract.suspended_from), ("suspended", date(2026, 2, 11)))
        expected = [("2026-01-01", "2026-01-31"), ("2026-02-01", "2026-02-10")]
        self.assertEqual(self._unbilled(contract, date(2026, 12, 1)), expected)
        contract.action_resume(date(2026, 4, 16))
        self.assertEqual((contract.state, contract.suspended_from), ("active", False))
        self.assertEqual(
            self._unbilled(contract, date(2026, 5, 1)),
            [*expected, ("2026-04-16", "2026-04-30"), ("2026-05-01", "2026-05-31")],
        )
        self.assertEqual(
            contract.period_ids.sorted("date_start").mapped("amount_total"), [1000, 357.14, 500, 1000], "by days"
        )
        self.assertIn("Renovation", " ".join(contract.message_ids.mapped("body")))

    def test_anniversary_is_counted_from_the_day_of_resuming(self):
        contract = self._make_active(billing_alignment="anniversary", date_start=date(2026, 1, 31))
        contract.action_suspend(date(2026, 3, 10))
        contract.action_resume(date(2026, 3, 20))
        self.assertEqual(
            self._unbilled(contract, date(2026, 4, 1)),
            [
                ("2026-01-31", "2026-02-27"),
                ("2026-02-28", "2026-03-09"),
                ("2026-03-20", "2026-04-19"),
                ("2026-04-20", "2026-05-19"),
            ],
        )
        row = contract.period_ids.filtered(lambda period: period.date_start == date(2026, 3, 20))
        self.assertEqual((row.date_start, row.date_end), (row.whole_start, row.whole_end))

    def test_billed_period_keeps_its_dates(self):
        contract = self._make_active()
        self._bill_until(contract, date(2026, 2, 1))
        contract.action_suspend(date(2026, 2, 11))
        contract.action_resume(date(2026, 2, 21))
        self.assertEqual(self._unbilled(contract, date(2026, 3, 1)), [("2026-03-01", "2026-03-31")])

    def test_credit_by_days_and_what_is_billed_again(self):
        contract = self._make_active()
        self._bill_until(contract, date(2026, 2, 1))
        wizard = self.env["crm.contract.suspend"].with_user(self.manager)
        wizard = wizard.create({"contract_id": contract.id, "date_from": date(2026, 2, 11), "reason": "Renovation"})
        self.assertEqual((wizard.billed_until, wizard.is_credited), (date(2026, 2, 28), True))
        self.assertEqual(wizard.amount_credited, 642.86)
        credit = self.env["account.move"].browse(wizard.action_suspend()["res_id"])
        self.assertRecordValues(
            credit,
            [
                {
                    "move_type": "out_refund",
                    "state": "draft",
                    "amount_total": 642.86,
                    "partner_id": self.client.id,
                    "contract_id": contract.id,
                    "reversed_entry_id": contract.period_ids.filtered("credited_from").move_id.id,
                    "credited_from": date(2026, 2, 11),
                }
            ],
        )
        self.assertIn(format_date(self.env, date(2026, 2, 11)), credit.invoice_line_ids.name)
        contract.action_resume(date(2026, 2, 21))
        self.assertEqual(self._unbilled(contract, date(2026, 2, 1)), [("2026-02-21", "2026-02-28")])
        credit.button_cancel()
        self.assertEqual(self._unbilled(contract, date(2026, 2, 1)), [], "the credit note was the reason to bill again")

    def test_credit_is_not_given_twice(self):
        contract = self._make_active()
        self._bill_until(contract, date(2026, 1, 1))
        first = contract._credit_from(date(2026, 1, 22))
        self.assertEqual(contract._get_billed_until(date(2026, 1, 22)), False)
        second = contract._credit_from(date(2026, 1, 11))
        self.assertFalse(contract._credit_from(date(2026, 1, 22)))
        self.assertEqual([first.amount_total, second.amount_total], [322.58, 354.84])
        self.assertEqual(contract.period_ids.credited_from, date(2026, 1, 11))

    def test_credit_note_stays_while_its_days_are_billed_again(self):
        contract = self._make_active()
        self._bill_until(contract, date(2026, 2, 1))
        contract.action_suspend(date(2026, 2, 11))
        credit = contract._credit_from(date(2026, 2, 11))
        contract.action_resume(date(2026, 2, 21))
        self._bill_until(contract, date(2026, 2, 1))
        again = contract.move_ids.filtered(lambda move: move.amount_total == 285.71)
        for remove in (credit.button_cancel, credit.unlink):
            with self.assertRaisesRegex(UserError, again.name):
                remove()
        again.button_draft()
        again.button_cancel()
        credit.unlink()
        self.assertEqual(self._unbilled(contract, date(2026, 2, 1)), [])
        self.assertEqual(contract.amount_invoiced, 2000)

    def test_cancelled_credit_note_may_be_deleted(self):
        contract = self._make_active()
        self._bill_until(contract, date(2026, 2, 1))
        mistaken = contract._credit_from(date(2026, 2, 11))
        mistaken.button_cancel()
        contract.action_suspend(date(2026, 2, 11))
        contract._credit_from(date(2026, 2, 11))
        contract.action_resume(date(2026, 2, 21))
        self._bill_until(contract, date(2026, 2, 1))
        mistaken.unlink()
        self.assertEqual(contract.amount_invoiced, 2285.71)

    def test_no_day_is_billed_twice_by_the_database(self):
        contract = self._make_active()
        self._bill_until(contract, date(2026, 2, 1))
        self.env.flush_all()
        query = "UPDATE crm_contract_period SET date_end = '2026-02-01' WHERE contract_id = %s AND date_start = %s"
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError), self.env.cr.savepoint():
            self.env.cr.execute(query, [contract.id, "2026-01-01"])

    def test_credit_is_a_part_of_the_invoice(self):
        """Of what was billed, whatever became of the contract's lines; in the invoice's journal."""
        journal = self.env["account.journal"].create({"name": "Sales 2", "code": "S2", "type": "sale"})
        self.client.property_payment_term_id = self.env.ref("account.account_payment_term_30days")
        contract = self._make_active()
        self._bill_until(contract, date(2026, 2, 1))
        invoice = contract.period_ids.sorted("date_start")[-1].move_id
        invoice.button_draft()
        invoice.write({"name": False, "journal_id": journal.id})
        invoice.invoice_line_ids.discount = 50
        invoice.action_post()
        contract.line_ids.price_unit = 9000
        credit = contract._credit_from(date(2026, 2, 15))
        self.assertEqual((credit.amount_total, credit.journal_id), (250, journal))
        self.assertFalse(credit.invoice_payment_term_id)
        self.assertEqual(credit.invoice_line_ids.account_id, invoice.invoice_line_ids.account_id)
        contract.line_ids.unlink()
        self.assertEqual(contract._credit_from(date(2026, 2, 1)).amount_total, 250)

    def test_credit_of_a_price_revised_within_the_month(self):
        lines = [{"date_to": date(2026, 1, 10)}, {"date_from": date(2026, 1, 11), "price_unit": 3100}]
        contract = self._make_active(lines=lines)
        self._bill_until(contract, date(2026, 1, 1))
        self.assertEqual(contract.amount_invoiced, 322.58 + 2100)
        self.assertEqual(contract._credit_from(date(2026, 1, 22)).amount_total, 1000)

    def test_what_accountants_reversed_is_not_given_back_again(self):
        contract = self._make_active()
        self._bill_until(contract, date(2026, 1, 1))
        contract.move_ids._reverse_moves().action_post()
        self.assertFalse(contract._get_billed_until(date(2026, 1, 11)))
        self.assertFalse(contract._credit_from(date(2026, 1, 11)))

    def test_later_credit_goes_first(self):
        contract = self._make_active()
        self._bill_until(contract, date(2026, 1, 1))
        first, second = contract._credit_from(date(2026, 1, 22)), contract._credit_from(date(2026, 1, 11))
        with self.assertRaises(UserError):
            first.button_cancel()
        second.button_cancel()
        self.assertEqual(contract.period_ids.credited_from, date(2026, 1, 22))
        first.button_cancel()
        self.assertFalse(contract.period_ids.credited_from)

    def test_whole_periods_are_not_given_back(self):
        contract = self._make_active(prorate=False)
        self._bill_until(contract, date(2026, 1, 1))
        self.assertFalse(contract._get_billed_until(date(2026, 1, 11)))
        self.assertFalse(contract._credit_from(date(2026, 1, 11)))

    def test_cancelled_while_suspended(self):
        contract = self._make_active()
        contract.action_suspend(date(2026, 2, 1))
        contract.action_cancel()
        contract.action_reopen()
        contract.action_activate()
        self.assertFalse(contract.suspended_from)
        self.assertEqual(len(self._unbilled(contract, date(2026, 4, 1))), 4)

    def test_drafts_are_not_credited(self):
        self.company.crm_billing_post = False
        contract = self._make_active()
        self._bill_until(contract, date(2026, 1, 1))
        with self.assertRaisesRegex(UserError, "draft"):
            contract._credit_from(date(2026, 1, 22))

    def test_whole_periods_are_not_billed_twice(self):
        contract = self._make_active(prorate=False)
        contract.action_suspend(date(2026, 1, 11))
        self._bill_until(contract, date(2026, 1, 1))
        self.assertEqual(contract.amount_invoiced, 1000)
        contract.action_resume(date(2026, 1, 21))
        self.assertEqual(self._unbilled(contract, date(2026, 2, 1)), [("2026-02-01", "2026-02-28")])

    def test_suspended_one_off_waits(self):
        contract = self._make_active(kind="one_off", payment_date=date(2026, 1, 20))
        contract.action_suspend(date(2026, 1, 10))
        self.assertFalse(contract.next_billing_date)
        self.assertFalse(self._unbilled(contract, date(2026, 2, 1)))
        contract.action_resume(date(2026, 3, 1))
        self.assertEqual(contract.next_billing_date, date(2026, 1, 1))

    def test_suspension_that_has_begun_is_not_dropped_by_a_wrong_date(self):
        contract = self._make_active()
        contract.action_suspend(date(2026, 3, 1))
        with self.assertRaisesRegex(UserError, contract.name):
            contract.action_resume(date(2026, 2, 20))
        self.assertTrue(contract.suspension_ids)
        contract.action_resume(date(2026, 3, 1))
        self.assertFalse(contract.suspension_ids)

    @freeze_time("2026-02-01 10:00:00")
    def test_planned_suspension_is_dropped(self):
        contract = self._make_active()
        contract.action_suspend(date(2026, 3, 1))
        contract.action_resume(date(2026, 2, 1))
        self.assertFalse(contract.suspension_ids)
        self.assertEqual(len(self._unbilled(contract, date(2026, 4, 1))), 4)

    @freeze_time("2026-03-05 10:00:00")
    def test_today_by_default(self):
        contract = self._make_active()
        contract.action_suspend()
        self.assertEqual(contract.suspension_ids.date_from, date(2026, 3, 5))
        with freeze_time("2026-03-09 10:00:00"):
            contract.action_resume()
        self.assertEqual(contract.suspension_ids.date_to, date(2026, 3, 8))

    def test_what_can_be_suspended(self):
        draft = self._make_contract()
        with self.assertRaisesRegex(UserError, draft.name):
            draft.action_suspend(date(2026, 2, 1))
        contract = self._make_active(date_end=date(2026, 6, 30))
        for day in (date(2025, 12, 31), date(2026, 7, 1)):
            with self.assertRaisesRegex(UserError, contract.name):
                contract.action_suspend(day)
        with self.assertRaisesRegex(UserError, contract.name):
            contract.action_resume(date(2026, 2, 1))
        contract.action_suspend(date(2026, 2, 1))
        with self.assertRaisesRegex(UserError, contract.name):
            contract.action_suspend(date(2026, 3, 1))
        with self.assertRaisesRegex(UserError, contract.name):
            contract.action_resume(date(2026, 7, 1))
        contract.action_resume(date(2026, 2, 11))
        with self.assertRaisesRegex(UserError, contract.name):
            contract.action_suspend(date(2026, 2, 10))

    def test_no_overlap_by_the_database(self):
        contract = self._make_active()
        contract.action_suspend(date(2026, 2, 1))
        contract.action_resume(date(2026, 2, 11))
        for vals in ({"date_from": "2026-02-10", "date_to": "2026-02-20"}, {"date_from": "2026-01-10"}):
            with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError), self.env.cr.savepoint():
                self.env["crm.contract.suspension"].create({"contract_id": contract.id, **vals})
        self.env["crm.contract.suspension"].create({"contract_id": contract.id, "date_from": "2026-02-11"})

    def test_suspensions_are_made_by_the_buttons(self):
        contract = self._make_active()
        contract.action_suspend(date(2026, 2, 1))
        Suspension = self.env["crm.contract.suspension"].with_user(self.manager)
        with self.assertRaises(AccessError):
            Suspension.create({"contract_id": contract.id, "date_from": "2026-05-01"})
        with self.assertRaises(AccessError):
            Suspension.browse(contract.suspension_ids.id).date_to = "2026-05-01"
        for user in (self.executor, self.cashier, self.accountant):
            for method in ("action_suspend", "action_resume", "action_cancel", "action_reopen", "action_renew"):
                with self.assertRaises(AccessError):
                    getattr(contract.with_user(user), method)()


@tagged("post_install", "-at_install")
class TestFinish(LifecycleCommon):
    def _finish(self, contract, **vals):
        wizard = self.env["crm.contract.finish"].with_user(self.manager).create({"contract_id": contract.id, **vals})
        return wizard.action_finish()

    def test_reason_from_the_list(self):
        contract = self._make_active()
        form = Form(
            self.env["crm.contract.finish"].with_user(self.manager).with_context(default_contract_id=contract.id)
        )
        form.reason_id = self.env.ref("custom_crm.finish_reason_debt")
        self.assertEqual(form.reason, "Not paid")
        form.date_end = date(2026, 2, 15)
        form.save().action_finish()
        self.assertEqual(contract.finish_reason_id, self.env.ref("custom_crm.finish_reason_debt"))
        self.assertEqual((contract.state, contract.date_end), ("finished", date(2026, 2, 15)))

    def _get_wizard(self, contract, **vals):
        Wizard = self.env["crm.contract.finish"].with_user(self.manager)
        return Wizard.create({"contract_id": contract.id, "reason": "Moved", **vals})

    def test_preview_is_what_is_made(self):
        """Taxes, discounts, revised prices, suspensions, rows that are due or cancelled already."""
        self.company.tax_calculation_rounding_method = "round_globally"
        tax = self.env["account.tax"].create({"name": "VAT", "amount": 20, "type_tax_use": "sale"})
        included = tax.copy({"name": "VAT included", "price_include_override": "tax_included"})
        lines = [
            {"quantity": 3, "price_unit": 333.33, "discount": 7, "tax_ids": tax.ids, "date_to": date(2026, 3, 10)},
            {"price_unit": 1999.99, "tax_ids": included.ids, "date_from": date(2026, 3, 11)},
        ]
        for alignment, expected in (("calendar", 5), ("anniversary", 4)):
            contract = self._make_active(lines=lines, billing_alignment=alignment, date_start=date(2026, 1, 15))
            self._bill_until(contract, date(2026, 1, 20))
            contract.action_suspend(date(2026, 2, 20))
            contract.action_resume(date(2026, 2, 25))
            contract._ensure_periods(date(2026, 4, 1))
            contract.action_invoice()
            contract.move_ids[0].button_draft()
            contract.move_ids[0].button_cancel()
            before = contract.move_ids
            rows = contract.period_ids
            wizard = self._get_wizard(contract, date_end=date(2026, 5, 7), is_billed_now=True)
            self.assertFalse(wizard.billed_until or wizard.is_credited)
            self.assertEqual((contract.move_ids, contract.period_ids), (before, rows), "a preview")
            count, amount = wizard.rest_count, wizard.rest_amount
            wizard.action_finish()
            made = contract.move_ids - before
            self.assertEqual((count, len(made)), (expected, expected))
            self.assertAlmostEqual(amount, sum(made.mapped("amount_total")), 2)

            contract.action_reopen()
            day = date(2026, 2, 5)
            wizard = self._get_wizard(contract, date_end=day)
            self.assertEqual(wizard.rest_count, 0)
            amount = wizard.amount_credited
            wizard.action_finish()
            notes = contract.move_ids.filtered(lambda move: move.move_type == "out_refund")
            self.assertEqual(len(notes), 5)
            self.assertAlmostEqual(amount, sum(notes.mapped("amount_total")), 2)

    def test_nothing_left_to_bill(self):
        contract = self._make_active()
        self._bill_until(contract, date(2026, 1, 1))
        wizard = self._get_wizard(contract, date_end=date(2026, 1, 31))
        self.assertEqual((wizard.rest_count, wizard.rest_amount, wizard.amount_credited), (0, 0, 0))
        wizard.date_end = date(2026, 3, 31)
        self.assertEqual((wizard.rest_count, wizard.rest_amount), (2, 2000))
        form = Form(self.env["crm.contract.finish"].with_context(default_contract_id=contract.id))
        form.date_end = False
        self.assertEqual((form.rest_count, form.rest_amount), (0, 0))
        form.date_end = date(3026, 2, 28)
        self.assertEqual(form.rest_count, 0)
        form.reason = "Over"
        with self.assertRaisesRegex(ValidationError, "3026"):
            form.save()

    def test_open_stage_is_told_and_cancelled(self):
        process = self.env["crm.process"].create(
            {"name": "Connection", "user_id": self.manager.id, "stage_ids": [Command.create({"name": "Survey"})]}
        )
        contract = self._make_active(process_id=process.id)
        wizard = self._get_wizard(contract, date_end=date(2026, 1, 31))
        self.assertEqual(wizard.stage_name, "Survey")
        wizard.action_finish()
        self.assertEqual(contract.stage_ids.state, "cancelled")

    def test_last_invoice(self):
        contract = self._make_active()
        self._finish(contract, date_end=date(2026, 2, 14), reason="Moved", is_billed_now=True)
        self.assertEqual(contract.move_ids.sorted("id").mapped("amount_total"), [1000, 500])
        self.assertEqual(contract.move_ids.mapped("state"), ["posted"] * 2)
        self.assertFalse(contract.next_billing_date)

    def test_credit_for_what_is_billed_beyond(self):
        contract = self._make_active()
        self._bill_until(contract, date(2026, 2, 1))
        action = self._finish(contract, date_end=date(2026, 2, 14), reason="Moved")
        credit = self.env["account.move"].browse(action["res_id"])
        self.assertEqual((credit.move_type, credit.amount_total), ("out_refund", 500))
        credit.action_post()
        self.assertEqual(contract.amount_invoiced, 1500)
        self.assertEqual(contract.period_ids.mapped("state"), ["billed", "billed"], "credit notes don't reopen")

    def test_rest_stays_due_unless_wanted(self):
        contract = self._make_active()
        self._finish(contract, date_end=date(2026, 2, 14), reason="Moved")
        self.assertFalse(contract.move_ids)
        self.assertEqual(contract.next_billing_date, date(2026, 1, 1))

    def test_closed_contract_keeps_its_terms(self):
        contract = self._make_active()
        self._finish(contract, date_end=date(2026, 2, 14), reason="Moved")
        contract = contract.with_user(self.manager)
        for vals in ({"date_end": False}, {"settlement": "cash"}, {"partner_id": self.client.copy().id}):
            with self.assertRaisesRegex(UserError, contract.name):
                contract.write(vals)
        for change in (
            lambda: contract.line_ids.write({"price_unit": 1}),
            contract.line_ids.unlink,
            lambda: contract.write({"line_ids": [Command.create({"product_id": self.product.id})]}),
        ):
            with self.assertRaisesRegex(UserError, contract.name):
                change()
        contract.subject = "May be written"

    def test_reopen(self):
        contract = self._make_active()
        self._finish(contract, date_end=date(2026, 2, 14), reason="Moved")
        contract.with_user(self.manager).action_reopen()
        self.assertEqual((contract.state, contract.date_end), ("active", False))
        self.assertEqual(len(self._unbilled(contract, date(2026, 3, 1))), 3)
        with self.assertRaisesRegex(UserError, contract.name):
            contract.action_reopen()

    def test_agreed_last_day(self):
        contract = self._make_active(date_end=date(2026, 3, 31))
        wizard = self.env["crm.contract.finish"].create({"contract_id": contract.id, "reason": "Over"})
        self.assertEqual(wizard.date_end, date(2026, 3, 31))
        with self.assertRaisesRegex(ValidationError, contract.name):
            wizard.date_end = date(2026, 4, 1)
        wizard.date_end = date(2026, 2, 28)
        wizard.action_finish()
        contract.action_reopen()
        self.assertEqual(contract.date_end, date(2026, 3, 31))

    def test_one_off_finished_while_suspended(self):
        contract = self._make_active(kind="one_off")
        contract.action_suspend(date(2026, 1, 25))
        wizard = self.env["crm.contract.finish"].create(
            {"contract_id": contract.id, "date_end": date(2026, 1, 26), "reason": "Over", "is_billed_now": True}
        )
        self.assertEqual((wizard.rest_count, wizard.rest_amount), (1, 1000))
        wizard.action_finish()
        self.assertEqual(contract.amount_invoiced, 1000)

    def test_credited_days_are_billed_again_after_reopening(self):
        contract = self._make_active()
        self._bill_until(contract, date(2026, 2, 1))
        self._finish(contract, date_end=date(2026, 1, 31), reason="Moved")
        last = contract.period_ids.sorted("date_start")[-1]
        self.assertEqual(last.credited_from, date(2026, 2, 1), "the whole of February")
        contract.action_reopen()
        self.assertEqual(self._unbilled(contract, date(2026, 2, 1)), [("2026-02-01", "2026-02-28")])

    def test_finished_while_suspended(self):
        contract = self._make_active()
        contract.action_suspend(date(2026, 2, 1))
        self._finish(contract, date_end=date(2026, 3, 31), reason="Moved")
        self.assertEqual(self._unbilled(contract, date(2026, 4, 1)), [("2026-01-01", "2026-01-31")])
        contract.action_reopen()
        self.assertEqual(contract.state, "suspended")

    def test_cancel(self):
        contract = self._make_active()
        contract._ensure_periods(date(2026, 2, 1))
        contract.with_user(self.manager).action_cancel()
        self.assertEqual(contract.state, "cancelled")
        self.assertFalse(contract.period_ids or contract.next_billing_date)
        with self.assertRaisesRegex(UserError, contract.name):
            contract.action_activate()
        with self.assertRaisesRegex(UserError, contract.name):
            contract.action_cancel()
        contract.action_reopen()
        self.assertEqual(contract.state, "draft")

    def test_billed_contract_is_not_cancelled(self):
        contract = self._make_active()
        contract.action_invoice()
        with self.assertRaisesRegex(UserError, contract.name):
            contract.with_user(self.manager).action_cancel()
        contract.move_ids.button_draft()
        contract.move_ids.button_cancel()
        contract.action_cancel()
        self.assertEqual(contract.period_ids.mapped("state"), ["skipped"])
        contract.action_reopen()
        contract.action_activate()
        self.assertEqual(contract.period_ids.mapped("state"), ["due"])


@tagged("post_install", "-at_install")
class TestRenewal(LifecycleCommon):
    def _remind(self):
        with self.enter_registry_test_mode():
            self.env.ref("custom_crm.ir_cron_renewal").method_direct_trigger()

    def test_renewal_continues_for_as_long(self):
        contract = self._make_active(
            date_end=date(2026, 12, 31),
            lines=[{"date_to": date(2026, 5, 31)}, {"date_from": date(2026, 6, 1), "price_unit": 1200}],
            member_ids=[
                Command.create({"user_id": self.executor.id, "role_id": self.env.ref("custom_crm.role_engineer").id})
            ],
        ).with_user(self.manager)
        action = contract.action_renew()
        renewal = contract.browse(action["res_id"])
        self.assertRecordValues(
            renewal,
            [
                {
                    "state": "draft",
                    "predecessor_id": contract.id,
                    "date_start": date(2027, 1, 1),
                    "date_end": date(2027, 12, 31),
                    "amount_total": 1200,
                    "user_id": self.manager.id,
                    "payment_day": 10,
                }
            ],
        )
        self.assertEqual(renewal.member_ids.user_id, self.executor)
        self.assertEqual(contract.successor_id, renewal)
        self.assertTrue(renewal.name.startswith("2027-"))
        self.assertEqual(contract.action_renew()["res_id"], renewal.id, "a second click shows the same")
        renewal.action_cancel()
        self.assertNotEqual(contract.action_renew()["res_id"], renewal.id)
        self.assertEqual(len(contract.successor_ids), 2)

    def test_one_renewal_by_the_database(self):
        contract = self._make_active(date_end=date(2026, 12, 31))
        contract.action_renew()
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError), self.env.cr.savepoint():
            contract.copy({"predecessor_id": contract.id})

    def test_what_can_be_renewed(self):
        for contract in (self._make_active(), self._make_contract(date_end=date(2026, 12, 31))):
            with self.assertRaisesRegex(UserError, contract.name):
                contract.action_renew()
        renewed = self._make_active(date_end=date(2026, 12, 31))
        renewed._finish(date(2026, 12, 31), "Over")
        renewed.action_renew()
        self.assertTrue(renewed.successor_id)
        renewed.successor_id.action_activate()
        with self.assertRaisesRegex(UserError, renewed.successor_id.name):
            renewed.action_reopen()

    def _renew(self, **vals):
        contract = self._make_active(date_end=date(2026, 3, 31))
        contract.action_renew()
        contract.write(vals)
        return contract, contract.successor_id

    def test_renewal_and_contract_share_no_day(self):
        _contract, renewal = self._renew(date_end=date(2026, 4, 15))
        with self.assertRaisesRegex(ValidationError, renewal.name):
            renewal.action_activate()
        for day in (False, date(2026, 4, 1)):
            contract, renewal = self._renew()
            renewal.action_activate()
            with self.assertRaisesRegex(ValidationError, renewal.name):
                contract.date_end = day

    @freeze_time("2026-04-05 10:00:00")
    def test_renewed_contract_is_finished_after_its_end(self):
        contract = self._make_active(date_end=date(2026, 3, 31))
        contract.action_renew()
        self._remind()
        self.assertEqual(contract.state, "active", "the renewal is a draft")
        contract.successor_id.action_activate()
        self._remind()
        self.assertEqual((contract.state, contract.date_end), ("finished", date(2026, 3, 31)))
        self.assertEqual(contract.finish_reason_id, self.env.ref("custom_crm.finish_reason_other_contract"))

    @freeze_time("2026-12-05 10:00:00")
    def test_one_that_fails_stops_no_other(self):
        contracts = self.env["crm.contract"].union(*(self._make_active(date_end=date(2026, 12, 31)) for _n in range(3)))
        prepare = type(contracts)._prepare_renewal_activity_vals

        def fail(contract):
            if contract == contracts[1]:
                raise ValueError("broken")
            return prepare(contract)

        self.patch(self.registry["crm.contract"], "_prepare_renewal_activity_vals", fail)
        with mute_logger("odoo.addons.custom_crm.models.crm_chunk_mixin"):
            self._remind()
        self.assertEqual(contracts.filtered("activity_ids"), contracts[0] | contracts[2])

    @freeze_time("2026-12-05 10:00:00")
    def test_reminder_goes_with_the_responsible(self):
        contract = self._make_active(date_end=date(2026, 12, 31))
        self._remind()
        contract.with_user(self.manager).user_id = self.admin
        self.assertEqual(contract.activity_ids.user_id, self.admin)

    def test_link_is_not_forged(self):
        contract = self._make_active(date_end=date(2026, 12, 31)).with_user(self.manager)
        with self.assertRaises(UserError):
            self._make_contract().with_user(self.manager).predecessor_id = contract
        reason = self.env.ref("custom_crm.finish_reason_debt")
        for vals in (
            {"predecessor_id": contract.id},
            {"finish_reason_id": reason.id},
            {"agreed_date_end": "2026-12-31"},
        ):
            with self.assertRaises(UserError):
                contract.copy(vals)
        with self.assertRaises(UserError):
            contract.with_context(default_finish_reason_id=reason.id).copy()

    @freeze_time("2026-12-05 10:00:00")
    def test_responsible_is_reminded_once(self):
        self.company.crm_renewal_days = 30
        ending = self._make_active(date_end=date(2026, 12, 31))
        renewed = self._make_active(date_end=date(2026, 12, 31))
        renewed.action_renew()
        others = self._make_active(date_end=date(2027, 1, 31)) | self._make_active() | renewed
        others |= self._make_contract(date_end=date(2026, 12, 31))
        for _night in range(2):
            self._remind()
        activity = ending.activity_ids
        self.assertRecordValues(activity, [{"user_id": self.manager.id, "date_deadline": date(2026, 12, 31)}])
        self.assertFalse(others.activity_ids)
        activity.action_feedback()
        self._remind()
        self.assertFalse(ending.activity_ids, "done is done")
        ending.date_end = date(2026, 12, 20)
        self._remind()
        self.assertEqual(ending.activity_ids.date_deadline, date(2026, 12, 20), "another day, another reminder")
        ending.action_renew()
        self.assertFalse(ending.activity_ids)

    @freeze_time("2026-12-05 10:00:00")
    def test_no_reminder_if_not_wanted(self):
        self.company.crm_renewal_days = 0
        contract = self._make_active(date_end=date(2026, 12, 31))
        self._remind()
        self.assertFalse(contract.activity_ids)


@tagged("post_install", "-at_install")
class TestPriceRevision(LifecycleCommon):
    def _revise(self, contracts, **vals):
        Revision = self.env["crm.contract.price.revision"].with_user(self.manager)
        Revision = Revision.with_context(active_model="crm.contract", active_ids=contracts.ids)
        form = Form(Revision)
        for name, value in vals.items():
            setattr(form, name, value)
        return form.save()

    def test_percent_over_contracts(self):
        first = self._make_active(lines=[{}, {"price_unit": 333}])
        second = self._make_active()
        finished = self._make_active()
        finished._finish(date(2026, 1, 31), "Over")
        revision = self._revise(first | second | finished, date_from=date(2026, 3, 1), percent=10, rounding=1)
        self.assertEqual(revision.closed_count, 1)
        self.assertRecordValues(
            revision.line_ids.sorted("id"),
            [
                {"contract_id": first.id, "old_price": 1000, "new_price": 1100, "difference": 100},
                {"contract_id": first.id, "old_price": 333, "new_price": 366, "difference": 33},
                {"contract_id": second.id, "old_price": 1000, "new_price": 1100, "difference": 100},
            ],
        )
        revision.action_apply()
        self.assertRecordValues(
            second.line_ids.sorted("id"),
            [
                {"price_unit": 1000, "date_from": False, "date_to": date(2026, 2, 28)},
                {"price_unit": 1100, "date_from": date(2026, 3, 1), "date_to": False},
            ],
        )
        self.assertEqual(len(first.line_ids), 4)
        note = html2plaintext(second.message_ids[0].body)
        self.assertIn(format_amount(self.env, 1100, second.currency_id), note)
        second._ensure_periods(date(2026, 3, 1))
        self.assertEqual(second.period_ids.sorted("date_start").mapped("amount_total"), [1000, 1000, 1100])

    def test_middle_of_a_month_is_billed_by_days(self):
        contract = self._make_active()
        self._revise(contract, date_from=date(2026, 1, 11), percent=31).action_apply()
        contract._ensure_periods(date(2026, 1, 1))
        self.assertAlmostEqual(contract.period_ids.amount_total, 322.58 + 887.42)

    def test_new_price_of_one_service(self):
        other = self.env["product.product"].create({"name": "Repair", "list_price": 50})
        contract = self._make_active(lines=[{}, {"product_id": other.id}])
        revision = self._revise(contract, date_from=date(2026, 3, 1), method="price", price=70)
        self.assertEqual(len(revision.line_ids), 2)
        with Form(revision) as form:
            form.product_ids.add(other)
        self.assertEqual(revision.line_ids.product_id, other)
        revision.action_apply()
        self.assertEqual(sorted(contract.line_ids.mapped("price_unit")), [50, 70, 1000])

    def test_price_of_each_line_by_hand(self):
        contract = self._make_active(lines=[{}, {"price_unit": 300}])
        revision = self._revise(contract, date_from=date(2026, 3, 1))
        with self.assertRaisesRegex(UserError, "price"):
            revision.action_apply()
        with Form(revision) as form, form.line_ids.edit(1) as line:
            line.new_price = 350
        revision.action_apply()
        self.assertEqual(sorted(contract.line_ids.mapped("price_unit")), [300, 350, 1000])

    def test_line_that_begins_later_just_gets_the_price(self):
        contract = self._make_active(lines=[{"date_to": date(2026, 3, 31)}, {"date_from": date(2026, 4, 1)}])
        self._revise(contract, date_from=date(2026, 3, 1), percent=10).action_apply()
        self.assertEqual(
            [(line.date_to, line.price_unit) for line in contract.line_ids.sorted("id")],
            [(date(2026, 2, 28), 1000), (False, 1100), (date(2026, 3, 31), 1100)],
        )

    def test_one_off_has_one_price(self):
        begun = self._make_active(kind="one_off", payment_date=date(2026, 8, 1), date_start=date(2026, 6, 30))
        contract = self._make_active(kind="one_off", payment_date=date(2026, 8, 1), date_start=date(2026, 7, 1))
        self._revise(begun | contract, date_from=date(2026, 7, 1), percent=10).action_apply()
        self.assertEqual(begun.line_ids.price_unit, 1000, "agreed before")
        self.assertEqual(len(contract.line_ids), 1)
        contract.action_invoice()
        self.assertEqual(contract.amount_invoiced, 1100)
        self.assertEqual(self._revise(contract, date_from=date(2026, 7, 1)).closed_count, 1)

    def test_preview_says_what_is_billed_already(self):
        contract = self._make_active()
        self._bill_until(contract, date(2026, 3, 1))
        revision = self._revise(contract, date_from=date(2026, 3, 11), percent=10)
        self.assertEqual(revision.line_ids.billed_until, date(2026, 3, 31))
        revision.date_from = date(2026, 4, 1)
        self.assertFalse(revision.line_ids.billed_until)

    def test_number_of_queries(self):
        """Preview and revision take as many queries for many contracts as for a few, but for what is written."""

        def count(contracts):
            revision = self._revise(contracts, date_from=date(2026, 3, 1), percent=10)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            revision.action_apply()
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

        contracts = self.env["crm.contract"].union(*(self._make_active() for _number in range(25)))
        count(contracts[:1])
        few, many = count(contracts[1:4]), count(contracts[4:])
        self.assertLessEqual(many, few + 3, "inserts come in batches")

    def test_managers_only(self):
        contract = self._make_active(user_id=self.manager.id)
        for user in (self.executor, self.cashier, self.accountant):
            with self.assertRaises(AccessError):
                self.env["crm.contract.price.revision"].with_user(user).create({"contract_ids": contract.ids})
        with self.assertRaises(AccessError):
            self.env["crm.contract.finish.reason"].with_user(self.manager).create({"name": "x"})
        self.env["crm.contract.finish.reason"].with_user(self.admin).create({"name": "x"})
