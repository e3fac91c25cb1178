from datetime import date, datetime

from freezegun import freeze_time

from odoo.tests import tagged

from .common import CrmCommon

ACTIVITY = "custom_crm.mail_activity_billing_failed"


@tagged("post_install", "-at_install")
class TestBillingInvariants(CrmCommon):
    """What always holds, whatever a user or the server does between the steps of a run (DESIGN.md 4: 1-5, 13, 15)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cron = cls.env.ref("custom_crm.ir_cron_billing")
        cls.monthly = cls.env.ref("custom_crm.ir_cron_billing_monthly")

    def _run_cron(self, cron):
        with self.enter_registry_test_mode():
            cron.method_direct_trigger()
        self.env.invalidate_all()

    def _bill_chunk(self):
        """One step of the scheduled action."""
        self.env["crm.billing.run"]._bill_chunk()
        self.env.flush_all()
        self.env.invalidate_all()

    def _start(self, day=date(2026, 3, 1)):
        run = self.env["crm.billing.run"].create({"date": day})
        run.action_prepare()
        run.action_start()
        return run

    def _bill(self, day=date(2026, 3, 1)):
        run = self._start(day)
        self._run_cron(self.cron)
        return run

    def _get_days(self, contract):
        """What is billed: (first day, last day, sum) of each invoice that is not cancelled."""
        moves = contract.move_ids.filtered(lambda move: move.state != "cancel")
        days = [(move.period_id.date_start, move.period_id.date_end, move.amount_total) for move in moves]
        return sorted((first.isoformat(), last.isoformat(), amount) for first, last, amount in days)

    # 3. A missed month is billed late, as its own period

    def test_scheduled_action_off_for_three_months(self):
        self.company.write({"crm_billing_auto": True, "crm_billing_day": 1})
        self.company.partner_id.tz = "Europe/Moscow"
        advance = self._make_active(date_start=date(2026, 1, 20), payment_day=31)
        arrears = self._make_active(date_start=date(2026, 1, 20), payment_day=31, billing_timing="arrears")
        with freeze_time("2026-02-01 09:00:00"):
            self._run_cron(self.monthly)
            self._run_cron(self.cron)
        self.monthly.active = self.cron.active = False
        self.assertEqual((len(advance.move_ids), len(arrears.move_ids)), (2, 1))
        self.monthly.active = self.cron.active = True
        with freeze_time("2026-05-05 09:00:00"):
            for _time in range(2):
                self._run_cron(self.monthly)
                self._run_cron(self.cron)

        def get_bills(contract):
            moves = contract.move_ids.sorted(lambda move: move.period_id.date_start)
            return [
                tuple(map(str, (move.period_id.date_start, move.invoice_date, move.invoice_date_due))) for move in moves
            ]

        self.assertEqual(
            get_bills(advance),
            [
                ("2026-01-20", "2026-02-01", "2026-02-01"),
                ("2026-02-01", "2026-02-01", "2026-02-28"),
                ("2026-03-01", "2026-05-05", "2026-05-05"),
                ("2026-04-01", "2026-05-05", "2026-05-05"),
                ("2026-05-01", "2026-05-05", "2026-05-31"),
            ],
        )
        self.assertEqual(
            get_bills(arrears),
            [
                ("2026-01-20", "2026-02-01", "2026-02-28"),
                ("2026-02-01", "2026-05-05", "2026-05-05"),
                ("2026-03-01", "2026-05-05", "2026-05-05"),
                ("2026-04-01", "2026-05-05", "2026-05-31"),
            ],
        )
        self.assertEqual(set((advance | arrears).period_ids.mapped("state")), {"billed"})

    def test_service_dates_of_missed_months(self):
        contract = self._make_active(date_start=date(2026, 1, 20))
        self._bill(date(2026, 3, 1))
        lines = contract.move_ids.invoice_line_ids.sorted("service_date_from")
        self.assertEqual(
            [(line.service_date_from, line.service_date_to) for line in lines],
            [
                (date(2026, 1, 20), date(2026, 1, 31)),
                (date(2026, 2, 1), date(2026, 2, 28)),
                (date(2026, 3, 1), date(2026, 3, 31)),
            ],
        )

    # 4. The error of a bad contract stands until it is mended

    def test_activity_stays_while_another_period_failed(self):
        """February has no service, March has: billing March does not take back what is wrong with February."""
        contract = self._make_active(date_start=date(2026, 2, 1), lines=[{"date_from": date(2026, 3, 1)}])
        run = self._bill()
        self.assertEqual((run.billed_count, run.failed_count), (1, 1))
        self.assertEqual(len(contract.activity_search([ACTIVITY])), 1)
        contract.line_ids.date_from = False
        run.action_retry_failed()
        self._run_cron(self.cron)
        self.assertEqual((run.billed_count, run.failed_count), (2, 0))
        self.assertFalse(contract.activity_search([ACTIVITY]))

    def test_activity_stays_while_one_of_two_is_skipped(self):
        contract = self._make_active(date_start=date(2026, 2, 1), lines=[{"date_to": date(2026, 1, 1)}])
        self._bill()
        first, second = contract.period_ids
        first._skip("Gift")
        self.assertEqual(len(contract.activity_search([ACTIVITY])), 1)
        second._skip("Gift")
        self.assertFalse(contract.activity_search([ACTIVITY]))

    def test_lost_income_account_is_named(self):
        """The database refuses such an invoice; its words are not for users."""
        self.company.partner_id.lang = "en_US"
        self.env["account.journal"].search([("type", "=", "sale")]).default_account_id = False
        self.product.categ_id.property_account_income_categ_id = False
        self.company.income_account_id = False
        contract = self._make_active(date_start=date(2026, 3, 1))
        with self.assertLogs("odoo.addons.custom_crm.models.crm_contract_period_billing", "ERROR"):
            run = self._bill()
        self.assertEqual(run.failed_count, 1)
        self.assertIn("Without an income account: Maintenance.", contract.period_ids.error)
        self.assertIn("Without an income account: Maintenance.", contract.activity_ids.note)

    # 1, 5. Users change invoices between the chunks of a run

    def _start_with_chunk(self, count=4):
        """A started run of drafts, half of it billed."""
        self.company.write({"crm_billing_post": False, "crm_billing_chunk_size": count // 2})
        contracts = [self._make_active(date_start=date(2026, 3, 1)) for _number in range(count)]
        run = self._start()
        self._bill_chunk()
        self.assertEqual(run.billed_count, count // 2)
        return run, contracts

    def test_invoices_changed_while_the_run_bills(self):
        run, _contracts = self._start_with_chunk(8)
        posted, cancelled, deleted, reset = run.period_ids.move_id
        rows = (cancelled | deleted).period_id
        posted.action_post()
        cancelled.button_cancel()
        deleted.unlink()
        reset.action_post()
        reset.button_draft()
        self.assertEqual(rows.mapped("state"), ["due", "due"])
        self._run_cron(self.cron)
        self.assertEqual((run.state, run.billed_count, run.failed_count), ("done", 8, 0))
        self.assertEqual((posted.state, reset.state, cancelled.state), ("posted", "draft", "cancel"))
        self.assertEqual(len(run.period_ids.move_ids.filtered(lambda move: move.state != "cancel")), 8)
        self.assertNotIn(cancelled, rows.move_id)

    def test_invoice_cancelled_after_the_run(self):
        contract = self._make_active(date_start=date(2026, 3, 1))
        run = self._bill()
        contract.move_ids.button_draft()
        contract.move_ids.button_cancel()
        self.assertEqual((contract.period_ids.state, contract.next_billing_date), ("due", date(2026, 3, 1)))
        self._run_cron(self.cron)
        self.assertEqual(len(contract.move_ids), 1, "A run that is done bills nothing more by itself.")
        second = self._bill(date(2026, 3, 2))
        self.assertEqual((second.billed_count, second.state, run.total_count), (1, "done", 0))
        self.assertEqual(self._get_days(contract), [("2026-03-01", "2026-03-31", 1000)])

    def test_billed_by_hand_while_the_run_bills(self):
        run, contracts = self._start_with_chunk()
        for contract in contracts:
            if not contract.move_ids:
                contract.action_invoice()
        self._run_cron(self.cron)
        self.assertEqual((run.state, run.billed_count), ("done", 4))
        self.assertEqual([len(contract.move_ids) for contract in contracts], [1] * 4)

    def test_contracts_changed_while_the_run_bills(self):
        self.company.crm_billing_chunk_size = 1
        names = ("first", "suspended", "finished", "cancelled", "dearer")
        contracts = {name: self._make_active(date_start=date(2026, 3, 1)) for name in names}
        run = self._start()
        contracts["suspended"].action_suspend(date(2026, 3, 11), "Holiday")
        contracts["finished"]._finish(date(2026, 3, 20), "Moved")
        contracts["cancelled"].action_cancel()
        contracts["dearer"].line_ids.price_unit = 3100
        self._run_cron(self.cron)
        self.assertEqual((run.state, run.failed_count), ("done", 0))
        self._bill()
        expected = {
            "first": [("2026-03-01", "2026-03-31", 1000)],
            "suspended": [("2026-03-01", "2026-03-10", 322.58)],
            "finished": [("2026-03-01", "2026-03-20", 645.16)],
            "cancelled": [],
            "dearer": [("2026-03-01", "2026-03-31", 3100)],
        }
        self.assertEqual({name: self._get_days(contract) for name, contract in contracts.items()}, expected)

    # 13. Suspended

    def test_suspended_time_is_never_billed(self):
        """Before a run is prepared, between preparing and starting, after starting; then resumed, calendar or not."""

        def suspend(contract):
            contract.action_suspend(date(2026, 2, 11), "Holiday")

        for moment in ("before", "prepared", "started"):
            for alignment, whole in (("calendar", "2026-03-31"), ("anniversary", "2026-04-20")):
                with self.subTest(moment=moment, alignment=alignment):
                    contract = self._make_active(date_start=date(2026, 1, 1), billing_alignment=alignment)
                    run = self.env["crm.billing.run"].create({"date": date(2026, 3, 1)})
                    if moment == "before":
                        suspend(contract)
                    run.action_prepare()
                    if moment == "prepared":
                        suspend(contract)
                    run.action_start()
                    if moment == "started":
                        suspend(contract)
                    self._run_cron(self.cron)
                    # What is left of February is a new row, for the next run.
                    self._bill(date(2026, 3, 15))
                    until = [("2026-01-01", "2026-01-31", 1000.0), ("2026-02-01", "2026-02-10", 357.14)]
                    self.assertEqual(self._get_days(contract), until)
                    contract.action_resume(date(2026, 3, 21))
                    self._bill(date(2026, 3, 31))
                    *before, (first, last, _amount) = self._get_days(contract)
                    self.assertEqual((before, first, last), (until, "2026-03-21", whole))

    def test_resuming_bills_nothing(self):
        contract = self._make_active(date_start=date(2026, 1, 1))
        self._bill(date(2026, 1, 1))
        contract.action_suspend(date(2026, 2, 1), "Holiday")
        run = self._start(date(2026, 4, 1))
        contract.action_resume(date(2026, 5, 1))
        self._run_cron(self.cron)
        self.assertEqual((run.total_count, len(contract.move_ids)), (0, 1))
        self._bill(date(2026, 5, 1))
        self.assertEqual([first for first, _last, _amount in self._get_days(contract)], ["2026-01-01", "2026-05-01"])

    def test_suspended_in_the_billed_period(self):
        """It keeps its invoice; resumed within it, its days are not billed again."""
        contract = self._make_active(date_start=date(2026, 3, 1))
        self._start()
        self._bill_chunk()
        contract.action_suspend(date(2026, 3, 11), "Holiday")
        contract.action_resume(date(2026, 3, 21))
        self._bill(date(2026, 3, 25))
        self._bill(date(2026, 4, 1))
        self.assertEqual(
            self._get_days(contract), [("2026-03-01", "2026-03-31", 1000), ("2026-04-01", "2026-04-30", 1000)]
        )

    # 15. The company's day

    def _make_company(self, name, timezone):
        company = self.env["res.company"].create({"name": name, "currency_id": self.company.currency_id.id})
        company.partner_id.tz = timezone
        company.write({"crm_billing_auto": True, "crm_billing_day": 1})
        self.env["account.chart.template"].try_loading("generic_coa", company=company, install_demo=False)
        self.env.user.company_ids |= company
        self.manager.company_ids |= company
        return company

    def test_monthly_run_begins_on_the_day_of_the_company(self):
        self.company.crm_billing_auto = False
        # Neither the user's zone nor the server's counts.
        self.env.user.tz = self.env.ref("base.user_root").tz = "America/New_York"
        east = self._make_company("Kamchatka", "Asia/Kamchatka")  # UTC+12
        west = self._make_company("Kaliningrad", "Europe/Kaliningrad")  # UTC+2
        contracts = {
            company: self._make_active(company_id=company.id, date_start=date(2026, 2, 1), lines=[{"price_unit": 5}])
            for company in (east, west)
        }
        steps = [
            # (UTC, days of the runs of Kamchatka, of Kaliningrad)
            ("2026-02-01 00:00:00", ["2026-02-01"], ["2026-02-01"]),
            ("2026-02-28 11:59:59", ["2026-02-01"], ["2026-02-01"]),
            ("2026-02-28 12:00:00", ["2026-02-01", "2026-03-01"], ["2026-02-01"]),
            ("2026-02-28 21:59:59", ["2026-02-01", "2026-03-01"], ["2026-02-01"]),
            ("2026-02-28 22:00:00", ["2026-02-01", "2026-03-01"], ["2026-02-01", "2026-03-01"]),
            ("2026-03-01 00:00:01", ["2026-02-01", "2026-03-01"], ["2026-02-01", "2026-03-01"]),
        ]
        for moment, *expected in steps:
            with self.subTest(moment), freeze_time(datetime.fromisoformat(moment)):
                self._run_cron(self.monthly)
                self._run_cron(self.cron)
                for company, days in zip((east, west), expected, strict=True):
                    runs = self.env["crm.billing.run"].search([("company_id", "=", company.id)], order="date")
                    self.assertEqual(runs.mapped(lambda run: run.date.isoformat()), days)
                    moves = contracts[company].move_ids.sorted("invoice_date")
                    self.assertEqual(moves.mapped(lambda move: move.invoice_date.isoformat()), days)

    def test_billing_and_suspending_by_hand_on_the_day_of_the_company(self):
        east = self._make_company("Kamchatka", "Asia/Kamchatka")
        west = self._make_company("Kaliningrad", "Europe/Kaliningrad")
        for moment, *expected in [
            ("2026-02-28 21:59:59", "2026-03-01", "2026-02-28"),
            ("2026-02-28 22:00:00", "2026-03-01", "2026-03-01"),
        ]:
            for company, day in zip((east, west), expected, strict=True):
                with self.subTest(moment=moment, company=company.name), freeze_time(datetime.fromisoformat(moment)):
                    contract = self._make_active(company_id=company.id)
                    contract.action_invoice()
                    self.assertEqual(contract.move_ids.invoice_date.isoformat(), day)
                    contract.action_suspend(reason="Holiday")
                    self.assertEqual(contract.suspended_from.isoformat(), day)
                    run = self.env["crm.billing.run"].with_company(company).create({})
                    self.assertEqual(run.date.isoformat(), day)
