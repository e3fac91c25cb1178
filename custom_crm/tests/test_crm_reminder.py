from datetime import date, timedelta
from unittest.mock import patch

from freezegun import freeze_time
from psycopg2.errors import UniqueViolation

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged
from odoo.tools import html2plaintext, mute_logger

from .test_account_payment import CashCommon

DUE = date(2026, 3, 10)


@tagged("post_install", "-at_install")
class TestReminder(CashCommon):
    """Each overdue invoice is reminded of once a level, in one letter a client, and of nothing else."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.company"].search([]).crm_reminders = False
        cls.company.crm_reminders = True
        cls.company.partner_id.tz = "UTC"
        cls.company.email = "books@company.example"
        cls.cron = cls.env.ref("custom_crm.ir_cron_reminders")
        cls.env["crm.reminder.level"].search([]).action_archive()
        cls.env.flush_all()
        Level = cls.env["crm.reminder.level"]
        cls.first, cls.second, cls.last = Level.create(
            [
                {"name": "First Reminder", "days": 3},
                {"name": "Second Reminder", "days": 14},
                {"name": "Last Reminder", "days": 30},
            ]
        )
        cls.other_client.email = "office@poligon.example"
        for code in ("en_US", "ru_RU"):
            cls.env["res.lang"]._activate_lang(code)
        (cls.client | cls.other_client).lang = "en_US"

    def _run(self, days=0, hour=10):
        """Run the scheduled action this number of days after the invoices' due date.

        :return: what it put into the mail queue
        """
        before = self.env["mail.mail"].search([])
        with freeze_time(f"{DUE + timedelta(days=days)} {hour:02}:00:00"):
            with self.enter_registry_test_mode():
                self.cron.method_direct_trigger()
            self.env.invalidate_all()
        return self.env["mail.mail"].search([], order="id") - before

    def _reminders(self, *moves):
        ids = [move.id for move in moves]
        domain = [("move_id", "in", ids)] if ids else []
        return self.env["crm.reminder"].search(domain, order="id")

    def _text(self, mail):
        return html2plaintext(mail.body_html)

    # -------------------------------------------------------------------------
    # LEVELS
    # -------------------------------------------------------------------------

    def test_each_level_once(self):
        invoice = self._make_invoice(100)
        sent = []
        for days in (0, 1, 2, 3, 3, 4, 13, 14, 15, 29, 30, 31, 500):
            sent += [days for _mail in self._run(days)]
        self.assertEqual(sent, [3, 14, 30])
        self.assertEqual(self._reminders(invoice).level_id, self.first | self.second | self.last)
        self.assertEqual(self._reminders(invoice).mapped("state"), ["sent"] * 3)

    def test_only_the_highest_after_an_outage(self):
        invoice = self._make_invoice(100)
        self.assertEqual(len(self._run(20)), 1)
        self.assertEqual(self._reminders(invoice).level_id, self.second)
        self.assertFalse(self._run(25))
        self.assertEqual(len(self._run(45)), 1)
        self.assertEqual(self._reminders(invoice).level_id, self.second | self.last)

    def test_changed_levels(self):
        """Neither a new lower level, nor other days of one that was sent, nor one in the archive repeats a letter."""
        self._make_invoice(100)
        self._run(14)
        self.env["crm.reminder.level"].create({"name": "In between", "days": 7})
        self.assertFalse(self._run(15))
        self.second.days = 15
        self.assertFalse(self._run(16))
        self.second.days = 2
        self.assertFalse(self._run(16))
        self.second.action_archive()
        self.assertFalse(self._run(17))
        self.assertEqual(len(self._run(30)), 1)

    def test_levels_of_a_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.first.company_id = other
        self._make_invoice(100)
        self.assertFalse(self._run(3))
        self.first.company_id = self.company
        self.assertEqual(len(self._run(3)), 1)

    def test_impossible_levels(self):
        for vals in ({"days": 0}, {"days": -1}, {"template_id": self.env.ref("account.email_template_edi_invoice").id}):
            with self.assertRaises(ValidationError), self.env.cr.savepoint():
                self.first.write(vals)
        with self.assertRaises(UniqueViolation), mute_logger("odoo.sql_db"), self.env.cr.savepoint():
            self.first.copy()

    # -------------------------------------------------------------------------
    # LETTERS
    # -------------------------------------------------------------------------

    def test_one_letter_a_client(self):
        """It lists the invoices that reached the level, with what is still due; the queue sends it."""
        invoices = self._make_invoice(100) | self._make_invoice(250)
        receipt = self._make_receipt(50, [(invoices[1], 50)])
        receipt.action_post()
        contact = self.env["res.partner"].create({"name": "Anna", "parent_id": self.client.id})
        invoices |= self._make_invoice(1000, partner_id=contact.id)
        later = self._make_invoice(7, due=DUE + timedelta(days=2))
        other = self._make_invoice(40, partner_id=self.other_client.id)
        mails = self._run(3)
        self.assertEqual(mails.recipient_ids, self.client | self.other_client)
        self.assertEqual(len(mails), 2)
        self.assertEqual(set(mails.mapped("state")), {"outgoing"})
        mail = mails.filtered(lambda mail: mail.res_id == self.client.id)
        text = self._text(mail)
        for move in invoices:
            self.assertIn(move.name, text)
        for move in later | other:
            self.assertNotIn(f"{move.name} ", f"{text} ")
        self.assertIn("1,300.00", mail.subject)
        self.assertIn("200.00", text)
        self.assertIn("03/10/2026", text)
        self.assertIn("books@company.example", mail.email_from)
        self.assertEqual((mail.model, mail.res_id), ("res.partner", self.client.id))
        self.assertCountEqual(self._reminders(*invoices).mapped("amount"), [100, 200, 1000])
        self.assertEqual(self._reminders(*invoices).mail_id, mail)
        self.assertIn("First Reminder", invoices[0].message_ids[0].body)
        self.assertIn(self.client.email, invoices[0].message_ids[0].body)
        self.assertIn(mail.mail_message_id, self.client.message_ids)

    def test_language_of_the_client(self):
        self.client.lang = "ru_RU"
        template = self.first.template_id.with_context(lang="ru_RU")
        template.subject = "Просроченные счета: {{ ', '.join(object._get_reminder_totals()) }}"
        self._make_invoice(100)
        self._make_invoice(100, partner_id=self.other_client.id)
        subjects = {mail.res_id: mail.subject for mail in self._run(3)}
        self.assertTrue(subjects[self.client.id].startswith("Просроченные счета"))
        self.assertTrue(subjects[self.other_client.id].startswith("Overdue invoices"))

    def test_two_levels_on_one_day(self):
        """A letter for each, and the higher one does not take the other's invoices."""
        old = self._make_invoice(100, due=DUE - timedelta(days=40))
        new = self._make_invoice(200)
        mails = self._run(3)
        self.assertEqual(len(mails), 2)
        levels = {reminder.move_id: reminder.level_id for reminder in self._reminders(old, new)}
        self.assertEqual(levels, {old: self.last, new: self.first})

    def test_contact_for_invoices(self):
        contact = self.env["res.partner"].create(
            {"name": "Bookkeeping", "type": "invoice", "parent_id": self.client.id, "email": "books@polyus.example"}
        )
        self._make_invoice(100)
        self.assertEqual(self._run(3).recipient_ids, contact)

    def test_instalments(self):
        """The part that is overdue counts, and a later part is a part of the same invoice."""
        term = self.env.ref("account.account_payment_term_advance_60days", raise_if_not_found=False)
        if not term:
            self.skipTest("no payment term with instalments")
        invoice = self._make_invoice(1000, due=False, invoice_payment_term_id=term.id)
        first, *_rest = invoice.line_ids.filtered("date_maturity").sorted("date_maturity")
        days = (first.date_maturity - DUE).days + 3
        mail = self._run(days)
        self.assertEqual(self._reminders(invoice).amount, first.amount_residual)
        self.assertEqual(len(mail), 1)
        self.assertEqual(len(self._run(days + 365)), 1)
        self.assertEqual(len(self._reminders(invoice)), 2)

    def test_preview_lists_what_is_overdue(self):
        invoice = self._make_invoice(100)
        with freeze_time(DUE + timedelta(days=1)):
            template = self.first.template_id
            body = template._render_field("body_html", self.client.ids)[self.client.id]
        self.assertIn(invoice.name, html2plaintext(body))

    # -------------------------------------------------------------------------
    # WHO GETS NONE
    # -------------------------------------------------------------------------

    def test_off_by_default(self):
        self.assertFalse(self.env["res.company"].new({}).crm_reminders)
        self.company.crm_reminders = False
        self._make_invoice(100)
        self.assertFalse(self._run(3))

    def test_what_needs_no_reminder(self):
        paid, reversed_move, blocked, silent, draft = (self._make_invoice(100, post=index < 4) for index in range(5))
        self._register(paid, self.bank)
        reversed_move._reverse_moves(cancel=True)
        blocked.action_toggle_block_payment()
        silent.no_followup = True
        refund = self._make_invoice(100, move_type="out_refund")
        bill = self._make_invoice(100, move_type="in_invoice")
        self.assertFalse(self._run(3))
        self.assertFalse(self._reminders(paid, reversed_move, blocked, silent, draft, refund, bill))
        blocked.action_toggle_block_payment()
        self.assertEqual(len(self._run(4)), 1)

    def test_client_in_the_archive(self):
        invoice = self._make_invoice(100)
        self.client.action_archive()
        self.assertFalse(self._run(3))
        self.assertFalse(self._reminders(invoice))

    def test_no_address(self):
        """It is noted once; as soon as there is an address the letter goes out."""
        self.client.email = "nonsense"
        invoice = self._make_invoice(100)
        good = self._make_invoice(100, partner_id=self.other_client.id)
        self.assertEqual(self._run(3).recipient_ids, self.other_client)
        self.assertEqual(self._reminders(good).state, "sent")
        count = len(invoice.message_ids)
        self.assertIn("no e-mail address", invoice.message_ids[0].body)
        self.assertFalse(self._run(4))
        self.assertEqual(len(invoice.message_ids), count)
        self.assertEqual(self._reminders(invoice).state, "no_address")
        self.client.email = "office@polyus.example"
        mail = self._run(5)
        self.assertEqual(self._reminders(invoice).state, "sent")
        self.assertEqual(self._reminders(invoice).mail_id, mail)
        self.assertFalse(self._run(6))

    def test_the_companys_day(self):
        """At 13:00 UTC the next day has begun in Kamchatka."""
        self._make_invoice(100)
        self.assertFalse(self._run(2, hour=13))
        self.company.partner_id.tz = "Asia/Kamchatka"
        self.assertEqual(len(self._run(2, hour=13)), 1)

    # -------------------------------------------------------------------------
    # WHAT GOES WRONG
    # -------------------------------------------------------------------------

    def test_the_database_keeps_one_a_level(self):
        self._make_invoice(100)
        self._run(3)
        with self.assertRaises(UniqueViolation), mute_logger("odoo.sql_db"), self.env.cr.savepoint():
            self._reminders()[:1].copy({"state": "sent"})

    def test_one_bad_client_stops_no_other(self):
        """What fails leaves no trace but the reason, and is tried again."""
        bad, good = self._make_invoice(100), self._make_invoice(100, partner_id=self.other_client.id)
        body = self.first.template_id.body_html
        name = self.client.name
        self.first.template_id.body_html = f"<p t-if=\"object.name == '{name}'\" t-out='1 / 0'/>"
        with mute_logger("odoo.addons.custom_crm.models.crm_reminder", "odoo.addons.mail.models.mail_render_mixin"):
            mails = self._run_with_savepoints(3)
        self.assertEqual(mails.recipient_ids, self.other_client)
        self.assertEqual(self._reminders(bad, good).move_id, good)
        self.assertIn(name, self.first.error)
        self.first.template_id.body_html = body
        self.assertEqual(self._run(4).recipient_ids, self.client)
        self.assertFalse(self.first.error)

    def _run_with_savepoints(self, days):
        """Run it in the test's transaction, where what is rolled back is only what was not saved yet."""
        before = self.env["mail.mail"].search([])
        self.env.flush_all()
        self.env.cr.execute("SAVEPOINT reminder_saved")

        def commit(cron, *_args, **_kwargs):
            cron.env.flush_all()
            cron.env.cr.execute("SAVEPOINT reminder_saved")
            return 1.0

        def rollback():
            self.env.transaction.clear()
            self.env.cr.execute("ROLLBACK TO SAVEPOINT reminder_saved")

        with (
            freeze_time(f"{DUE + timedelta(days=days)} 10:00:00"),
            patch.object(self.registry["ir.cron"], "_commit_progress", commit),
            patch.object(self.env.cr, "rollback", rollback),
        ):
            self.env["crm.reminder"]._cron_remind()
        self.env.invalidate_all()
        return self.env["mail.mail"].search([]) - before

    def test_no_time(self):
        """What is left goes out the next time, the rest stays sent."""
        self._make_invoice(100)
        self._make_invoice(100, partner_id=self.other_client.id)
        answers = iter([1.0, 0.0])
        with (
            patch("odoo.addons.custom_crm.models.crm_reminder.CHUNK_SIZE", 1),
            patch.object(self.registry["ir.cron"], "_commit_progress", lambda *_args, **_kwargs: next(answers, 0.0)),
        ):
            first = self._run_here(3)
        self.assertEqual(len(first), 1)
        second = self._run(3)
        self.assertEqual(len(second), 1)
        self.assertEqual((first | second).recipient_ids, self.client | self.other_client)

    def _run_here(self, days):
        before = self.env["mail.mail"].search([])
        self.last.action_archive()
        self.second.action_archive()
        with freeze_time(f"{DUE + timedelta(days=days)} 10:00:00"):
            self.env["crm.reminder"]._cron_remind()
        return self.env["mail.mail"].search([]) - before

    def test_failed_letter_is_sent_again(self):
        invoice = self._make_invoice(100)
        mail = self._run(3)
        reminder = self._reminders(invoice).with_user(self.manager)
        with self.assertRaises(UserError):
            reminder.action_send_again()
        mail.write({"state": "exception"})
        self.assertEqual(reminder.mail_state, "exception")
        reminder.action_send_again()
        self.assertEqual(mail.state, "outgoing")

    def test_scheduled_action_that_is_off(self):
        """Nobody switches on what would never be done."""
        for cron in (self.cron, self.env.ref("mail.ir_cron_mail_scheduler_action")):
            self.company.crm_reminders = False
            cron.active = False
            with self.assertRaises(UserError), self.env.cr.savepoint():
                self.company.crm_reminders = True
            cron.active = True

    # -------------------------------------------------------------------------
    # RIGHTS
    # -------------------------------------------------------------------------

    def test_access(self):
        invoice = self._make_invoice(100)
        self._run(3)
        reminder = self._reminders(invoice)
        for user in (self.manager, self.accountant):
            self.assertEqual(reminder.with_user(user).level_id.name, "First Reminder")
            self.assertEqual(reminder.with_user(user).mail_state, "outgoing")
            for record in (reminder, self.first):
                with self.assertRaises(AccessError):
                    record.with_user(user).write({"days": 5})
            with self.assertRaises(AccessError):
                reminder.with_user(user).unlink()
        for user in (self.executor, self.cashier):
            with self.assertRaises(AccessError):
                reminder.with_user(user).read(["state"])
        with Form(self.env["crm.reminder.level"].with_user(self.admin)) as form:
            form.name = "Before court"
            form.days = 60
        with self.assertRaises(AccessError):
            reminder.with_user(self.admin).write({"state": "no_address"})

    def test_other_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        invoice = self._make_invoice(100)
        self._run(3)
        own = self.env["crm.reminder.level"].create({"name": "Theirs", "days": 3, "company_id": other.id})
        with self.assertRaises(AccessError):
            own.with_user(self.admin).read(["name"])
        self.manager.write({"company_ids": [(6, 0, other.ids)], "company_id": other.id})
        self.assertFalse(self.env["crm.reminder"].with_user(self.manager).search([("move_id", "=", invoice.id)]))

    # -------------------------------------------------------------------------
    # SPEED
    # -------------------------------------------------------------------------

    def test_no_query_per_client(self):
        def count(clients):
            partners = self.env["res.partner"].create(
                [{"name": f"Client {number}", "email": f"c{number}@x.example"} for number in range(clients)]
            )
            for partner in partners:
                self._make_invoice(100, partner_id=partner.id)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            with patch.object(self.registry["ir.cron"], "_commit_progress", lambda *_args, **_kwargs: 1.0):
                self.assertEqual(len(self._run_here(3)), clients)
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

        count(1)
        few, many = count(2), count(22)
        self.assertEqual(many, few)
