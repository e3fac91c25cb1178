from datetime import timedelta

from freezegun import freeze_time

from odoo.tests import tagged

from .test_crm_contract_stage import StageCommon


@tagged("post_install", "-at_install")
class TestStageStatistics(StageCommon):
    """Figures of open stages grow with the time; groups, filters and the order of lists know them as records do."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.partner_id.tz = "UTC"
        cls.closed, cls.late, cls.planned, cls.free = (cls._start().current_stage_id for _index in range(4))
        cls.stages = cls.closed | cls.late | cls.planned | cls.free
        cls.now = cls.late.date_open + timedelta(days=30)
        today = cls.now.date()
        deadlines = {
            cls.closed: today - timedelta(days=10),
            cls.late: today - timedelta(days=3),
            cls.planned: today + timedelta(days=3),
            cls.free: False,
        }
        for stage, deadline in deadlines.items():
            stage._write_history({"date_deadline": deadline})
        cls.late._write_history({"date_open": cls.now - timedelta(days=6, hours=12)})
        with freeze_time(cls.now - timedelta(days=5)):
            cls.closed.item_ids.is_done = True
            cls.closed.action_complete()

    def setUp(self):
        super().setUp()
        self.env.flush_all()
        self.env.invalidate_all()
        self.startPatcher(freeze_time(self.now))

    def _search(self, *domain, order="id"):
        return self.env["crm.contract.stage"].search([("id", "in", self.stages.ids), *domain], order=order)

    def test_figures(self):
        self.assertEqual(self.stages.mapped("days_overdue"), [5, 3, 0, 0])
        self.assertEqual(self.stages.mapped("duration"), [25.0, 6.5, 30.0, 30.0])

    def test_groups_say_what_records_say(self):
        rows = self.env["crm.contract.stage"]._read_group(
            [("id", "in", self.stages.ids)], ["state"], ["days_overdue:sum", "duration:avg", "__count"]
        )
        opened = self.stages - self.closed
        self.assertCountEqual(
            rows, [("open", 3, sum(opened.mapped("duration")) / 3, 3), ("done", 5, self.closed.duration, 1)]
        )

    def test_the_companys_day(self):
        """At 13:00 UTC the next day has begun in Kamchatka, for what is open and for what is closed."""
        for timezone, late in (("Europe/London", 3), ("Asia/Kamchatka", 4)):
            self.company.partner_id.tz = timezone
            self.env.invalidate_all()
            with self.subTest(timezone), freeze_time(self.now.replace(hour=13)):
                self.assertEqual(self.late.days_overdue, late)
                [(total,)] = self.late._read_group([("id", "=", self.late.id)], [], ["days_overdue:sum"])
                self.assertEqual(total, late)
        self.assertEqual(self.closed.days_overdue, 5, "history does not move with the company")

    def test_each_company_has_its_day(self):
        east = self.env["res.company"].create({"name": "East"})
        east.partner_id.tz = "Asia/Kamchatka"
        # By SQL: people of the one company are not responsible in the other.
        self.env.cr.execute("UPDATE crm_contract_stage SET company_id = %s WHERE id = %s", [east.id, self.late.id])
        with freeze_time(self.now.replace(hour=13)):
            figures = dict(
                self.env["crm.contract.stage"]._read_group(
                    [("id", "in", (self.late | self.closed).ids)], ["company_id"], ["days_overdue:sum"]
                )
            )
        self.assertEqual(figures, {east: 4, self.company: 5})

    def test_filters(self):
        for domain, expected in (
            (("days_overdue", ">", 0), self.closed | self.late),
            (("days_overdue", ">=", 5), self.closed),
            (("days_overdue", "<", 5), self.late | self.planned | self.free),
            (("days_overdue", "=", 3), self.late),
            (("days_overdue", "!=", 3), self.stages - self.late),
            (("days_overdue", "=", False), self.planned | self.free),
            (("days_overdue", "!=", False), self.closed | self.late),
            (("duration", "=", False), self.stages.browse()),
            (("duration", "<=", 6.5), self.late),
            (("duration", ">", 26), self.planned | self.free),
        ):
            with self.subTest(domain):
                self.assertEqual(self._search(domain), expected)

    def test_order(self):
        self.assertEqual(self._search(order="days_overdue desc, id"), self.stages)
        self.assertEqual(self._search(order="duration, id")[0], self.late)

    def test_measures_are_offered(self):
        described = self.env["crm.contract.stage"].fields_get(["duration", "days_overdue"])
        self.assertEqual(described["duration"]["aggregator"], "avg")
        self.assertEqual(described["days_overdue"]["aggregator"], "sum")
        self.assertTrue(all(field["sortable"] and field["searchable"] for field in described.values()))
