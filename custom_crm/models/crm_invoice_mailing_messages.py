import logging

from odoo import models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

_logger = logging.getLogger(__name__)


class CrmInvoiceMailingLine(models.Model):
    """Making the messages of rows that a worker has taken, all at once; one bad invoice stops no other."""

    _inherit = "crm.invoice.mailing.line"  # pylint: disable=consider-merging-classes-inherited

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _make_messages(self):
        """Make the messages and commit them; what can't be made fails with its reason."""
        self._fail_what_cannot_go()
        lines = self.filtered(lambda line: line.state == "queued")
        (lines - lines._keep_messages())._make_or_isolate()

    def _make_or_isolate(self):
        """Make the messages in one go; on an error find the invoice that it is of. Commits."""
        if not self:
            return
        try:
            self._make()
            self.env.flush_all()
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception as error:
            self.env.cr.rollback()
            if len(self) > 1:
                _logger.info("Messages of %s invoices failed, going on with the halves", len(self), exc_info=error)
                middle = len(self) // 2
                self[:middle]._make_or_isolate()
                self[middle:]._make_or_isolate()
                return
            _logger.warning("No message with %s", self.move_id, exc_info=error)
            self._finish("failed", str(error) or type(error).__name__)
        self.env["ir.cron"]._commit_progress()

    def _fail_what_cannot_go(self):
        """What has changed since the mailing was started."""
        for line in self:
            emails = line.move_id._get_delivery_partners()._get_mail_addresses()
            if obstacle := line._find_obstacle(emails):
                line._finish("failed" if emails or line._has_typed_address() else "no_address", obstacle)
            else:
                line.emails = ", ".join(emails)
        self.env["ir.cron"]._commit_progress()

    def _keep_messages(self):
        """Rows whose message was made before and never sent: it goes to the addresses of today.

        Unless the invoice was corrected or mailed otherwise since: then a new one is made.
        """
        kept = self.browse()
        for line, mail in self._get_mails().items():
            if line.message_id == line.move_id.delivery_message_id and line.move_id.invoice_pdf_report_id:
                mail.write(line.move_id._prepare_address_vals(line.move_id._get_delivery_partners()))
                kept |= line
        return kept

    def _get_mails(self):
        """The e-mails of the rows that are not sent.

        :rtype: dict
        """
        # sudo: e-mails are for administrators; these are of the rows' own messages.
        mails = self.env["mail.mail"].sudo().search([("mail_message_id", "in", self.message_id.ids)])
        by_message = mails.grouped("mail_message_id")
        return {line: by_message[line.message_id][0] for line in self if line.message_id in by_message}

    def _make(self):
        """Make the messages with the PDFs of rows of one mailing, as Odoo's own «Send» does."""
        mailing = self.mailing_id
        moves = self.move_id
        self._get_mails_to_drop().unlink()
        models.Model.write(moves, {"delivery_message_id": False})
        # sudo: the mailing was started by who may do so; its messages are of the same user, whatever changed since.
        Send = self.env["account.move.send"].with_user(mailing.user_id).sudo().with_company(mailing.company_id)
        Send = Send.with_context(crm_mailing=True, mail_notify_force_send=False)
        Send._generate_and_send_invoices(
            moves.with_env(Send.env),
            allow_raising=False,
            sending_methods={"email"},
            author_user_id=mailing.user_id.id,
            author_partner_id=mailing.user_id.partner_id.id,
        )
        for line in self:
            message = line.move_id.delivery_message_id
            if not message:
                line._finish("failed", line.move_id.delivery_error or self.env._("Odoo made no message of it."))
            else:
                line.message_id = message

    def _get_mails_to_drop(self):
        """E-mails of an earlier try, which are of no use any more."""
        # sudo: as above.
        return self.env["mail.mail"].sudo().union(*self._get_mails().values())
