import contextlib
import logging
import smtplib
import time

from odoo import models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

from ..tools.smtp import Watch, explain, explain_refused

_logger = logging.getLogger(__name__)

# Seconds before each further try to reach a mail server that may be restarting.
PAUSES = (1, 2, 4)
MAX_CONFLICTS = 10


class CrmInvoiceMailingLine(models.Model):
    """Sending the messages of rows that a worker has taken, over one connection."""

    _inherit = "crm.invoice.mailing.line"  # pylint: disable=consider-merging-classes-inherited

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _send_messages(self):
        """Send the messages one by one; commits before and after each."""
        mails = self.filtered(lambda line: line.state == "queued")._get_mails()
        lines = {mail.id: line for line, mail in mails.items()}
        # The whole chunk is read at once. sudo: these are the messages of the rows that this worker has taken, and the
        # mail servers they go by; users start mailings, only the scheduled action comes here.
        Mail = self.env["mail.mail"].sudo().with_context(crm_mailing=True).browse(lines)
        for server_id, alias_domain_id, sender, mail_ids in Mail._split_by_mail_configuration():
            server = self.env["ir.mail_server"].sudo().browse(server_id)
            connection = Connection(server, sender)
            try:
                for mail in Mail.browse(mail_ids):
                    if not lines[mail.id]._send(mail, connection, alias_domain_id):
                        break
            finally:
                connection.close()
        self._drop_sent_mails(Mail)

    def _send(self, mail, connection, alias_domain_id, is_again=False):
        """Send one message and commit its result.

        :param is_again: the connection broke before
        :return: False if the mail server is away; then this row and the rest of the mailing have failed
        """
        self.ensure_one()
        try:
            connection.open()
        except Exception as error:  # noqa: BLE001 - whatever keeps the server away is told on the rows
            self._give_up(error)
            return False
        if not self._claim_sending():
            return True
        self.env["ir.cron"]._commit_progress()
        try:
            # Within this transaction only: what others see is not for Odoo's queue.
            mail.state = "outgoing"
            mail._send(smtp_session=connection.session, alias_domain_id=alias_domain_id, mail_server=connection.server)
        except smtplib.SMTPServerDisconnected as error:
            self.env.cr.rollback()
            return self._find_way_on(mail, connection, alias_domain_id, error, is_again)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            # Odoo has the lock on all that it writes before it sends, so nothing was sent yet.
            self.env.cr.rollback()
            self._put_back()
            raise
        self._commit_result(mail, *self._get_result(mail, connection))
        return True

    def _find_way_on(self, mail, connection, alias_domain_id, error, is_again):
        """After the connection broke: certainly unsent is sent over a new one, anything else is left to the user."""
        is_uncertain = connection.is_uncertain
        connection.close()
        if is_uncertain:
            self._commit_result(mail, "failed", self._get_interrupted_text(), is_uncertain=True)
        elif is_again:
            self._commit_result(mail, "failed", self.env._("Not sent: %(words)s", words=explain(error)))
        else:
            self._put_back()
            return self._send(mail, connection, alias_domain_id, is_again=True)
        return True

    def _put_back(self):
        self.state = "queued"
        self.env["ir.cron"]._commit_progress()

    def _get_result(self, mail, connection):
        """:return: state, and the mail server's words if it did not take the message or one of its addresses"""
        refused = connection.refused
        if mail.state == "exception":
            words = explain(connection.error) if connection.error else mail.failure_reason
            return "failed", self.env._("Not sent: %(words)s", words=words)
        if refused:
            clients = self.move_id._get_delivery_partners()._get_mail_addresses()
            if clients.keys() <= refused.keys():
                # Only the copy was taken.
                return "failed", self.env._("Not sent: %(words)s", words=explain_refused(refused))
            return "sent", self.env._("Some addresses were refused: %(words)s", words=explain_refused(refused))
        return "sent", False

    def _commit_result(self, mail, state, error, is_uncertain=False):
        """Commit what became of the message, whoever else is changing the invoice at this moment."""
        for _try in range(MAX_CONFLICTS):
            if self._try_to_commit_result(mail, state, error, is_uncertain):
                return
            time.sleep(0.1)
        # The message counts, what stands on the invoice less.
        self.write({"state": state, "error": error, "is_uncertain": is_uncertain, "worker": 0})
        self.env["ir.cron"]._commit_progress()

    def _try_to_commit_result(self, mail, state, error, is_uncertain):
        try:
            mail.state = "sent" if state == "sent" else "exception"
            self._finish(state, error, is_uncertain)
            self.env.flush_all()
            self.env["ir.cron"]._commit_progress()
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            self.env.cr.rollback()
            return False
        return True

    def _get_interrupted_text(self):
        return self.env._(
            "Interrupted while it was being sent: the client may have received it. Ask before sending again."
        )

    def _give_up(self, error):
        """The mail server is away: rather than trying it once for each row, all that is left fails for this reason."""
        self.env.cr.rollback()
        _logger.warning("A mailing of invoices can't reach its mail server", exc_info=error)
        rest = self.search(
            [
                ("mailing_id", "=", self.mailing_id.id),
                ("state", "=", "queued"),
                ("worker", "in", (0, self.worker)),
            ]
        ).try_lock_for_update(allow_referencing=True)
        rest._finish("failed", self.env._("The mail server can't be reached: %(words)s", words=explain(error)))
        self.env["ir.cron"]._commit_progress()

    def _drop_sent_mails(self, mails):
        """Delete what is sent, as Odoo does, but all at once; the messages stay with the invoices."""
        mails.exists().filtered(lambda mail: mail.state == "sent").unlink()
        self.env["ir.cron"]._commit_progress()


class Connection:
    """One SMTP session for many messages, opened when it is needed."""

    def __init__(self, server, sender):
        """
        :param server: ``ir.mail_server``, empty for that of the configuration
        """
        self.server = server
        self.sender = sender
        self.session = self.watch = None
        self.is_open = False

    def open(self):
        """Open the session unless it is; tries again for some seconds if the server is away."""
        for pause in (*PAUSES, None):
            if self.is_open:
                return
            try:
                self.session = self.server._connect__(mail_server_id=self.server.id, smtp_from=self.sender)
                # Odoo has none in its tests.
                self.watch = self.session and Watch(self.session)
                self.is_open = True
            except OSError as error:
                if pause is None or isinstance(error, smtplib.SMTPAuthenticationError):
                    raise
                time.sleep(pause)

    def close(self):
        if self.session:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                self.session.quit()
        self.session, self.is_open = None, False

    @property
    def is_uncertain(self):
        return bool(self.watch and self.watch.is_uncertain)

    @property
    def refused(self):
        return self.watch.refused if self.watch else {}

    @property
    def error(self):
        return self.watch.error if self.watch else None
