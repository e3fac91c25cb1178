from unittest.mock import patch

from odoo import SUPERUSER_ID
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from ..models import crm_invoice_mailing_worker
from .test_crm_invoice_mailing import SENDING_LOGGERS, MailingCommon


@tagged("post_install", "-at_install")
class TestMailingTour(MailingCommon, HttpCase):
    """A mailing in the browser, in Russian, as a manager works with it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.lang"]._activate_lang("ru_RU")
        cls.manager.lang = "ru_RU"
        # No other invoice of the month.
        cls.env["account.move"].search([("state", "=", "posted")]).delivery_state = "sent"
        cls.moves = cls._make_invoices(4, day=cls.company._crm_today())
        cls.moves[0].partner_id.email = False

    def _work_between_looks(self):
        """Let an invoice be mailed each time that the page of a mailing was loaded, as another process would."""
        Mailing = self.env.registry["crm.invoice.mailing"]
        web_read = Mailing.web_read

        def read_then_work(mailings, specification):
            result = web_read(mailings, specification)
            if "progress" in specification:
                Worker = mailings.browse().with_user(SUPERUSER_ID)
                with Worker._be_worker() as worker:
                    Worker._mail_chunk(worker)
                Worker._close_finished()
            return result

        read_then_work._readonly = False
        return patch.object(Mailing, "web_read", read_then_work)

    @mute_logger(*SENDING_LOGGERS)
    def test_mailing_of_the_month(self):
        self.server.refused = {"c2@example.com"}
        resend = self.env.registry["crm.invoice.mailing"].action_resend_failed

        def mend_and_resend(mailing):
            self.server.refused.clear()
            return resend(mailing)

        self.startPatcher(
            patch.object(self.env.registry["crm.invoice.mailing"], "action_resend_failed", mend_and_resend)
        )
        with self._work_between_looks(), patch.object(crm_invoice_mailing_worker, "CHUNK", 1):
            self.start_tour("/odoo/invoice-mailings", "custom_crm_mailing", login="crm_manager", timeout=120)
        mailing = self.env["crm.invoice.mailing"].search([], limit=1)
        self.assertEqual((mailing.state, mailing.sent_count, mailing.failed_count), ("done", 3, 1))
        self.assertEqual(self.moves.mapped("delivery_state"), ["no_address", "sent", "sent", "sent"])
        self.assertEqual(len(self.server.messages), 3)

    def test_chosen_invoices_from_the_list(self):
        self.start_tour("/odoo/client-invoices", "custom_crm_mailing_of_chosen", login="crm_manager", timeout=120)
        mailing = self.env["crm.invoice.mailing"].search([], limit=1)
        self.assertEqual((mailing.state, mailing.source), ("draft", "selection"))
        self.assertTrue(mailing.line_ids)
