import contextlib
import logging
import random
from datetime import timedelta

from odoo import api, fields, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

from odoo.addons.base.models.ir_actions_report import _wkhtml

from .crm_invoice_mailing_line import OPEN_STATES

_logger = logging.getLogger(__name__)

# So many invoices are made into messages at once; fewer where each PDF takes a process of its own, so that several
# workers have something to do till the end.
CHUNK, CHUNK_SINGLY = 20, 5
MAX_CONFLICTS = 10
# First key of the locks in the database that tell which workers are alive.
LOCK = 1668440421


class CrmInvoiceMailing(models.Model):
    """The scheduled action of mailings.

    A worker takes rows of a mailing for itself and commits that, makes their messages and commits these, and then
    sends one after the other: it commits «being sent» before each, and the result after. So a message whose worker was
    killed in between may have been sent, and is not sent again by itself; all others are sent once, by whoever it is.
    """

    _inherit = "crm.invoice.mailing"  # pylint: disable=consider-merging-classes-inherited

    # -------------------------------------------------------------------------
    # SCHEDULED ACTIONS
    # -------------------------------------------------------------------------

    @api.model
    def _cron_mail(self):
        """Mail the started mailings, chunk by chunk, until nothing is left, the time is up, or a limit is reached."""
        Cron = self.env["ir.cron"]
        has_time = Cron._commit_progress(remaining=self._count_work())
        conflicts = 0
        with self._be_worker() as worker:
            while has_time and conflicts < MAX_CONFLICTS:
                try:
                    done = self._mail_chunk(worker)
                    has_time = Cron._commit_progress(done)
                    if not done or not has_time:
                        self._close_finished()
                        break
                except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                    # A user or another worker was faster: what it left is taken with the next look.
                    self.env.cr.rollback()
                    self._release(worker)
                    conflicts += 1
        Cron._commit_progress(remaining=0 if self._wait_for_limits() else self._count_work())

    @api.model
    def _mail_chunk(self, worker):
        """Mail the next rows that nobody has. Commits.

        :param int worker: see :meth:`_be_worker`
        :return: how many were taken; 0 when nothing is left, or nothing may be sent right now
        """
        self._recover(worker)
        Line = self.env["crm.invoice.mailing.line"]
        for mailing in self.search(self._get_work_domain(), order="id"):
            size = min(CHUNK if _wkhtml().is_patched_qt else CHUNK_SINGLY, mailing.company_id._get_mailing_allowance())
            lines = size > 0 and Line._claim(mailing, worker, size)
            if lines:
                lines.with_context(lang=mailing._get_lang())._make_messages()
                lines.with_context(lang=mailing._get_lang())._send_messages()
                self._release(worker)
                return len(lines)
        return 0

    @api.model
    def _get_work_domain(self):
        """Mailings with something to send now."""
        return [
            ("state", "=", "running"),
            ("is_stopped", "=", False),
            ("line_ids", "any", [("state", "=", "queued"), ("worker", "=", 0)]),
        ]

    @api.model
    def _count_work(self):
        mailings = self.search([("state", "=", "running"), ("is_stopped", "=", False)])
        return self.env["crm.invoice.mailing.line"].search_count(
            [("mailing_id", "in", mailings.ids), ("state", "=", "queued"), ("worker", "=", 0)]
        )

    # Who is alive

    @contextlib.contextmanager
    def _be_worker(self):
        """Hold a lock in the database while working, whatever is committed. It goes when the process dies.

        :return: its key
        """
        key = random.getrandbits(30) + 1
        self.env.cr.execute("SELECT pg_advisory_lock(%s, %s)", [LOCK, key])
        try:
            yield key
        except Exception:
            self.env.cr.rollback()
            raise
        finally:
            self._release(key)
            self.env.cr.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK, key])

    @api.model
    def _release(self, worker):
        """Let go of rows that the worker has not sent. Commits."""
        lines = self.env["crm.invoice.mailing.line"].search([("worker", "=", worker), ("state", "=", "queued")])
        lines.worker = 0
        self.env["ir.cron"]._commit_progress()

    @api.model
    def _recover(self, worker):
        """Take up what killed workers left. What was on its way may have come to the client: a person must decide."""
        Line = self.env["crm.invoice.mailing.line"]
        taken = [("worker", "not in", (0, worker)), ("state", "in", OPEN_STATES)]
        for (key,) in Line._read_group(taken, ["worker"]):
            self.env.cr.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [LOCK, key])
            if self.env.cr.fetchone()[0]:
                lines = Line.search([("worker", "=", key), ("state", "in", OPEN_STATES)])
                for mailing, sending in (
                    lines.filtered(lambda line: line.state == "sending").grouped("mailing_id").items()
                ):
                    sending = sending.with_context(lang=mailing._get_lang())  # noqa: PLW2901
                    sending._finish("failed", sending._get_interrupted_text(), is_uncertain=True)
                lines.worker = 0
        self.env["ir.cron"]._commit_progress()

    # Limits

    @api.model
    def _wait_for_limits(self):
        """Wake up again when a company that has reached its limit may send more.

        :return: whether all that is left has to wait
        """
        companies = self.search(self._get_work_domain()).company_id
        waiting = companies.filtered(lambda company: not company._get_mailing_allowance())
        if waiting:
            self._get_cron()._trigger(fields.Datetime.now() + timedelta(seconds=min(map(self._get_pause, waiting))))
        return bool(waiting) and waiting == companies

    @api.model
    def _get_pause(self, company):
        """Seconds until the first message of the last minute is a minute old."""
        first = self.env["crm.invoice.mailing.line"].search(company._get_mailed_domain(), order="date", limit=1).date
        return 1 + (first + timedelta(minutes=1) - fields.Datetime.now()).seconds if first else 5

    # The end

    @api.model
    def _close_finished(self):
        """Set started mailings without open rows to done."""
        running = self.search([("state", "=", "running")])
        unfinished = self.env["crm.invoice.mailing.line"]._read_group(
            [("mailing_id", "in", running.ids), ("state", "in", OPEN_STATES)], ["mailing_id"]
        )
        finished = running - self.browse().union(*(mailing for (mailing,) in unfinished))
        for mailing in finished.try_lock_for_update(allow_referencing=True):
            mailing.with_context(lang=mailing._get_lang())._post_result()
        self.env["ir.cron"]._commit_progress()

    def _post_result(self):
        self._set_state("done")
        self.message_post(
            body=self.env._(
                "Done: %(sent)s mailed, %(failed)s failed, of these %(no_address)s without an address.",
                sent=self.sent_count,
                failed=self.failed_count,
                no_address=self.no_address_count,
            )
        )
