from datetime import timedelta
from unittest.mock import patch

from lxml import etree

from odoo import SUPERUSER_ID
from odoo.tests import HttpCase, tagged

from .common import CrmCommon


@tagged("post_install", "-at_install")
class TestBillingTour(CrmCommon, HttpCase):
    """Batch invoicing and the ledger in the browser, in Russian, as a manager works with them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.lang"]._activate_lang("ru_RU")
        cls.manager.lang = "ru_RU"
        cls.company.write({"crm_billing_post": True, "crm_billing_send": False, "crm_billing_chunk_size": 1})
        cls.first_day = cls.company._crm_today().replace(day=1)
        cls.contract = cls._make_active(date_start=cls.first_day)

    def _work_between_looks(self):
        """Let a chunk of one period be billed each time that the page of a run was loaded, as another process would."""
        Run = self.env.registry["crm.billing.run"]
        web_read = Run.web_read

        def read_then_work(runs, specification):
            result = web_read(runs, specification)
            if "progress" in specification:
                worker = runs.browse().with_user(SUPERUSER_ID)
                worker._bill_chunk()
                worker._close_finished()
            return result

        read_then_work._readonly = False
        return patch.object(Run, "web_read", read_then_work)

    def _make_run(self):
        run = self.env["crm.billing.run"].with_user(self.manager).create({"date": self.first_day})
        run.action_prepare()
        return run

    def test_run_with_problems(self):
        north = self.env["res.partner"].create({"name": "ООО «Север»", "is_company": True, "is_client": True})
        without_address = self._make_active(date_start=self.first_day, partner_id=north.id)
        ended = self._make_active(
            date_start=self.first_day, lines=[{"date_to": self.first_day - timedelta(days=1)}], subject="Уборка"
        )
        with self._work_between_looks():
            self.start_tour("/odoo/billing-runs", "custom_crm_billing_problems", login="crm_manager", timeout=120)
        run = self.env["crm.billing.run"].search([], limit=1)
        self.assertEqual((run.state, run.billed_count, run.failed_count), ("done", 3, 0))
        moves = run.period_ids.move_id
        self.assertEqual(moves.contract_id, self.contract | without_address | ended)
        self.assertFalse(ended.activity_ids, "the failure is mended")
        self.env.ref("custom_crm.ir_cron_mailing").method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(set(moves.mapped("is_move_sent")), {True})

    def test_stop_and_go_on(self):
        run = self._make_run()
        run.action_start()
        self.start_tour(f"/odoo/billing-runs/{run.id}", "custom_crm_billing_stop", login="crm_manager")
        self.assertEqual((run.state, run.is_stopped), ("running", False))

    def test_period_strip(self):
        self.contract.action_invoice()
        self.start_tour(f"/odoo/contracts/{self.contract.id}", "custom_crm_period_strip", login="crm_manager")
        billed, due = self.contract.period_ids.sorted("date_start")
        self.assertEqual((billed.state, due.state, due.skip_reason), ("billed", "due", False))

    def test_form_reads_in_a_constant_number_of_queries(self):
        """Whatever the number of periods in a run: its page shows the first of them."""
        run = self._make_run()
        few = self._count_form_queries(run)
        for _number in range(50):
            self._make_active(date_start=self.first_day)
        run.action_prepare()
        self.assertEqual(len(run.period_ids), 51)
        self.assertLessEqual(self._count_form_queries(run), few)

    def _count_form_queries(self, run):
        arch = etree.fromstring(run.get_view(view_type="form")["arch"])
        specification = {
            node.get("name"): {"fields": {}} if run._fields[node.get("name")].relational else {}
            for node in arch.xpath("//field[not(ancestor::field)]")
        }
        rows = arch.xpath("//field[@name='period_ids']/list")[0]
        specification["period_ids"] = {
            "limit": 40,
            "order": rows.get("default_order"),
            "fields": {
                node.get("name"): {"fields": {"display_name": {}}}
                if run.period_ids._fields[node.get("name")].relational
                else {}
                for node in rows.xpath("field")
            },
        }
        self.env.flush_all()
        run.web_read(specification)
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        run.web_read(specification)
        return self.env.cr.sql_log_count - before
