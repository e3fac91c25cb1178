import contextlib
import smtplib
from datetime import date, timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import format_date, mute_logger

from odoo.addons.custom_crm.models import crm_invoice_mailing_sending

from .common import CrmCommon

SENDING_LOGGERS = (
    "odoo.addons.mail.models.mail_mail",
    "odoo.addons.custom_crm.models.crm_invoice_mailing_sending",
)


class Server:
    """A mail server without a network: what it took, what it refuses, and when its connections break."""

    def __init__(self):
        self.messages = []
        self.refused = set()
        self.dies_after = None  # So many messages; then it can't be reached.
        self.breaks_after_data = set()  # Addresses: takes the message, and the connection breaks before the answer.
        self.connections = 0

    def connect(self, *args, **kwargs):
        if self.is_dead:
            raise ConnectionRefusedError(111, "Connection refused")
        self.connections += 1
        return Session(self)

    @property
    def is_dead(self):
        return self.dies_after is not None and len(self.messages) >= self.dies_after

    def get_addresses(self):
        return sorted(address for addresses, _message in self.messages for address in addresses)


class Session:
    """As much of smtplib.SMTP as Odoo and we use."""

    from_filter = smtp_from = False

    def __init__(self, server):
        self.server = server

    def send(self, data):
        if self.server.is_dead:
            raise smtplib.SMTPServerDisconnected("Connection unexpectedly closed")

    def getreply(self):
        if self.breaking:
            raise smtplib.SMTPServerDisconnected("Connection unexpectedly closed")
        return 250, b"OK"

    def sendmail(self, sender, recipients, message):
        self.breaking = False
        self.send("MAIL FROM")
        self.getreply()
        refused = {address: (550, b"No such user") for address in recipients if address in self.server.refused}
        if len(refused) == len(recipients):
            raise smtplib.SMTPRecipientsRefused(refused)
        self.send(b"Text\r\n.\r\n")
        taken = [address for address in recipients if address not in refused]
        self.breaking = bool(self.server.breaks_after_data & set(taken))
        self.server.messages.append((taken, message))
        self.getreply()
        return refused

    def send_message(self, message, sender, recipients):
        return self.sendmail(sender, recipients, message)

    def quit(self):
        pass


