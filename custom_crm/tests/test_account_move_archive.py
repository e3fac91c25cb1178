from datetime import date
from unittest.mock import patch

from freezegun import freeze_time
from lxml import etree
from psycopg2.errors import CheckViolation

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.service.model import call_kw
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from .common import CrmCommon

# Fields that nobody may write in the archive, whatever Odoo allows on a posted invoice.
REFUSED_VALUES = {
    "contract_id": False,
    "currency_id": 1,
    "fiscal_position_id": False,
    "invoice_date": "2026-02-02",
    "invoice_date_due": "2026-12-31",
    "invoice_incoterm_id": False,
    "invoice_origin": "other",
    "invoice_user_id": False,
    "is_archived": False,
    "move_type": "entry",
    "name": "OTHER/1",
    "narration": "other",
    "partner_bank_id": False,
    "partner_id": 1,
    "payment_reference": "other",
    "posted_before": False,
    "ref": "other",
    "state": "draft",
}


class ArchiveCommon(CrmCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.invoice = cls._make_invoice()
        cls.attachment = cls.env["ir.attachment"].create(
            {"name": "invoice.pdf", "raw": b"%PDF", "res_model": "account.move", "res_id": cls.invoice.id}
        )
        cls.invoice.with_user(cls.manager).action_move_to_archive()

    @classmethod
    def _make_invoice(cls, post=True, **vals):
        defaults = {
            "move_type": "out_invoice",
            "partner_id": cls.client.id,
            "invoice_date": date(2026, 1, 10),
            "invoice_line_ids": [Command.create({"product_id": cls.product.id, "price_unit": 300})],
        }
        move = cls.env["account.move"].create({**defaults, **vals})
        if post:
            move.action_post()
        return move

    def _pay(self, move, day=date(2026, 1, 20), amount=None):
        wizard = self.env["account.payment.register"].with_context(active_model="account.move", active_ids=move.ids)
        vals = {"payment_date": day} | ({"amount": amount} if amount else {})
        return wizard.create(vals)._create_payments()


@tagged("post_install", "-at_install")
class TestAccountMoveArchive(ArchiveCommon):
    def _call(self, user, model, name, *args, **kwargs):
        """As a browser or any other client would call a method."""
        Model = self.env(user=user)[model]
        return call_kw(Model, name, list(args), kwargs)

    def _iter_doors(self):
        """Name, model, method and arguments of every way to change the archived invoice or a part of it."""
        move, line = self.invoice, self.invoice.invoice_line_ids
        for name, value in REFUSED_VALUES.items():
            yield f"write {name}", "account.move", "write", move.ids, {name: value}
        yield "save", "account.move", "web_save", move.ids, {"ref": "other"}, {}
        yield (
            "price by the invoice",
            "account.move",
            "write",
            move.ids,
            {"invoice_line_ids": [Command.update(line.id, {"price_unit": 1})]},
        )
        yield "line by the invoice", "account.move", "write", move.ids, {"line_ids": [Command.delete(line.id)]}
        yield (
            "attachment by the invoice",
            "account.move",
            "write",
            move.ids,
            {"attachment_ids": [Command.delete(self.attachment.id)]},
        )
        yield "import", "account.move", "load", [".id", "ref"], [[str(move.id), "other"]]
        yield (
            "import of lines",
            "account.move",
            "load",
            [".id", "invoice_line_ids/.id", "invoice_line_ids/name"],
            [[str(move.id), str(line.id), "other"]],
        )
        for button in ("button_draft", "button_cancel", "button_request_cancel", "unlink"):
            yield button, "account.move", button, move.ids
        for values in (
            {"price_unit": 1},
            {"quantity": 2},
            {"name": "other"},
            {"tax_ids": [Command.clear()]},
            {"date_maturity": "2026-12-31"},
            {"account_id": self.company.account_journal_suspense_account_id.id},
            {"analytic_distribution": {"1": 100}},
            {"move_id": self.other.id},
        ):
            yield f"line {values}", "account.move.line", "write", line.ids, values
        yield "a line more", "account.move.line", "create", [{"move_id": move.id, "name": "other"}]
        yield "a line moved here", "account.move.line", "write", self.other.invoice_line_ids.ids, {"move_id": move.id}
        yield "lines deleted", "account.move.line", "unlink", move.line_ids.ids
        yield "attachment deleted", "ir.attachment", "unlink", self.attachment.ids
        for values in ({"raw": "b3RoZXI="}, {"res_id": self.other.id}, {"res_model": False}, {"name": "other"}):
            yield f"attachment {values}", "ir.attachment", "write", self.attachment.ids, values

    def test_every_door_is_closed(self):
        self.other = self._make_invoice(post=False)
        self.env.flush_all()
        before = self._read_all()
        for user in (self.manager, self.accountant, self.admin):
            for label, model, method, *args in self._iter_doors():
                with self.subTest(label, user=user.login):
                    self._assert_refused(user, model, method, args)
                    self.env.invalidate_all()
                    self.assertEqual(self._read_all(), before)

    def _assert_refused(self, user, model, method, args):
        if method == "load":
            messages = self._call(user, model, method, *args)["messages"]
            self.assertTrue(any("archive" in message["message"] for message in messages), messages)
            return
        for context in ({}, {"force_delete": True, "skip_readonly_check": True, "dynamic_unlink": True}):
            with self.assertRaises(UserError), self.env.cr.savepoint():
                self._call(user, model, method, *args, context=context)

    def _read_all(self):
        """What the invoice is, its lines and its attachment."""
        move = self.invoice.sudo()
        return [
            move.read([*REFUSED_VALUES, "amount_total"]),
            move.line_ids.read(["name", "account_id", "balance", "price_unit", "quantity", "date_maturity", "move_id"]),
            self.attachment.read(["name", "raw", "res_model", "res_id"]),
        ]

    def test_message_names_the_invoice(self):
        with self.assertRaisesRegex(UserError, self.invoice.name):
            self.invoice.with_user(self.manager).button_draft()
        with self.assertRaisesRegex(UserError, self.invoice.name):
            self.attachment.with_user(self.manager).unlink()

    def test_stranger_does_not_learn_its_name(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        stranger = new_test_user(
            self.env, login="stranger", groups="custom_crm.group_manager", company_id=company.id, lang="en_US"
        )
        for record in (self.invoice, self.invoice.invoice_line_ids):
            with self.assertRaises(AccessError) as caught:
                record.with_user(stranger).write({"name": "other"})
            self.assertNotIn(self.invoice.name, str(caught.exception))

    def test_system_keeps_it_as_well(self):
        with self.assertRaises(UserError):
            self.invoice.sudo().ref = "other"
        with self.assertRaises(UserError):
            self.invoice.sudo().with_context(force_delete=True).unlink()

    def test_database_keeps_it_posted(self):
        with mute_logger("odoo.sql_db"), self.assertRaises(CheckViolation), self.env.cr.savepoint():
            self.env.cr.execute("UPDATE account_move SET state = 'draft' WHERE id = %s", [self.invoice.id])

    def test_button_to_draft_is_gone(self):
        self.assertFalse(self.invoice.show_reset_to_draft_button)
        self.assertTrue(self._make_invoice().show_reset_to_draft_button)

    def test_form_is_read_only(self):
        form = Form(self.invoice.with_user(self.manager))
        for name in ("ref", "payment_reference", "invoice_user_id", "narration", "partner_bank_id", "partner_id"):
            with self.subTest(name), self.assertRaises(AssertionError):
                form[name] = False
        Form(self._make_invoice().with_user(self.manager)).payment_reference = "other"

    def test_several_at_once(self):
        """A mass edit with one in the archive changes none."""
        other = self._make_invoice()
        with self.assertRaises(UserError), self.env.cr.savepoint():
            (other | self.invoice).with_user(self.manager).invoice_user_id = self.admin
        self.assertNotEqual(other.invoice_user_id, self.admin)

    # -------------------------------------------------------------------------
    # INTO THE ARCHIVE AND OUT OF IT
    # -------------------------------------------------------------------------

    def test_archived(self):
        self.assertTrue(self.invoice.is_archived)
        self.assertEqual(self.invoice.archived_user_id, self.manager)
        self.assertTrue(self.invoice.archived_date)
        self.assertIn("archive", self.invoice.message_ids[0].body)
        self.assertEqual(self.invoice.message_ids[0].author_id, self.manager.partner_id)

    def test_only_posted_customer_documents(self):
        note = self._make_invoice(move_type="out_refund")
        note.action_move_to_archive()
        self.assertTrue(note.is_archived)
        cancelled = self._make_invoice()
        cancelled.button_cancel()
        bill = self._make_invoice(move_type="in_invoice")
        entry = self._pay(self._make_invoice()).move_id
        for move in (self._make_invoice(post=False), cancelled, bill, entry):
            with self.subTest(move.display_name), self.assertRaises(UserError):
                move.action_move_to_archive()
            self.assertFalse(move.is_archived)

    def test_many_tell_which_could_not(self):
        good, draft = self._make_invoice(), self._make_invoice(post=False, ref="Number 7")
        action = (good | draft | self.invoice).with_user(self.manager).action_move_to_archive()
        self.assertTrue(good.is_archived)
        self.assertFalse(draft.is_archived)
        self.assertIn("Number 7", action["params"]["message"])
        self.assertNotIn(good.name, action["params"]["message"])
        self.assertIn("1", action["params"]["title"])

    def test_second_click_does_nothing(self):
        before = self.invoice.archived_date, len(self.invoice.message_ids)
        self.assertTrue(self.invoice.with_user(self.admin).action_move_to_archive())
        self.assertEqual((self.invoice.archived_date, len(self.invoice.message_ids)), before)
        self.assertEqual(self.invoice.archived_user_id, self.manager)

    def test_who_may_archive(self):
        invoice = self._make_invoice()
        for user in (self.executor, self.cashier):
            with self.subTest(user.login), self.assertRaises(AccessError):
                invoice.with_user(user).action_move_to_archive()
        invoice.with_user(self.accountant).action_move_to_archive()
        self.assertTrue(invoice.is_archived)

    def test_who_may_restore(self):
        for user in (self.executor, self.cashier, self.manager, self.accountant):
            with self.subTest(user.login), self.assertRaises(AccessError):
                self._call(user, "account.move", "action_restore_from_archive", self.invoice.ids)
        self._call(self.admin, "account.move", "action_restore_from_archive", self.invoice.ids)
        self.assertFalse(self.invoice.is_archived or self.invoice.archived_date or self.invoice.archived_user_id)
        self.assertIn("Taken out", self.invoice.message_ids[0].body)
        self.assertEqual(self.invoice.message_ids[0].author_id, self.admin.partner_id)
        self.invoice.with_user(self.manager).button_draft()
        self.invoice.with_user(self.manager).invoice_line_ids.price_unit = 200
        self.assertEqual(self.invoice.amount_total, 200)

    def test_not_forged(self):
        invoice = self._make_invoice().with_user(self.admin)
        for vals in ({"is_archived": True}, {"archived_date": "2026-01-01"}, {"restored_on": "2026-01-01"}):
            with self.subTest(vals), self.assertRaises(UserError):
                invoice.write(vals)
        create = {"move_type": "out_invoice", "partner_id": self.client.id}
        for values, error in (
            ({"is_archived": True}, CheckViolation),
            ({"archived_user_id": self.admin.id}, UserError),
        ):
            context = {f"default_{name}": value for name, value in values.items()}
            for call, vals in ((invoice.with_context(**context), create), (invoice, {**create, **values})):
                with (
                    self.subTest(vals),
                    mute_logger("odoo.sql_db"),
                    self.assertRaises(error),
                    self.env.cr.savepoint(),
                ):
                    call.create(vals)
        for method in ("_archive", "_set_archived", "_cron_archive_settled"):
            with self.subTest(method), self.assertRaises(AccessError):
                self._call(self.admin, "account.move", method, invoice.ids)

    def test_copy_is_not_in_the_archive(self):
        copy = self.invoice.copy()
        self.assertFalse(copy.is_archived or copy.archived_date or copy.archived_user_id)

    def test_somebody_else_is_changing_it(self):
        invoice = self._make_invoice()
        with patch.object(self.registry["account.move"], "try_lock_for_update", lambda self, **_kw: self.browse()):
            with self.assertRaisesRegex(UserError, "at this moment"):
                invoice.action_move_to_archive()
            with self.assertRaisesRegex(UserError, "at this moment"):
                self.invoice.with_user(self.admin).action_restore_from_archive()
        self.assertFalse(invoice.is_archived)
        self.assertTrue(self.invoice.is_archived)

    def test_many_are_archived_in_a_constant_number_of_queries(self):
        def count(number):
            moves = self.env["account.move"].union(*(self._make_invoice() for _n in range(number)))
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            moves.with_user(self.manager).action_move_to_archive()
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

        count(1)
        self.assertLessEqual(count(20), count(2) + 2)

    def test_list_reads_in_a_constant_number_of_queries(self):
        view = self.env.ref("custom_crm.account_move_view_list")
        Move = self.env["account.move"].with_user(self.manager)
        arch = etree.fromstring(Move.get_view(view.id, "list")["arch"])
        specification = {
            node.get("name"): {"fields": {"display_name": {}}} if Move._fields[node.get("name")].relational else {}
            for node in arch.iter("field")
        }
        self.assertIn("is_archived", specification)
        moves = self.env["account.move"].union(
            *(self._make_invoice(contract_id=self._make_active().id) for _n in range(12))
        )
        moves[:6].action_move_to_archive()

        def count(number):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            Move.web_search_read([("id", "in", moves[:number].ids)], {**specification, "settlement": {}})
            return self.env.cr.sql_log_count - before

        count(2)
        self.assertEqual(count(12), count(2))

    # -------------------------------------------------------------------------
    # WHAT STAYS POSSIBLE
    # -------------------------------------------------------------------------

    def test_paid_and_unpaid(self):
        payment = self._pay(self.invoice.with_user(self.manager), amount=100)
        self.assertEqual((self.invoice.payment_state, self.invoice.amount_residual), ("partial", 200))
        self._pay(self.invoice.with_user(self.accountant))
        self.assertEqual(self.invoice.amount_residual, 0)
        self.assertIn(self.invoice.payment_state, ("paid", "in_payment"))
        payment.with_user(self.accountant).action_cancel()
        self.assertEqual(self.invoice.amount_residual, 100)
        self.invoice.with_user(self.accountant).line_ids.remove_move_reconcile()
        self.assertEqual((self.invoice.payment_state, self.invoice.amount_residual), ("not_paid", 300))
        self.assertTrue(self.invoice.is_archived)

    def test_credited(self):
        wizard = self.env["account.move.reversal"].with_user(self.manager)
        wizard = wizard.with_context(active_model="account.move", active_ids=self.invoice.ids)
        wizard.create({"journal_id": self.invoice.journal_id.id, "reason": "Returned"}).refund_moves()
        note = self.invoice.reversal_move_ids
        self.assertFalse(note.is_archived)
        if note.state == "draft":
            note.with_user(self.manager).action_post()
        self.assertEqual(self.invoice.payment_state, "reversed")

    def test_credited_and_made_anew(self):
        wizard = self.env["account.move.reversal"].with_user(self.manager)
        wizard = wizard.with_context(active_model="account.move", active_ids=self.invoice.ids)
        action = wizard.create({"journal_id": self.invoice.journal_id.id}).modify_moves()
        anew = self.env["account.move"].browse(action["res_id"])
        self.assertEqual((anew.state, anew.is_archived), ("draft", False))
        self.assertEqual(self.invoice.payment_state, "reversed")

    def test_printed_and_mailed(self):
        wizard = self.env["account.move.send.wizard"].with_user(self.manager)
        wizard = wizard.with_context(active_model="account.move", active_ids=self.invoice.ids)
        wizard.create({}).action_send_and_print()
        self.assertTrue(self.invoice.is_move_sent)
        self.assertTrue(self.invoice.invoice_pdf_report_id)
        self.invoice.with_user(self.manager).action_print_pdf()
        self.invoice.with_user(self.manager).preview_invoice()
        self.assertTrue(self.invoice.access_token)
        with self.assertRaises(UserError):
            self.invoice.invoice_pdf_report_id.with_user(self.manager).unlink()
        self.assertTrue(self.invoice.invoice_pdf_report_file)

    def test_talked_about(self):
        invoice = self.invoice.with_user(self.manager)
        invoice.message_post(body="Asked for a copy", attachments=[("letter.txt", b"text")])
        invoice.activity_schedule("mail.mail_activity_data_todo", user_id=self.manager.id).action_feedback()
        invoice.message_subscribe(self.admin.partner_id.ids)
        self.assertEqual(len(invoice.attachment_ids), 2)

    def test_reviewed_by_an_accountant(self):
        self.accountant.group_ids += self.env.ref("account.group_account_user")
        self.invoice.with_user(self.accountant).button_set_checked()
        self.assertTrue(self.invoice.checked)

    def test_numbers_of_others_change(self):
        """Odoo marks the gap that a vanished number leaves on the next invoice, in the archive or not."""
        first, second = self._make_invoice(), self._make_invoice()
        second.action_move_to_archive()
        first.button_draft()
        first.name = False
        self.assertTrue(second.made_sequence_gap)

    # -------------------------------------------------------------------------
    # MERGED CLIENTS
    # -------------------------------------------------------------------------

    def test_merge_keeps_the_client(self):
        double = self.env["res.partner"].create({"name": "Polyus", "email": self.client.email})
        wizard = self.env["base.partner.merge.automatic.wizard"]
        with self.assertRaisesRegex(UserError, "Polyus LLC"):
            wizard._merge((self.client | double).ids, double)
        wizard._merge((self.client | double).ids, self.client)
        self.assertFalse(double.exists())
        self.assertEqual(self.invoice.partner_id, self.client)


@tagged("post_install", "-at_install")
class TestAccountMoveArchiveCron(ArchiveCommon):
    """Invoices settled long ago go into the archive by themselves."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.crm_archive_days = 30
        # Other companies of the database have their own number of days, which is theirs.
        cls.env["res.company"].search([("id", "!=", cls.company.id)]).crm_archive_days = 0

    def _run(self, day):
        with freeze_time(f"{day} 10:00:00"), self.enter_registry_test_mode():
            self.env.ref("custom_crm.ir_cron_archive_settled").method_direct_trigger()
        self.env.invalidate_all()

    def test_paid_for_the_days(self):
        paid, partly, open_ = self._make_invoice(), self._make_invoice(), self._make_invoice()
        self._pay(paid)
        self._pay(partly, amount=100)
        self._run("2026-02-18")
        self.assertFalse((paid | partly | open_).filtered("is_archived"), "29 days")
        self._run("2026-02-19")
        self.assertEqual((paid | partly | open_).filtered("is_archived"), paid)
        self.assertIn("30 days", paid.message_ids[0].body)

    def test_last_payment_counts(self):
        invoice = self._make_invoice()
        self._pay(invoice, amount=100)
        self._pay(invoice, day=date(2026, 2, 10))
        self._run("2026-03-11")
        self.assertFalse(invoice.is_archived)
        self._run("2026-03-12")
        self.assertTrue(invoice.is_archived)

    def test_credited_in_full(self):
        invoice = self._make_invoice()
        note = invoice._reverse_moves([{"date": date(2026, 1, 15), "invoice_date": date(2026, 1, 15)}], cancel=True)
        self.assertEqual(invoice.payment_state, "reversed")
        self._run("2026-02-14")
        self.assertTrue(invoice.is_archived)
        self.assertTrue(note.is_archived)

    def test_nothing_to_pay(self):
        invoice = self._make_invoice(invoice_line_ids=[Command.create({"name": "Gift", "price_unit": 0})])
        self._run("2026-02-09")
        self.assertTrue(invoice.is_archived)

    def test_off(self):
        self.company.crm_archive_days = 0
        paid = self._make_invoice()
        self._pay(paid)
        self._run("2027-01-01")
        self.assertFalse(paid.is_archived)

    def test_restored_stays_out_for_as_long_again(self):
        paid = self._make_invoice()
        self._pay(paid)
        self._run("2026-02-19")
        with freeze_time("2026-02-20 10:00:00"):
            paid.with_user(self.admin).action_restore_from_archive()
        self._run("2026-03-21")
        self.assertFalse(paid.is_archived)
        self._run("2026-03-22")
        self.assertTrue(paid.is_archived)

    def test_company_day(self):
        """22:30 in London is the next day in Kamchatka."""
        self.company.partner_id.tz = "Asia/Kamchatka"
        paid = self._make_invoice()
        self._pay(paid)
        with freeze_time("2026-02-18 22:30:00"):
            domain = self.env["account.move"]._get_settled_domain()
            self.assertIn(paid, self.env["account.move"].search(domain))

    def test_bad_number_of_days(self):
        with self.assertRaisesRegex(UserError, "negative"):
            self.company.crm_archive_days = -1

    def test_many_by_chunks(self):
        paid = self.env["account.move"].union(*(self._make_invoice() for _n in range(5)))
        for move in paid:
            self._pay(move)
        with patch("odoo.addons.custom_crm.models.crm_chunk_mixin.CHUNK_SIZE", 2):
            self._run("2026-03-01")
        self.assertEqual(paid.filtered("is_archived"), paid)
