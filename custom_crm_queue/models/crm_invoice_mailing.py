from math import ceil

from odoo import SUPERUSER_ID, api, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

from odoo.addons.custom_crm.models.crm_invoice_mailing_worker import CHUNK
from odoo.addons.queue_job.exception import RetryableJobError

from .crm_billing_run import MAX_WAITING, RETRY_SECONDS


class CrmInvoiceMailing(models.Model):
    """Mailing on many workers, as billing does it: a job has no rows of its own, it claims the next ones."""

    _inherit = "crm.invoice.mailing"

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _dispatch(self):
        # EXTENDS 'custom_crm': workers of the queue help the scheduled action.
        self._enqueue_jobs()
        return super()._dispatch()

    @api.model
    def _enqueue_jobs(self):
        """See to it that as many jobs wait as there are chunks to mail."""
        # As the scheduled action mails: as root, in no language or company of the user who starts a mailing.
        Mailing = self.env(user=SUPERUSER_ID, context={})[self._name]
        function = self.env.ref("custom_crm_queue.job_function_mail_in_job")
        waiting_count = Mailing.env["queue.job"].search_count(
            [("job_function_id", "=", function.id), ("state", "in", ("pending", "enqueued"))]
        )
        for _job in range(min(ceil(Mailing._count_work() / CHUNK), MAX_WAITING) - waiting_count):
            Mailing.with_delay(description=self.env._("Invoices of mailings"))._mail_in_job()

    @api.model
    def _mail_in_job(self):
        """Mail a chunk of the started mailings. Commits.

        :return: how many rows were taken
        """
        try:
            with self._be_worker() as worker:
                taken = self._mail_chunk(worker)
            if taken:
                self._enqueue_jobs()
            self._close_finished()
            # A company that has reached its limit is left to the scheduled action.
            self._wait_for_limits()
            self.env["ir.cron"]._commit_progress()
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY as error:
            raise RetryableJobError(str(error), seconds=RETRY_SECONDS, ignore_retry=True) from error
        return taken
