from math import ceil

from odoo import SUPERUSER_ID, api, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

from odoo.addons.queue_job.exception import RetryableJobError

# That many jobs wait at most; nobody has as many workers.
MAX_WAITING = 100
# Seconds after which a job tries again what another worker or a user was faster with.
RETRY_SECONDS = 1


class CrmBillingRun(models.Model):
    """Billing on many workers: a started run is split into jobs of OCA's ``queue_job``.

    A job has no rows of its own. It claims the next chunk that nobody holds, as the scheduled action does. So a job
    that is lost, doubled or late harms nothing, and the scheduled action bills what jobs leave.
    """

    _inherit = "crm.billing.run"

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _dispatch(self):
        # EXTENDS 'custom_crm': workers of the queue help the scheduled action.
        self._enqueue_jobs()
        return super()._dispatch()

    @api.model
    def _enqueue_jobs(self):
        """See to it that as many jobs wait as there are chunks to bill."""
        # As the scheduled action bills: as root, in no language or company of the user who starts a run.
        Run = self.env(user=SUPERUSER_ID, context={})[self._name]
        size = Run._get_chunk_size()
        due_count = Run.env["crm.contract.period"].search_count(Run._get_work_domain(), limit=MAX_WAITING * size)
        function = self.env.ref("custom_crm_queue.job_function_bill_in_job")
        waiting_count = Run.env["queue.job"].search_count(
            [("job_function_id", "=", function.id), ("state", "in", ("pending", "enqueued"))]
        )
        for _job in range(ceil(due_count / size) - waiting_count):
            Run.with_delay(description=self.env._("Invoices of billing runs"))._bill_in_job()

    @api.model
    def _bill_in_job(self):
        """Bill a chunk of the started runs. Commits.

        Others may leave rows, such as those they held with a bad one; so whoever billed something looks for more.

        :return: how many rows were taken
        """
        try:
            taken = self._bill_chunk()
            self.env["ir.cron"]._commit_progress()
            if taken:
                self._enqueue_jobs()
            self._close_finished()
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY as error:
            raise RetryableJobError(str(error), seconds=RETRY_SECONDS, ignore_retry=True) from error
        return taken
