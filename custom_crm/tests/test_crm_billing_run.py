from datetime import date
from unittest.mock import patch

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import format_date, mute_logger

from .common import CrmCommon


@tagged("post_install", "-at_install")
class TestCrmBillingRun(CrmCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cron = cls.env.ref("custom_crm.ir_cron_billing")

    def _make_run(self, day=date(2026, 3, 1), **vals):
        return self.env["crm.billing.run"].create({"date": day, **vals})

    def _run_cron(self):
        with self.enter_registry_test_mode():
            self.cron.method_direct_trigger()
        self.env.invalidate_all()

    def _bill(self, day=date(2026, 3, 1)):
        run = self._make_run(day)
        run.action_prepare()
        run.action_start()
        self._run_cron()
        return run

    def test_prepare_collects_every_missed_period(self):
        contract = self._make_active()
        arrears = self._make_active(billing_timing="arrears")
        self._make_contract()
        run = self._make_run()
        run.action_prepare()
        self.assertEqual(
            contract.period_ids.sorted("date_start").mapped("date_start"),
            [date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)],
        )
        self.assertEqual(
            arrears.period_ids.sorted("date_start").mapped("date_end"), [date(2026, 1, 31), date(2026, 2, 28)]
        )
        self.assertEqual((run.total_count, run.billed_count, run.amount_total), (5, 0, 5000))
        self.assertEqual(min(run.period_ids.mapped("payment_date")), run.date)
        run.action_prepare()
        self.assertEqual(run.total_count, 5)

    def test_run_bills_each_period_once(self):
        contract = self._make_active()
        run = self._bill()
        self.assertEqual(run.state, "done")
        self.assertEqual((run.billed_count, run.failed_count, run.progress), (3, 0, 100))
        moves = contract.move_ids
        self.assertEqual(len(moves), 3)
        self.assertEqual(set(moves.mapped("state")), {"posted"})
        self.assertEqual(set(moves.mapped("invoice_date")), {date(2026, 3, 1)})
        self.assertEqual(moves.mapped("invoice_user_id"), self.manager)
        march = contract.period_ids.sorted("date_start")[-1].move_id
        self.assertEqual(march.invoice_date_due, date(2026, 3, 10))
        self.assertIn(format_date(self.env, date(2026, 3, 1), self.client.lang, "LLLL y"), march.invoice_line_ids.name)
        again = self._bill()
        self.assertEqual(again.total_count, 0)
        self.assertEqual(len(contract.move_ids), 3)

    def test_second_click_on_start(self):
        self._make_active()
        run = self._make_run()
        run.action_prepare()
        run.action_start()
        run.action_start()
        self._run_cron()
        run.action_start()
        self._run_cron()
        self.assertEqual(run.billed_count, 3)

    def test_two_runs_share_no_period(self):
        self._make_active()
        first, second = self._make_run(), self._make_run()
        first.action_prepare()
        # What a forgotten draft holds is taken over, what a running run holds is not.
        second.action_prepare()
        self.assertEqual((first.total_count, second.total_count), (0, 3))
        second.action_start()
        first.action_prepare()
        self.assertEqual((first.total_count, second.total_count), (0, 3))

    def test_database_refuses_a_second_invoice(self):
        contract = self._make_active()
        contract.action_invoice()
        values = contract.period_ids._prepare_invoice_vals(date(2026, 1, 1))
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"), self.env.cr.savepoint():
            self.env["account.move"].create(values)
            self.env.flush_all()

    def test_cancelled_or_deleted_invoice_makes_period_due(self):
        contract = self._make_active()
        self.company.crm_billing_post = False
        self._bill(date(2026, 2, 1))
        january, february = contract.period_ids.sorted("date_start")
        january.move_id.button_cancel()
        february.move_id.unlink()
        self.assertEqual((january.state, february.state), ("due", "due"))
        self.assertEqual(contract.next_billing_date, date(2026, 1, 1))
        run = self._bill(date(2026, 2, 2))
        self.assertEqual(run.billed_count, 2)

    def test_credit_note_keeps_period_billed(self):
        contract = self._make_active()
        contract.action_invoice()
        move = contract.move_ids
        refund = move._reverse_moves(cancel=True)
        self.assertEqual(refund.period_id, move.period_id)
        self.assertEqual(refund.contract_id, contract)
        self.assertEqual(contract.period_ids.state, "billed")
        self.assertEqual((contract.amount_invoiced, contract.amount_due), (0, 0))

    def test_one_bad_contract_stops_no_other(self):
        good = self._make_active(date_start=date(2026, 3, 1))
        bad = self._make_active(date_start=date(2026, 3, 1))
        other = self._make_active(date_start=date(2026, 3, 1))
        Period = self.env.registry["crm.contract.period"]
        prepare = Period._prepare_invoice_vals

        def prepare_but_bad(period, invoice_date):
            if period.contract_id.id == bad.id:
                raise UserError("No account for bad")  # pylint: disable=translation-required
            return prepare(period, invoice_date)

        with patch.object(Period, "_prepare_invoice_vals", prepare_but_bad):
            run = self._bill()
        self.assertEqual((run.billed_count, run.failed_count, run.state), (2, 1, "done"))
        self.assertEqual((good.period_ids.state, other.period_ids.state), ("billed", "billed"))
        self.assertEqual((bad.period_ids.state, bad.period_ids.error), ("failed", "No account for bad"))
        activity = bad.activity_search(["custom_crm.mail_activity_billing_failed"])
        self.assertEqual((len(activity), activity.user_id), (1, self.manager))
        run.action_retry_failed()
        self._run_cron()
        self.assertEqual((run.billed_count, run.failed_count, run.state), (3, 0, "done"))
        self.assertFalse(bad.activity_search(["custom_crm.mail_activity_billing_failed"]))

    def test_technical_error_is_isolated_too(self):
        self._make_active(date_start=date(2026, 3, 1))
        Period = self.env.registry["crm.contract.period"]
        with (
            patch.object(Period, "_prepare_invoice_vals", side_effect=KeyError("x")),
            mute_logger("odoo.addons.custom_crm.models.crm_contract_period_billing"),
        ):
            run = self._bill()
        self.assertEqual(run.failed_count, 1)
        self.assertIn("KeyError", run.period_ids.error)

    def test_chunks(self):
        contracts = [self._make_active(date_start=date(2026, 3, 1)) for _number in range(5)]
        self.company.crm_billing_chunk_size = 2
        run = self._bill()
        self.assertEqual((run.billed_count, run.state), (5, "done"))
        self.assertEqual(len({contract.move_ids.name for contract in contracts}), 5)

    def test_partial_month_by_days(self):
        by_days = self._make_active(date_start=date(2026, 3, 17), lines=[{"quantity": 3}])
        whole = self._make_active(date_start=date(2026, 3, 17), prorate=False)
        run = self._make_run()
        run.action_prepare()
        self.assertAlmostEqual(by_days.period_ids.amount_total, 1451.61)
        run.action_start()
        self._run_cron()
        self.assertAlmostEqual(by_days.move_ids.amount_total, 1451.61)
        self.assertEqual(whole.move_ids.amount_total, 1000)

    def test_price_revision_within_a_month(self):
        contract = self._make_active(
            date_start=date(2026, 4, 1),
            lines=[{"date_to": date(2026, 4, 10)}, {"date_from": date(2026, 4, 11), "price_unit": 1300}],
        )
        run = self._bill(date(2026, 4, 1))
        self.assertEqual(run.billed_count, 1)
        self.assertAlmostEqual(contract.move_ids.amount_total, 333.33 + 866.67)
        names = contract.move_ids.invoice_line_ids.mapped("name")
        self.assertEqual(len(set(names)), 2, "each names its days")

    def test_finished_contract_is_billed_to_its_last_day(self):
        contract = self._make_active()
        contract._finish(date(2026, 2, 14), "Moved")
        self._bill()
        self.assertEqual(contract.period_ids.sorted("date_start").move_id.mapped("amount_total"), [1000, 500])
        self.assertFalse(contract.next_billing_date)

    def test_row_outside_the_schedule_stops_no_other(self):
        """A row whose invoice was cancelled does not outlive the schedule that it came from."""
        moved = self._make_active(date_start=date(2026, 3, 1))
        moved.action_invoice()
        moved.move_ids.button_cancel()
        moved.date_start = date(2026, 5, 1)
        self.assertEqual(moved.period_ids.state, "skipped")
        good = self._make_active(date_start=date(2026, 5, 1))
        run = self._bill(date(2026, 5, 1))
        self.assertEqual((run.billed_count, run.failed_count, run.state), (2, 0, "done"))
        self.assertEqual(good.period_ids.state, "billed")

    def test_cancelled_after_finishing(self):
        contract = self._make_active()
        contract.action_invoice()
        contract.action_invoice()
        contract._finish(date(2026, 1, 10), "Moved")
        contract.move_ids.button_cancel()
        run = self._bill(date(2026, 3, 1))
        self.assertEqual(
            [(row.date_start, row.date_end) for row in run.period_ids], [(date(2026, 1, 1), date(2026, 1, 10))]
        )
        self.assertAlmostEqual(run.amount_total, 322.58)
        self.assertEqual(contract.period_ids.sorted("date_start").mapped("state"), ["billed", "skipped"])

    def test_cancelled_invoice_can_not_come_back_beside_a_new_one(self):
        contract = self._make_active(date_start=date(2026, 3, 1))
        contract.action_invoice()
        cancelled = contract.move_ids
        cancelled.button_cancel()
        contract.payment_day = 20
        contract.action_invoice()
        self.assertEqual(contract.period_ids.move_ids, contract.move_ids)
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"), self.env.cr.savepoint():
            cancelled.button_draft()
            self.env.flush_all()

    def test_mended_contract_stays_in_its_run(self):
        contract = self._make_active(date_start=date(2026, 3, 1), lines=[{"date_to": date(2026, 2, 1)}])
        run = self._bill()
        contract.payment_day = 20
        contract.line_ids.date_to = False
        self.assertEqual(run.failed_count, 1)
        run.action_retry_failed()
        self._run_cron()
        self.assertEqual((run.billed_count, contract.move_ids.invoice_date_due), (1, date(2026, 3, 20)))

    def test_cancelled_invoice_is_billed_by_the_new_dates(self):
        contract = self._make_active(date_start=date(2026, 3, 1))
        contract.action_invoice()
        contract.action_invoice()
        contract.move_ids.button_cancel()
        contract._finish(date(2026, 3, 15), "Moved")
        run = self._bill(date(2026, 4, 1))
        self.assertEqual(run.period_ids.mapped("date_end"), [date(2026, 3, 15)])
        self.assertAlmostEqual(run.amount_total, 483.87)

    def test_prolonged_contract_loses_no_day(self):
        contract = self._make_active(date_start=date(2026, 4, 1), date_end=date(2026, 4, 10))
        contract.action_invoice()
        contract.date_end = False
        self._bill(date(2026, 5, 1))
        rows = contract.period_ids.sorted("date_start")
        self.assertEqual(
            [(row.date_start.isoformat(), row.date_end.isoformat()) for row in rows],
            [("2026-04-01", "2026-04-10"), ("2026-04-11", "2026-04-30"), ("2026-05-01", "2026-05-31")],
        )
        self.assertAlmostEqual(sum(rows.mapped("amount_total")), 2000)

    def test_prolonged_contract_by_whole_periods(self):
        """Without proration the first part cost the whole month already."""
        contract = self._make_active(date_start=date(2026, 4, 1), date_end=date(2026, 4, 10), prorate=False)
        contract.action_invoice()
        contract.date_end = False
        self._bill(date(2026, 5, 1))
        self.assertEqual(contract.period_ids.mapped("amount_total"), [1000, 1000])

    def test_no_service_in_force_fails(self):
        self.company.crm_billing_post = False
        contract = self._make_active(date_start=date(2026, 3, 1), lines=[{"date_to": date(2026, 2, 1)}])
        run = self._bill()
        self.assertEqual((run.failed_count, len(contract.move_ids)), (1, 0))

    def test_expected_amount_follows_the_lines(self):
        contract = self._make_active(date_start=date(2026, 3, 1))
        run = self._make_run()
        run.action_prepare()
        contract.line_ids.date_to = date(2026, 3, 15)
        self.assertAlmostEqual(run.amount_total, 483.87)

    def test_held_rows_change_only_with_their_contract(self):
        """Preparing another run, or a user who bills by hand, leaves alone what a running run is about to bill."""
        contract = self._make_active()
        run = self._make_run()
        run.action_prepare()
        run.action_start()
        held = [(row.payment_date, row.run_id) for row in run.period_ids]
        self._make_run().action_prepare()
        contract._sync_ledger()
        self.assertEqual([(row.payment_date, row.run_id) for row in run.period_ids], held)

    def test_done_run_stays_done_when_mailing_is_off(self):
        self.company.crm_billing_send = True
        self.env.ref("custom_crm.ir_cron_mailing").active = False
        self._make_active(date_start=date(2026, 3, 1))
        run = self._bill()
        self.assertEqual(run.state, "done")
        self.assertEqual(run.period_ids.move_id.delivery_state, "none")
        self.assertIn("switched off", "".join(run.message_ids.mapped("body")))

    def test_undo_drops_drafts(self):
        contract = self._make_active(date_start=date(2026, 3, 1))
        self.company.crm_billing_post = False
        run = self._bill()
        self.assertEqual(contract.move_ids.state, "draft")
        run.action_undo()
        self.assertFalse(contract.move_ids)
        self.assertEqual((run.state, contract.period_ids.state), ("draft", "due"))

    def test_start_tells_when_the_cron_is_off(self):
        self.cron.active = False
        run = self._make_run()
        with self.assertRaisesRegex(UserError, "switched off"):
            run.with_user(self.manager).action_start()

    def test_monthly_cron_starts_once_a_month(self):
        contract = self._make_active(date_start=date(2026, 1, 1))
        self.company.write({"crm_billing_auto": True, "crm_billing_day": 3})
        Run = self.env["crm.billing.run"]
        Company = self.env.registry["res.company"]
        for today, expected in [
            (date(2026, 2, 2), 0),
            (date(2026, 2, 3), 1),
            (date(2026, 2, 20), 1),
            # Off for two months: what was missed is billed, each month by its own invoice.
            (date(2026, 5, 4), 2),
        ]:
            with patch.object(Company, "_crm_today", return_value=today), self.enter_registry_test_mode():
                self.env.ref("custom_crm.ir_cron_billing_monthly").method_direct_trigger()
            self._run_cron()
            self.assertEqual(Run.search_count([("is_automatic", "=", True)]), expected)
        self.assertEqual(len(contract.move_ids), 5)
        self.assertEqual(set(contract.period_ids.mapped("state")), {"billed"})

    def test_nothing_due(self):
        run = self._make_run()
        for _click in range(2):
            action = run.action_start()
            self.assertIn("nothing to bill", action["params"]["message"])
            self.assertEqual(run.state, "draft")
        self.company.write({"crm_billing_auto": True, "crm_billing_day": 1})
        with self.enter_registry_test_mode():
            self.env.ref("custom_crm.ir_cron_billing_monthly").method_direct_trigger()
        self._run_cron()
        self.assertEqual(run.search([("is_automatic", "=", True)]).state, "done")

    def test_query_count_is_flat(self):
        """Statements per invoice do not grow with the size of the chunk."""

        def count(number):
            clients = self.env["res.partner"].create(
                [{"name": f"Client {index}", "is_company": True} for index in range(number)]
            )
            contracts = [self._make_active(date_start=date(2026, 3, 1), partner_id=client.id) for client in clients]
            run = self._make_run()
            run.action_prepare()
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            run.period_ids._bill(run.date)
            self.env.flush_all()
            self.assertEqual(sum(len(contract.move_ids) for contract in contracts), number)
            return self.env.cr.sql_log_count - before

        count(2)
        few, many = count(5), count(25)
        # Of a chunk, whatever its size; Odoo itself asks for the analytic distribution of each line.
        self.assertLessEqual(many - few, 20 * 2)

    def test_mailing_is_started(self):
        self._make_active(date_start=date(2026, 3, 1))
        no_address = self.env["res.partner"].create({"name": "Silent", "is_company": True})
        self._make_active(date_start=date(2026, 3, 1), partner_id=no_address.id)
        run = self._bill()
        self.assertEqual((run.to_send_count, run.no_address_count, run.draft_count), (1, 1, 0))
        self.assertIn("e-mail", run.period_ids.filtered(lambda p: p.partner_id == no_address).problem)
        run.with_user(self.manager).action_send()
        queued = run.period_ids.move_id.filtered(lambda move: move.delivery_state == "queued")
        self.assertEqual(queued.partner_id, self.client)
        mailing = self.env["crm.invoice.mailing"].search([("billing_run_id", "=", run.id)])
        self.assertEqual((mailing.state, mailing.user_id, mailing.line_ids.move_id), ("running", self.manager, queued))
        with self.assertRaises(UserError):
            run.with_user(self.manager).action_send()

    # What a run is for

    def test_only_chosen_clients_contracts_and_settlement(self):
        other = self.env["res.partner"].create({"name": "Other", "is_company": True, "is_client": True})
        office = self.env["res.partner"].create({"name": "Office", "parent_id": other.id})
        cash = self._make_active(date_start=date(2026, 3, 1), settlement="cash")
        cashless = self._make_active(date_start=date(2026, 3, 1), settlement="cashless")
        others = self._make_active(date_start=date(2026, 3, 1), partner_id=other.id, settlement="cashless")
        choices = [
            ({}, cash | cashless | others),
            ({"settlement": "cash"}, cash),
            ({"partner_ids": [Command.set(other.ids)]}, others),
            ({"contract_ids": [Command.set((cash | others).ids)]}, cash | others),
            ({"contract_ids": [Command.set((cash | others).ids)], "settlement": "cashless"}, others),
            ({"partner_ids": [Command.set(office.ids)]}, cash.browse()),
        ]
        for vals, expected in choices:
            with self.subTest(vals):
                run = self._make_run(**vals)
                run.action_prepare()
                self.assertEqual(run.period_ids.contract_id, expected)

    def test_another_choice_drops_what_was_collected(self):
        self._make_active(date_start=date(2026, 3, 1), settlement="cash")
        run = self._make_run().with_user(self.manager)
        run.action_prepare()
        run.settlement = "cashless"
        self.assertFalse(run.period_ids)
        run.settlement = False
        run.action_start()
        self.assertEqual((run.state, run.total_count), ("draft", 1), "nobody has seen what is billed")
        run.action_start()
        with self.assertRaises(UserError):
            run.settlement = "cash"

    def _make_other_company(self, currency):
        other = self.env["res.company"].create({"name": "Other", "currency_id": currency.id})
        self.env["account.chart.template"].try_loading("generic_coa", company=other, install_demo=False)
        self.env.user.company_ids |= other
        self.manager.company_ids |= other
        return other

    def test_several_companies_and_currencies(self):
        currency = (self.env.ref("base.EUR") | self.env.ref("base.USD")) - self.company.currency_id
        currency = currency[0]
        currency.active = True
        self.env["res.currency.rate"].create(
            {"currency_id": currency.id, "name": "2026-01-01", "rate": 0.5, "company_id": self.company.id}
        )
        other = self._make_other_company(currency)
        own = self._make_active(date_start=date(2026, 3, 1), lines=[{"price_unit": 700}])
        foreign = self._make_active(
            date_start=date(2026, 3, 1), company_id=other.id, currency_id=currency.id, lines=[{"price_unit": 100}]
        )
        run = self._make_run(company_ids=[Command.set((self.company | other).ids)])
        run.action_prepare()
        self.assertEqual(run.amount_total, 900)
        run.action_start()
        self._run_cron()
        self.assertEqual((run.billed_count, run.failed_count), (2, 0))
        self.assertEqual(own.move_ids.company_id, self.company)
        self.assertRecordValues(
            foreign.move_ids, [{"company_id": other.id, "currency_id": currency.id, "amount_total": 100}]
        )
        self.assertEqual(foreign.move_ids.journal_id.company_id, other)
        self.assertEqual(foreign.move_ids.line_ids.account_id.company_ids, other)

    def test_run_of_a_foreign_company_is_out_of_reach(self):
        other = self._make_other_company(self.company.currency_id)
        run = self._make_run(company_ids=[Command.set((self.company | other).ids)])
        Runs = self.env["crm.billing.run"].with_user(self.manager)
        self.assertIn(run, Runs.with_context(allowed_company_ids=(self.company | other).ids).search([]))
        self.assertNotIn(run, Runs.with_context(allowed_company_ids=self.company.ids).search([]))
        self.manager.company_ids = self.company
        self.env.invalidate_all()
        self.assertNotIn(run, Runs.search([]))
        with self.assertRaises(AccessError):
            run.with_user(self.manager).action_start()
        with self.assertRaises(AccessError):
            Runs.create({"date": date(2026, 3, 1), "company_ids": [Command.set((self.company | other).ids)]})

    def test_what_a_run_of_several_companies_left_is_billed_by_one_of_them(self):
        self._make_active(date_start=date(2026, 3, 1), lines=[{"price_unit": 0}])
        other = self._make_other_company(self.company.currency_id)
        run = self._make_run(company_ids=[Command.set((self.company | other).ids)])
        run.action_prepare()
        run.action_start()
        self._run_cron()
        self.assertEqual((run.state, run.failed_count), ("done", 1))
        self.manager.company_ids = self.company
        self.env.invalidate_all()
        own = self.env["crm.billing.run"].with_user(self.manager).create({"date": date(2026, 3, 1)})
        own.action_prepare()
        self.assertEqual(own.total_count, 1)

    # Stopping

    def test_stopped_in_the_last_chunk(self):
        self._make_active(date_start=date(2026, 3, 1))
        run = self._make_run()
        run.action_prepare()
        run.action_start()
        run._bill_chunk()
        run.action_stop()
        self._run_cron()
        self.assertEqual((run.state, run.is_stopped, run.billed_count), ("running", True, 1))
        run.action_resume()
        self._run_cron()
        self.assertEqual(run.state, "done")

    def test_taken_back_while_bad_ones_are_looked_for(self):
        self._make_active(date_start=date(2026, 3, 1))
        run = self._make_run()
        run.action_prepare()
        run.action_start()
        periods = run.period_ids
        self.assertEqual(periods._lock_due(), periods)
        run.action_stop()
        self.assertFalse(periods._lock_due())

    def test_stopped_run_waits(self):
        contract = self._make_active(date_start=date(2026, 3, 1))
        run = self._make_run().with_user(self.manager)
        run.action_prepare()
        run.action_start()
        run.action_stop()
        self._run_cron()
        self.assertEqual((run.state, run.is_stopped, run.billed_count), ("running", True, 0))
        run.action_resume()
        self._run_cron()
        self.assertEqual((run.state, run.is_stopped, run.billed_count), ("done", False, 1))
        self.assertEqual(len(contract.move_ids), 1)
        run.action_stop()
        self.assertEqual(run.state, "done")

    def test_stop_is_for_managers(self):
        run = self._make_run()
        for name in ("action_stop", "action_resume"):
            with self.assertRaises(AccessError):
                getattr(run.with_user(self.accountant), name)()

    # Problems found beforehand

    def _find_problems(self, **vals):
        self._make_active(date_start=date(2026, 3, 1), **vals)
        run = self._make_run()
        run.action_prepare()
        return run, run.period_ids.problem or ""

    def test_no_problem(self):
        run, problem = self._find_problems()
        self.assertEqual((problem, run.problem_count), ("", 0))

    def test_problems_are_found_beforehand(self):
        tax = self.env["account.tax"].create({"name": "Twenty", "amount": 20, "type_tax_use": "sale"})
        old_tax = tax.copy({"name": "Nineteen"})
        taxed, archived = self.env["product.product"].create(
            [
                {"name": "Taxed", "type": "service", "taxes_id": [Command.set(tax.ids)]},
                {"name": "Old service", "type": "service", "list_price": 5, "taxes_id": [Command.clear()]},
            ]
        )
        silent = self.env["res.partner"].create({"name": "Silent", "is_company": True})
        cases = {
            "Archived: Old service.": {"lines": [{"product_id": archived.id}]},
            "Without a price: Maintenance. Set the price, or a discount of 100% if it is free.": {
                "lines": [{"price_unit": 0}]
            },
            "Without a tax, though the product has one: Taxed.": {
                "lines": [{"product_id": taxed.id, "price_unit": 5, "tax_ids": [Command.clear()]}]
            },
            "Archived taxes: Nineteen.": {"lines": [{"tax_ids": [Command.set(old_tax.ids)]}]},
            "The client has no e-mail address.": {"partner_id": silent.id},
            "No service is in force in this period.": {"lines": [{"date_to": date(2026, 2, 1)}]},
        }
        contracts = {text: self._make_active(date_start=date(2026, 3, 1), **vals) for text, vals in cases.items()}
        archived.active = False
        old_tax.active = False
        run = self._make_run()
        run.action_prepare()
        for text, contract in contracts.items():
            with self.subTest(text):
                self.assertEqual(run.period_ids.filtered(lambda row, c=contract: row.contract_id == c).problem, text)
        self.assertEqual(run.problem_count, len(cases))

    def test_lost_income_account(self):
        self.env["account.journal"].search([("type", "=", "sale")]).default_account_id = False
        self.product.categ_id.property_account_income_categ_id = False
        self.company.income_account_id = False
        _run, problem = self._find_problems()
        self.assertIn("Without an income account: Maintenance.", problem)

    def test_closed_accounts(self):
        self.company.fiscalyear_lock_date = date(2026, 3, 31)
        _run, problem = self._find_problems()
        self.assertIn("The accounts are closed until", problem)

    def test_closed_taxes(self):
        tax = self.env["account.tax"].create({"name": "Twenty", "amount": 20, "type_tax_use": "sale"})
        self.company.tax_lock_date = date(2026, 3, 31)
        self._make_active(date_start=date(2026, 3, 1), lines=[{"tax_ids": [Command.set(tax.ids)]}])
        untaxed = self._make_active(date_start=date(2026, 3, 1))
        run = self._make_run()
        run.action_prepare()
        self.assertEqual(run.problem_count, 1)
        self.assertFalse(untaxed.period_ids.problem)

    def test_company_without_a_journal_stops_no_other(self):
        other = self._make_other_company(self.company.currency_id)
        own = self._make_active(date_start=date(2026, 3, 1))
        bare = self._make_active(date_start=date(2026, 3, 1), company_id=other.id)
        self.env["account.journal"].search([("company_id", "=", other.id), ("type", "=", "sale")]).unlink()
        run = self._make_run(company_ids=[Command.set((self.company | other).ids)])
        run.action_prepare()
        self.assertFalse(own.period_ids.problem)
        self.assertIn("Other", bare.period_ids.problem)
        run.action_start()
        self._run_cron()
        self.assertEqual((own.period_ids.state, bare.period_ids.state), ("billed", "failed"))

    def test_announced_sum_is_that_of_the_invoice(self):
        tax = self.env["account.tax"].create({"name": "Twenty", "amount": 20, "type_tax_use": "sale"})
        self.company.tax_calculation_rounding_method = "round_globally"
        lines = [{"price_unit": price, "tax_ids": [Command.set(tax.ids)]} for price in (0.12, 0.13, 0.12, 0.12, 0.12)]
        lines.append({"price_unit": 99.99, "quantity": 5, "discount": 15, "tax_ids": [Command.clear()]})
        self._make_active(date_start=date(2026, 3, 1), lines=lines)
        run = self._make_run()
        run.action_prepare()
        announced = run.amount_total
        run.action_start()
        self._run_cron()
        self.assertEqual(run.period_ids.move_id.amount_total, announced)

    def test_preparing_again_looks_anew(self):
        self.client.email = False
        run, problem = self._find_problems()
        self.assertIn("e-mail", problem)
        self.client.email = "office@polyus.example"
        run.action_prepare()
        self.assertEqual((run.period_ids.problem, run.problem_count), (False, 0))

    def test_checking_again_keeps_the_periods(self):
        self.client.email = False
        run, _problem = self._find_problems()
        periods = run.period_ids
        self.client.email = "office@polyus.example"
        periods.with_user(self.manager).action_check()
        self.assertEqual((run.period_ids, run.period_ids.problem, run.problem_count), (periods, False, 0))
        with self.assertRaises(AccessError):
            periods.with_user(self.accountant).action_check()
        run.action_start()
        with self.assertRaisesRegex(UserError, "started already"):
            periods.with_user(self.manager).action_check()

    def test_service_without_a_price_is_not_billed_for_nothing(self):
        contract = self._make_active(date_start=date(2026, 3, 1), lines=[{"price_unit": 0}, {"price_unit": 5}])
        run = self._bill()
        self.assertFalse(contract.move_ids)
        self.assertEqual(
            run.period_ids.error,
            f"{contract.name}: Without a price: Maintenance. Set the price, or a discount of 100% if it is free.",
        )
        self.assertFalse(run.period_ids.problem)
        contract.line_ids.filtered(lambda line: not line.price_unit).discount = 100
        run.action_retry_failed()
        self._run_cron()
        self.assertEqual(contract.move_ids.amount_total, 5)

    def test_activity_goes_with_the_failed_period(self):
        contract = self._make_active(date_start=date(2026, 3, 1), lines=[{"price_unit": 0}])
        self._bill()
        self.assertTrue(contract.activity_ids)
        contract.action_suspend(date(2026, 3, 1), "Holiday")
        self.assertFalse(contract.period_ids)
        self.assertFalse(contract.activity_ids)

    def test_run_of_a_day_to_come(self):
        contract = self._make_active(date_start=date(2026, 3, 1))
        with freeze_time("2026-03-05"):
            run = self._make_run(date(2026, 4, 1))
            self.assertTrue(run.is_future)
            self.assertFalse(self._make_run(date(2026, 3, 5)).is_future)
            run.action_prepare()
            self.assertEqual([cell["state"] for cell in contract.period_strip][:2], ["due", "planned"])

    def test_problems_cost_no_query_a_period(self):
        def count(number):
            for index in range(number):
                client = self.client.copy({"name": f"Client {index}"})
                self._make_active(date_start=date(2026, 3, 1), partner_id=client.id)
            run = self._make_run()
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            run.action_prepare()
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

        count(5)
        few, many = count(5), count(25)
        self.assertLess(many - few, 25)

    # What a run lets go

    def test_retry_leaves_what_was_cancelled(self):
        good = self._make_active(date_start=date(2026, 3, 1))
        bad = self._make_active(date_start=date(2026, 3, 1))
        bad.line_ids.date_to = date(2026, 1, 31)
        run = self._bill()
        self.assertEqual((run.billed_count, run.failed_count), (1, 1))
        good.move_ids.button_draft()
        good.move_ids.button_cancel()
        bad.line_ids.date_to = False
        run.with_user(self.manager).action_retry_failed()
        self._run_cron()
        self.assertEqual((good.period_ids.state, bad.period_ids.state), ("due", "billed"))
        self.assertEqual(len(good.move_ids), 1)
        self._bill()
        self.assertEqual(good.period_ids.state, "billed")

    def test_billed_rows_stay_with_their_run(self):
        self._make_active(date_start=date(2026, 3, 1))
        run = self._bill()
        # As a worker leaves it that commits while somebody sets the run to draft.
        run.sudo().write({"state": "draft"})
        run.with_user(self.manager).action_prepare()
        self.assertEqual(run.billed_count, 1)
        run.with_user(self.manager).settlement = "cash"
        self.assertEqual(run.billed_count, 1)

    # Periods that are not billed

    def test_unskip_what_left_the_schedule(self):
        contract = self._make_active(date_start=date(2026, 2, 1))
        march = contract._ensure_periods(date(2026, 3, 1)).filtered(lambda row: row.date_start == date(2026, 3, 1))
        march._skip("Gift")
        contract.date_end = date(2026, 2, 28)
        march.with_user(self.manager).action_unskip()
        self.assertFalse(march.exists())
        self.assertFalse(contract._get_next_unbilled().date_start == date(2026, 3, 1))

    def test_skipping_again_keeps_the_reason(self):
        contract = self._make_active(date_start=date(2026, 2, 1))
        rows = contract._ensure_periods(date(2026, 3, 1))
        rows[0]._skip("Gift")
        rows._skip("Barter")
        self.assertEqual(rows.mapped("skip_reason"), ["Gift", "Barter"])

    def test_skipped_with_a_reason(self):
        contract = self._make_active(date_start=date(2026, 2, 1))
        run = self._make_run()
        run.action_prepare()
        february, march = run.period_ids.sorted("date_start")
        february.with_user(self.manager)._skip("Paid by barter")
        self.assertEqual((february.state, february.skip_reason), ("skipped", "Paid by barter"))
        self.assertIn("barter", contract.message_ids[0].body)
        run.action_start()
        self._run_cron()
        self.assertEqual((run.state, run.billed_count, run.total_count), ("done", 1, 1))
        self.assertFalse(february.move_id)
        with self.assertRaises(UserError):
            march._skip("Too late")
        # Nor by a later run, whatever changes on the contract.
        contract.line_ids.price_unit = 5
        contract.date_end = date(2026, 12, 31)
        self._bill()
        self.assertEqual((february.state, len(contract.move_ids)), ("skipped", 1))
        february.with_user(self.manager).action_unskip()
        self.assertEqual(february.state, "due")
        self._bill()
        self.assertEqual(february.state, "billed")

    def test_next_period_skipped_beforehand(self):
        contract = self._make_active(date_start=date(2026, 3, 1))
        action = contract.with_user(self.manager).action_skip_period()
        wizard = self.env["crm.contract.period.skip"].with_context(**action["context"]).create({"reason": "Gift"})
        wizard.with_user(self.manager).action_skip()
        self.assertEqual(contract.period_ids.state, "skipped")
        self.assertEqual(contract.next_billing_date, date(2026, 4, 1))

    def test_skipping_is_for_managers(self):
        contract = self._make_active(date_start=date(2026, 3, 1), user_id=self.executor.id)
        period = contract._ensure_periods(date(2026, 3, 1))
        for call in (period.with_user(self.executor).action_skip, period.with_user(self.executor).action_unskip):
            with self.assertRaises(AccessError):
                call()
        with self.assertRaises(AccessError):
            period.with_user(self.executor)._skip("No")

    def test_bad_one_is_found_by_halves(self):
        """Of 16 in a chunk two are bad: nobody else is billed alone, and nobody is billed twice."""
        contracts = [self._make_active(date_start=date(2026, 3, 1)) for _number in range(16)]
        bad = contracts[3] | contracts[12]
        bad.line_ids.date_to = date(2026, 1, 31)
        run = self._bill()
        self.assertEqual((run.billed_count, run.failed_count, run.state), (14, 2, "done"))
        self.assertEqual(set(bad.period_ids.mapped("state")), {"failed"})
        names = sorted(run.period_ids.move_id.mapped("sequence_number"))
        self.assertEqual(names, list(range(names[0], names[0] + 14)), "numbers have no gap")
