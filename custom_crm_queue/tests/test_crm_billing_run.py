from datetime import date
from unittest.mock import patch

from psycopg2.errors import SerializationFailure

from odoo import SUPERUSER_ID
from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.custom_crm.tests.common import CrmCommon
from odoo.addons.queue_job.exception import RetryableJobError
from odoo.addons.queue_job.job import Job

from ..models import crm_billing_run


@tagged("post_install", "-at_install")
class TestCrmBillingRun(CrmCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.crm_billing_chunk_size = 2

    def _make_run(self, count=5, user=None):
        """A started run of so many periods, each of its own contract."""
        self.contracts = self.env["crm.contract"].union(
            *(self._make_active(date_start=date(2026, 3, 1)) for _number in range(count))
        )
        run = self.env["crm.billing.run"].with_user(user or self.manager).create({"date": date(2026, 3, 1)})
        run.action_prepare()
        run.action_start()
        return run

    def _get_jobs(self, state="pending"):
        return self.env["queue.job"].search([("method_name", "=", "_bill_in_job"), ("state", "=", state)], order="id")

    def _perform(self, job_records):
        """Perform jobs as queue_job does.

        :return: how many rows each took
        """
        taken = []
        with self.enter_registry_test_mode():
            for record in job_records:
                job = Job.load(self.env, record.uuid)
                job.set_started()
                job.store()
                self.env.flush_all()
                taken.append(job.perform())
                job.set_done()
                job.store()
        self.env.invalidate_all()
        return taken

    def test_as_many_jobs_as_chunks(self):
        run = self._make_run()
        jobs = self._get_jobs()
        self.assertEqual(len(jobs), 3)
        self.assertEqual(set(jobs.mapped("channel")), {"root.custom_crm"})
        # As the scheduled action bills: not as the manager who started the run.
        self.assertEqual(jobs.user_id.id, SUPERUSER_ID)
        self.assertFalse({"lang", "allowed_company_ids"} & jobs[0].records.env.context.keys() - self.env.context.keys())
        run.action_start()
        self.assertEqual(self._get_jobs(), jobs)

    def test_many_jobs_wait_only_as_others_are_done(self):
        with patch.object(crm_billing_run, "MAX_WAITING", 2):
            run = self._make_run(count=7)
            self.assertEqual(len(self._get_jobs()), 2)
            taken = []
            while jobs := self._get_jobs():
                self.assertLessEqual(len(jobs), 2)
                taken += self._perform(jobs[0])
        self.assertEqual(taken, [2, 2, 2, 1])
        self.assertEqual((run.state, run.billed_count), ("done", 7))

    def test_jobs_bill_each_period_once(self):
        run = self._make_run()
        jobs = self._get_jobs()
        self.assertEqual(self._perform(jobs[0]), [2])
        self.assertEqual((run.state, run.billed_count), ("running", 2))
        self.assertEqual(self._perform(jobs[1:]), [2, 1])
        self.assertEqual((run.state, run.billed_count, run.failed_count), ("done", 5, 0))
        self.assertEqual([len(contract.move_ids) for contract in self.contracts], [1] * 5)
        self.assertFalse(self._get_jobs())
        # A job that is performed again, because its worker died at the very end.
        self.assertEqual(self._perform(jobs[0]), [0])
        self.assertEqual(len(self.contracts.move_ids), 5)

    def test_bad_contract_stops_no_other(self):
        run = self._make_run()
        bad = self.contracts[2]
        Period = self.env.registry["crm.contract.period"]
        prepare = Period._prepare_invoice_vals

        def prepare_but_bad(period, invoice_date):
            if period.contract_id.id == bad.id:
                raise UserError("No account for bad")  # pylint: disable=translation-required
            return prepare(period, invoice_date)

        with patch.object(Period, "_prepare_invoice_vals", prepare_but_bad):
            self._perform(self._get_jobs())
        self.assertEqual((run.state, run.billed_count, run.failed_count), ("done", 4, 1))
        self.assertEqual((bad.period_ids.state, bad.period_ids.error), ("failed", "No account for bad"))
        self.assertEqual((self.contracts - bad).period_ids.mapped("state"), ["billed"] * 4)
        run.action_retry_failed()
        self.assertEqual(self._perform(self._get_jobs()), [1])
        self.assertEqual((run.state, run.billed_count, run.failed_count), ("done", 5, 0))

    def test_jobs_of_a_stopped_run_do_nothing(self):
        run = self._make_run()
        jobs = self._get_jobs()
        self._perform(jobs[0])
        run.action_stop()
        self.assertEqual(self._perform(jobs[1:]), [0, 0])
        self.assertEqual((run.state, run.billed_count), ("running", 2))
        run.action_resume()
        self.assertEqual(self._perform(self._get_jobs()), [2, 1])
        self.assertEqual((run.state, run.billed_count), ("done", 5))

    def test_what_others_leave_is_looked_for(self):
        run = self._make_run()
        first, *lost = self._get_jobs()
        for job in lost:
            job.button_cancelled()
        self._perform(first)
        self.assertEqual(len(self._get_jobs()), 2)
        self._perform(self._get_jobs())
        self.assertEqual((run.state, run.billed_count), ("done", 5))

    def test_conflict_is_tried_again(self):
        self._make_run()
        job = Job.load(self.env, self._get_jobs()[0].uuid)
        with (
            self.enter_registry_test_mode(),
            patch.object(self.env.registry["crm.billing.run"], "_bill_chunk", side_effect=SerializationFailure),
            self.assertRaises(RetryableJobError) as caught,
        ):
            job.perform()
        self.assertEqual(caught.exception.seconds, crm_billing_run.RETRY_SECONDS)
        # However often: it never counts as failed.
        self.assertEqual(job.retry, 0)

    def test_scheduled_action_alone(self):
        run = self._make_run()
        with self.enter_registry_test_mode():
            self.env.ref("custom_crm.ir_cron_billing").method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual((run.state, run.billed_count), ("done", 5))
        self.assertEqual(self._perform(self._get_jobs()), [0, 0, 0])
        self.assertEqual(len(self.contracts.move_ids), 5)