class MailingCommon(CrmCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cron = cls.env.ref("custom_crm.ir_cron_mailing")
        cls.company.email = "billing@company.example"
        cls.company.crm_mailing_template_id = cls.env.ref("custom_crm.mail_template_invoice")
        cls.server = Server()

    def setUp(self):
        super().setUp()
        self.server = Server()
        MailServer = self.env.registry["ir.mail_server"]
        self.startPatcher(patch.object(MailServer, "_disable_send", lambda self: False))
        self.startPatcher(patch.object(MailServer, "_connect__", self.server.connect))
        self.startPatcher(patch.object(crm_invoice_mailing_sending, "PAUSES", ()))

    @classmethod
    def _make_invoices(cls, count, day=date(2026, 3, 1), **vals):
        """Posted invoices of clients of their own, c0@example.com and so on."""
        clients = cls.env["res.partner"].create(
            [{"name": f"Client {i}", "is_company": True, "email": f"c{i}@example.com"} for i in range(count)]
        )
        moves = cls.env["account.move"].create(
            [
                {
                    "move_type": "out_invoice",
                    "partner_id": client.id,
                    "invoice_date": day,
                    "invoice_user_id": cls.manager.id,
                    "invoice_line_ids": [Command.create({"product_id": cls.product.id})],
                    **vals,
                }
                for client in clients
            ]
        )
        moves.action_post()
        return moves

    def _make_mailing(self, moves):
        return self.env["crm.invoice.mailing"].with_user(self.manager)._make_selection(moves)

    @mute_logger(*SENDING_LOGGERS)
    def _run_cron(self):
        with self.enter_registry_test_mode():
            self.cron.method_direct_trigger()
        self.env.invalidate_all()

    def _mail(self, moves):
        mailing = self._make_mailing(moves)
        mailing.action_start()
        self._run_cron()
        return mailing

    @contextlib.contextmanager
    def _until(self, model, method, what):
        """Do something just before a method is called for the first time."""
        original = getattr(self.env.registry[model], method)
        todo, env = [what], self.env

        def first(self, *args, **kwargs):
            if todo:
                todo.pop()()
                # As if another process had committed it.
                env.flush_all()
            return original(self, *args, **kwargs)

        with patch.object(self.env.registry[model], method, first):
            yield

    def _get_received(self):
        """Numbers of the invoices in the attachments, and the addresses, of all that the mail server took."""
        received = []
        for addresses, message in self.server.messages:
            [document] = [part for part in message.walk() if part.get_filename()]
            text = document.get_payload(decode=True).decode()
            [name] = [move.name for move in self.env["account.move"].search([("name", "!=", "/")]) if move.name in text]
            received.append((name, *addresses))
        return sorted(received)


@tagged("post_install", "-at_install")
class TestCrmInvoiceMailing(MailingCommon):
    def test_each_invoice_once_with_its_own_document(self):
        moves = self._make_invoices(5)
        mailing = self._mail(moves)
        self.assertEqual(mailing.state, "done")
        self.assertEqual((mailing.sent_count, mailing.failed_count, mailing.progress), (5, 0, 100))
        self.assertEqual(self._get_received(), sorted((move.name, move.partner_id.email) for move in moves))
        self.assertEqual(self.server.connections, 1)
        self.assertEqual(set(moves.mapped("delivery_state")), {"sent"})
        self.assertTrue(all(moves.mapped("mailed_date")))
        self.assertEqual(set(moves.mapped("is_move_sent")), {True})
        for line in mailing.line_ids:
            message = line.message_id
            self.assertEqual((message.res_id, message.author_id), (line.move_id.id, self.manager.partner_id))
            self.assertEqual(len(message.attachment_ids), 1)
            self.assertEqual(message.notification_ids.mapped("notification_status"), ["sent"])
            self.assertEqual(line.emails, line.partner_id.email)
        self.assertFalse(self.env["mail.mail"].search([("mail_message_id", "in", mailing.line_ids.message_id.ids)]))
        self._run_cron()
        self.assertEqual(len(self.server.messages), 5)

    def test_document_of_a_person_in_its_language(self):
        self.env["res.lang"]._activate_lang("ru_RU")
        moves = self._make_invoices(1)
        moves.partner_id.lang = "ru_RU"
        self._mail(moves)
        [(_addresses, message)] = self.server.messages
        self.assertIn(moves.name, message["Subject"])
        self.assertEqual(moves.delivery_message_id.author_id, self.manager.partner_id)

    def test_prepare_collects_the_month(self):
        moves = self._make_invoices(3, day=date(2026, 3, 31))
        self._make_invoices(1, day=date(2026, 4, 1))
        moves[0].is_move_sent = True
        draft = moves[2].copy({"invoice_date": date(2026, 3, 5)})
        mailing = self.env["crm.invoice.mailing"].with_user(self.manager).create({"month": date(2026, 3, 15)})
        mailing.action_prepare()
        self.assertEqual(mailing.line_ids.move_id, moves[1:])
        self.assertEqual(draft.state, "draft")
        self.assertIn(format_date(mailing.env, date(2026, 3, 1), date_format="LLLL y"), mailing.name)
        mailing.action_prepare()
        self.assertEqual(mailing.total_count, 2)

    def test_problems_are_found_beforehand(self):
        silent, archived, odd, good, draft, mailed = moves = self._make_invoices(6)
        silent.partner_id.email = False
        archived.partner_id.active = False
        odd.partner_id.email = "call me"
        draft.button_draft()
        self._mail(mailed)
        mailing = self._make_mailing(moves)
        problems = {line.move_id: line.problem for line in mailing.line_ids}
        for move, words in [
            (silent, "no e-mail address"),
            (archived, "archived"),
            (odd, "«call me»"),
            (draft, "not posted"),
            (mailed, "mailed before"),
        ]:
            self.assertIn(words, problems.pop(move))
        self.assertEqual(problems, {good: False})
        self.assertEqual(mailing.problem_count, 5)
        mailing.action_start()
        self.assertEqual(silent.delivery_state, "no_address")
        self.assertEqual(draft.delivery_state, "none")
        self._run_cron()
        self.assertEqual((mailing.sent_count, mailing.failed_count, mailing.no_address_count), (2, 4, 1))
        self.assertEqual(archived.delivery_state, "failed")
        self.assertIn("«call me»", odd.delivery_error)

    def test_refused_and_missing_addresses_then_resend_failed(self):
        moves = self._make_invoices(6)
        self.server.refused = {"c1@example.com", "c4@example.com"}
        moves[2].partner_id.email = False
        mailing = self._mail(moves)
        self.assertEqual((mailing.state, mailing.sent_count, mailing.failed_count), ("done", 3, 3))
        self.assertIn("550 No such user", moves[1].delivery_error)
        self.assertEqual((moves[1].delivery_state, moves[1].is_move_sent), ("failed", False))
        moves[2].partner_id.email = "c2@example.com"
        moves[4].partner_id.email = "right@example.com"
        mailing.action_resend_failed()
        self.assertEqual((mailing.state, moves[1].delivery_state), ("running", "queued"))
        self._run_cron()
        self.assertEqual((mailing.state, mailing.sent_count, mailing.failed_count), ("done", 5, 1))
        expected = ["c0@example.com", "c2@example.com", "c3@example.com", "c5@example.com", "right@example.com"]
        self.assertEqual(self.server.get_addresses(), expected)
        # The message of the first try went in the end.
        self.assertEqual(len(moves[4].message_ids.filtered(lambda row: row.message_type == "comment")), 1)

    def test_mail_server_dies_in_the_middle(self):
        moves = self._make_invoices(6)
        self.server.dies_after = 2
        mailing = self._mail(moves)
        self.assertEqual((mailing.state, mailing.sent_count, mailing.failed_count), ("done", 2, 4))
        self.assertEqual(mailing.uncertain_count, 0)
        self.assertIn("Connection refused", mailing.line_ids.filtered("error")[0].error)
        self.server.dies_after = None
        mailing.action_resend_failed()
        self._run_cron()
        self.assertEqual(mailing.sent_count, 6)
        self.assertEqual(self._get_received(), sorted((move.name, move.partner_id.email) for move in moves))

    def test_broken_connection_is_opened_again(self):
        """Unless the mail server may have the message."""
        moves = self._make_invoices(4)
        self.server.breaks_after_data = {"c1@example.com"}
        mailing = self._mail(moves)
        self.assertEqual((mailing.sent_count, mailing.failed_count, mailing.uncertain_count), (3, 1, 1))
        self.assertEqual(self.server.connections, 2)
        self.assertEqual(len(self.server.messages), 4)
        uncertain = mailing.line_ids.filtered("is_uncertain")
        self.assertIn("may have received", uncertain.error)
        mailing.action_resend_failed()
        self._run_cron()
        self.assertEqual(len(self.server.messages), 4)
        self.server.breaks_after_data = set()
        uncertain.action_resend()
        self._run_cron()
        self.assertEqual((len(self.server.messages), mailing.sent_count), (5, 4))

    def test_connection_that_always_breaks(self):
        moves = self._make_invoices(2)
        with patch.object(Session, "sendmail", side_effect=smtplib.SMTPServerDisconnected("Bye")):
            mailing = self._mail(moves)
        self.assertEqual((mailing.state, mailing.failed_count, mailing.uncertain_count), ("done", 2, 0))

    def test_one_bad_invoice_stops_no_other(self):
        moves = self._make_invoices(5)
        moves[3].ref = "bad"
        template = self.company.crm_mailing_template_id
        for lang in {"en_US", *dict(self.env["res.lang"].get_installed())}:
            template.with_context(lang=lang).body_html = "<p t-out=\"1 // (object.ref != 'bad')\" />"
        with mute_logger("odoo.addons.custom_crm.models.crm_invoice_mailing_messages"):
            mailing = self._mail(moves)
        self.assertEqual((mailing.state, mailing.sent_count, mailing.failed_count), ("done", 4, 1))
        self.assertEqual(moves[3].delivery_state, "failed")
        self.assertTrue(moves[3].delivery_error)
        self.assertEqual(len(self.server.messages), 4)

    def test_document_of_another_invoice_is_not_sent(self):
        moves = self._make_invoices(4)
        Report = self.env.registry["ir.actions.report"]
        split = Report._get_splitted_report

        def mix(self, report_ref, content, report_type):
            documents = split(self, report_ref, content, report_type)
            names = list(documents)
            return dict(zip(names, [documents[name] for name in names[1:] + names[:1]], strict=True))

        with patch.object(Report, "_get_splitted_report", mix):
            mailing = self._mail(moves)
        # One by one each is right.
        self.assertEqual(mailing.sent_count, 4)
        self.assertEqual(self._get_received(), sorted((move.name, move.partner_id.email) for move in moves))

    def test_document_without_its_number_is_not_sent(self):
        moves = self._make_invoices(2)
        Report = self.env.registry["ir.actions.report"]
        split = Report._get_splitted_report

        def lose(self, report_ref, content, report_type):
            documents = split(self, report_ref, content, report_type)
            return {key: b"nothing" if key == moves[0].id else value for key, value in documents.items()}

        with patch.object(Report, "_get_splitted_report", lose):
            mailing = self._mail(moves)
        self.assertEqual((mailing.sent_count, mailing.failed_count), (1, 1))
        self.assertIn("The number of the invoice is not in it", moves[0].delivery_error)
        self.assertFalse(moves[0].invoice_pdf_report_id)

    def test_number_is_not_part_of_a_longer_one(self):
        move = self._make_invoices(1)
        pattern = self.env["account.move.send"]._get_number_pattern(move)
        self.assertTrue(pattern.search(f"№ {' '.join(move.name)} of"))
        self.assertFalse(pattern.search(f"№ {move.name}1 of"))

    # Who takes what, and when

    def test_odoos_queue_takes_nothing_of_a_mailing(self):
        moves = self._make_invoices(2)
        mailing = self._make_mailing(moves)
        mailing.action_start()
        queue = self.env["mail.mail"].sudo()
        with self._until("crm.invoice.mailing.line", "_send_messages", queue.process_email_queue):
            self._run_cron()
        self.assertEqual(len(self.server.messages), 2)
        self.assertEqual(mailing.sent_count, 2)

    def test_second_click(self):
        mailing = self._make_mailing(self._make_invoices(2))
        mailing.action_start()
        mailing.action_start()
        self._run_cron()
        mailing.action_start()
        mailing.action_resume()
        mailing.action_resend_failed()
        self._run_cron()
        self.assertEqual(len(self.server.messages), 2)

    def test_invoice_in_two_mailings_at_once(self):
        moves = self._make_invoices(2)
        first, second = self._make_mailing(moves), self._make_mailing(moves[0])
        first.action_start()
        second.action_start()
        self.assertIn(first.name, second.line_ids.error)
        self.assertEqual(moves[0].delivery_state, "queued")
        self._run_cron()
        self.assertEqual(len(self.server.messages), 2)
        self.assertEqual((first.sent_count, second.failed_count, moves[0].delivery_state), (2, 1, "sent"))
        # By a new request it is mailed again.
        self._mail(moves[0])
        self.assertEqual(len(self.server.messages), 3)

    def test_stop_and_go_on(self):
        mailing = self._make_mailing(self._make_invoices(3))
        mailing.action_start()
        with self._until("crm.invoice.mailing.line", "_send_messages", mailing.action_stop):
            self._run_cron()
        self.assertEqual((mailing.state, mailing.is_stopped, len(self.server.messages)), ("running", True, 0))
        self._run_cron()
        self.assertFalse(self.server.messages)
        mailing.action_resume()
        self._run_cron()
        self.assertEqual((mailing.state, mailing.sent_count), ("done", 3))

    def test_what_a_killed_worker_left(self):
        mailing = self._make_mailing(self._make_invoices(3))
        mailing.action_start()
        sending, taken, _free = mailing.line_ids.sudo()
        sending.write({"state": "sending", "worker": 7})
        taken.worker = 7
        self._run_cron()
        self.assertEqual(mailing.line_ids.mapped("state"), ["failed", "sent", "sent"])
        self.assertTrue(sending.is_uncertain)
        self.assertEqual(sending.move_id.delivery_state, "failed")
        self.assertEqual(self.server.get_addresses(), ["c1@example.com", "c2@example.com"])

    def test_invoice_reset_meanwhile_is_not_sent(self):
        moves = self._make_invoices(2)
        mailing = self._make_mailing(moves)
        mailing.action_start()
        with self._until("crm.invoice.mailing.line", "_send_messages", moves[0].button_draft):
            self._run_cron()
        self.assertEqual(self.server.get_addresses(), ["c1@example.com"])
        self.assertEqual((mailing.state, mailing.sent_count, mailing.failed_count), ("done", 1, 1))
        self.assertEqual(moves[0].delivery_state, "none")

    def test_corrected_invoice_gets_a_new_message(self):
        move = self._make_invoices(1)
        self.server.refused = {"c0@example.com"}
        mailing = self._mail(move)
        first = move.delivery_message_id
        move.button_draft()
        self.assertEqual(move.delivery_state, "none")
        move.invoice_line_ids.price_unit = 5
        move.action_post()
        self.server.refused = set()
        mailing.action_resend_failed()
        self._run_cron()
        self.assertEqual((mailing.sent_count, len(self.server.messages)), (1, 1))
        self.assertNotEqual(move.delivery_message_id, first)

    # Settings

    def test_throttle(self):
        self.company.crm_mailing_per_minute = 3
        mailing = self._make_mailing(self._make_invoices(5))
        mailing.action_start()
        self._run_cron()
        self._run_cron()
        self.assertEqual((len(self.server.messages), mailing.state), (3, "running"))
        triggers = self.env["ir.cron.trigger"].search([("cron_id", "=", self.cron.id)])
        self.assertGreater(max(triggers.mapped("call_at")), fields.Datetime.now() + timedelta(seconds=30))
        for line in mailing.line_ids.sudo().filtered("date"):
            line.date -= timedelta(seconds=61)
        self._run_cron()
        self.assertEqual((mailing.state, mailing.sent_count), ("done", 5))
        with self.assertRaises(ValidationError):
            self.company.crm_mailing_per_minute = -1

    def test_copy_to_the_responsible(self):
        moves = self._make_invoices(2)
        moves[0].partner_id.email = self.manager.email
        self.company.crm_mailing_copy = True
        self._mail(moves)
        self.assertEqual(len(self.server.messages), 2)
        addresses = sorted(addresses for addresses, _message in self.server.messages)
        self.assertEqual(addresses, sorted([["c1@example.com", self.manager.email], [self.manager.email]]))

    def test_refused_client_is_not_hidden_by_the_copy(self):
        moves = self._make_invoices(1)
        self.company.crm_mailing_copy = True
        self.server.refused = {"c0@example.com"}
        mailing = self._mail(moves)
        self.assertEqual((mailing.failed_count, moves.delivery_state), (1, "failed"))

    def test_several_addresses_one_message(self):
        moves = self._make_invoices(1)
        client = moves.partner_id
        client.email = "c0@example.com, second@example.com"
        self.env["res.partner"].create(
            [
                {"name": "Accounts", "parent_id": client.id, "type": "invoice", "email": "accounts@example.com"},
                {"name": "Other", "parent_id": client.id, "type": "contact", "email": "other@example.com"},
            ]
        )
        self.server.refused = {"second@example.com"}
        mailing = self._mail(moves)
        [(addresses, message)] = self.server.messages
        self.assertEqual(sorted(addresses), ["accounts@example.com", "c0@example.com"])
        self.assertIn("accounts@example.com", message["To"])
        self.assertEqual((mailing.line_ids.state, moves.delivery_state), ("sent", "sent"))
        self.assertIn("second@example.com: 550", mailing.line_ids.error)
        self.company.crm_mailing_all_contacts = False
        self.server.messages.clear()
        self._mail(moves)
        self.assertEqual(self.server.get_addresses(), ["c0@example.com"])

    def test_address_of_the_company_of_a_contact(self):
        moves = self._make_invoices(1)
        contact = self.env["res.partner"].create({"name": "Person", "parent_id": moves.partner_id.id})
        moves.button_draft()
        moves.partner_id = contact
        moves.action_post()
        self._mail(moves)
        self.assertEqual(self.server.get_addresses(), ["c0@example.com"])

    def test_template_of_the_company(self):
        moves = self._make_invoices(1)
        self.assertEqual(moves._get_mail_template(), self.env.ref("custom_crm.mail_template_invoice"))
        own = self.env["mail.template"].create(
            {
                "name": "Own",
                "model_id": self.env["ir.model"]._get_id("account.move"),
                "email_from": "own@company.example",
                "subject": "Pay {{ object.amount_total }}",
            }
        )
        self.company.crm_mailing_template_id = own
        mailing = self._mail(moves)
        self.assertFalse(mailing.line_ids.error)
        self.assertEqual(self.server.messages[0][1]["Subject"], "Pay 1000.0")
        self.company.crm_mailing_template_id = False
        self.assertEqual(moves._get_mail_template(), self.env.ref("account.email_template_edi_invoice"))
        wrong = self.env["mail.template"].create(
            {"name": "Wrong", "model_id": self.env["ir.model"]._get_id("res.partner")}
        )
        with self.assertRaises(ValidationError):
            self.company.crm_mailing_template_id = wrong

    def test_settings_reach_the_company(self):
        settings = self.env["res.config.settings"].create({})
        settings.write({"crm_mailing_per_minute": 7, "crm_mailing_copy": True, "crm_mailing_all_contacts": False})
        settings.execute()
        company = self.company
        self.assertEqual(
            (company.crm_mailing_per_minute, company.crm_mailing_copy, company.crm_mailing_all_contacts),
            (7, True, False),
        )

    # What is told

    def test_obstacles_of_all_messages(self):
        mailing = self._make_mailing(self._make_invoices(1))
        with patch.object(self.env.registry["ir.mail_server"], "_disable_send", lambda self: True):
            self.assertFalse(mailing.warning)
        self.cron.active = False
        self.env["ir.config_parameter"].set_param("database.is_neutralized", "true")
        self.company.email = self.manager.email = False
        self.env["ir.mail_server"].search([]).active = False
        self.env["ir.mail_server"].create({"name": "Off", "smtp_host": "127.0.0.1", "smtp_port": 1})
        self.env.invalidate_all()
        for words in ("switched off", "neutralized", "address to send from", "127.0.0.1:1 can't be reached"):
            self.assertIn(words, mailing.warning)
        with self.assertRaisesRegex(UserError, "switched off"):
            mailing.action_start()
        self.assertEqual(mailing.state, "draft")

    def test_result_is_told_in_the_chatter(self):
        moves = self._make_invoices(2)
        moves[0].partner_id.email = False
        mailing = self._mail(moves)
        self.assertIn("1 mailed, 1 failed", "".join(mailing.message_ids.mapped("body")))

    def test_invoice_actions(self):
        moves = self._make_invoices(2)
        action = moves.with_user(self.manager).action_crm_mailing()
        mailing = self.env["crm.invoice.mailing"].browse(action["res_id"])
        self.assertEqual((mailing.line_ids.move_id, mailing.state, mailing.user_id), (moves, "draft", self.manager))
        with self.assertRaises(UserError):
            self.env["account.move"].action_crm_mailing()

    # Odoo's own «Send»

    def _send_by_wizard(self, move):
        wizard = self.env["account.move.send.wizard"].create({"move_id": move.id})
        with mute_logger("odoo.addons.mail.models.mail_mail"):
            wizard.action_send_and_print()

    def test_delivery_follows_odoos_button(self):
        good, bad = self._make_invoices(2)
        self.server.refused = {"c1@example.com"}
        self._send_by_wizard(good)
        self._send_by_wizard(bad)
        self.assertEqual((good.delivery_state, bad.delivery_state), ("sent", "failed"))
        self.assertTrue(good.mailed_date)
        self.assertIn("550", bad.delivery_error)

    def test_bounce(self):
        moves = self._make_invoices(1)
        self._mail(moves)
        moves.delivery_message_id.notification_ids.write(
            {"notification_status": "bounce", "failure_type": "mail_bounce", "failure_reason": "Mailbox full"}
        )
        self.assertEqual(moves.delivery_state, "failed")

    def test_another_message_changes_nothing(self):
        moves = self._make_invoices(1)
        self._mail(moves)
        with mute_logger("odoo.addons.mail.models.mail_mail"):
            self.server.refused = {"c0@example.com"}
            moves.message_post(body="Hello", partner_ids=moves.partner_id.ids, subtype_xmlid="mail.mt_comment")
        self.assertEqual(moves.delivery_state, "sent")

    def test_no_noise_on_the_invoice(self):
        moves = self._make_invoices(1)
        before = moves.message_ids
        self._mail(moves)
        self.assertEqual(len(moves.message_ids - before), 1)
        self.assertFalse(moves.copy().mailed_date)

    # Rights

    def test_rights(self):
        mailing = self._make_mailing(self._make_invoices(1))
        with self.assertRaises(AccessError):
            mailing.with_user(self.executor).read(["name"])
        with self.assertRaises(AccessError):
            mailing.with_user(self.cashier).action_start()
        self.assertEqual(mailing.with_user(self.accountant).state, "draft")
        with self.assertRaises(AccessError):
            mailing.with_user(self.accountant).action_start()
        for vals in ({"state": "done"}, {"is_stopped": True}, {"user_id": self.admin.id}):
            with self.assertRaises(UserError):
                mailing.write(vals)
        with self.assertRaises(UserError):
            mailing.line_ids.write({"state": "sent"})
        mailing.action_start()
        for action in (mailing.action_prepare, mailing.unlink, mailing.line_ids.unlink):
            with self.assertRaises(UserError):
                action()
        with self.assertRaises(UserError):
            mailing.month = date(2026, 4, 1)

    def test_companies(self):
        other = self.env["res.company"].create({"name": "Other"})
        mailing = self.env["crm.invoice.mailing"].create({"company_id": other.id})
        Mailing = self.env["crm.invoice.mailing"].with_user(self.manager)
        self.assertNotIn(mailing, Mailing.search([]))
        with self.assertRaises(AccessError):
            mailing.with_user(self.manager).action_prepare()

    def test_query_count_is_flat(self):
        """Statements per invoice do not grow with the number of invoices."""

        def count(number):
            mailing = self._make_mailing(self._make_invoices(number))
            mailing.action_start()
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self._run_cron()
            self.assertEqual(mailing.sent_count, number)
            return self.env.cr.sql_log_count - before

        count(2)
        few, many, most = count(5), count(15), count(25)
        self.assertLess((most - many) / 10, 1.2 * (many - few) / 10)
