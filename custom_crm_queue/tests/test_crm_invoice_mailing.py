from unittest.mock import patch

from psycopg2.errors import SerializationFailure

from odoo.tests import tagged

from odoo.addons.custom_crm.tests.test_crm_invoice_mailing import MailingCommon
from odoo.addons.queue_job.exception import RetryableJobError
from odoo.addons.queue_job.job import Job

from ..models import crm_invoice_mailing


@tagged("post_install", "-at_install")
class TestCrmInvoiceMailingJobs(MailingCommon):
    def setUp(self):
        super().setUp()
        self.startPatcher(patch.object(crm_invoice_mailing, "CHUNK", 2))
        self.startPatcher(patch("odoo.addons.custom_crm.models.crm_invoice_mailing_worker.CHUNK", 2))
        self.mailing = self._make_mailing(self._make_invoices(5))
        self.mailing.action_start()

    def _get_jobs(self):
        return self.env["queue.job"].search(
            [("method_name", "=", "_mail_in_job"), ("state", "=", "pending")], order="id"
        )

    def _perform(self, job_records):
        with self.enter_registry_test_mode():
            for record in job_records:
                job = Job.load(self.env, record.uuid)
                job.set_started()
                job.store()
                self.env.flush_all()
                job.perform()
                job.set_done()
                job.store()
        self.env.invalidate_all()

    def test_jobs_mail_each_invoice_once(self):
        jobs = self._get_jobs()
        self.assertEqual(len(jobs), 3)
        self._perform(jobs)
        self.assertEqual((self.mailing.state, self.mailing.sent_count, len(self.server.messages)), ("done", 5, 5))
        self._perform(jobs[0])
        self._run_cron()
        self.assertEqual(len(self.server.messages), 5)

    def test_scheduled_action_alone(self):
        self._run_cron()
        self.assertEqual(self.mailing.sent_count, 5)
        self._perform(self._get_jobs())
        self.assertEqual(len(self.server.messages), 5)

    def test_conflict_is_tried_again(self):
        job = Job.load(self.env, self._get_jobs()[0].uuid)
        with (
            self.enter_registry_test_mode(),
            patch.object(self.env.registry["crm.invoice.mailing"], "_mail_chunk", side_effect=SerializationFailure),
            self.assertRaises(RetryableJobError),
        ):
            job.perform()
