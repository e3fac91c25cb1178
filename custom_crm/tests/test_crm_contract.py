from contextlib import ExitStack
from datetime import date, timedelta
from unittest.mock import patch

from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, HttpCase, tagged
from odoo.tools import mute_logger

from .common import CrmCommon


@tagged("post_install", "-at_install")
class TestCrmContract(CrmCommon):
    def test_numbers_by_company_and_year(self):
        first, second = self._make_contract(), self._make_contract()
        other_year = self._make_contract(date_start=date(2027, 3, 1))
        self.assertTrue(first.name.startswith("2026-"))
        self.assertTrue(other_year.name.startswith("2027-"))
        self.assertNotEqual(first.name, second.name)
        company = self.env["res.company"].create({"name": "Second"})
        manager = self._make_user("manager_second", "custom_crm.group_manager")
        manager.write({"company_ids": [(4, company.id)], "company_id": company.id})
        contract = self._make_contract(company_id=company.id, user_id=manager.id, date_start=date(2026, 1, 1))
        self.assertEqual(contract.name, "2026-0001")

    def test_number_unique_in_company(self):
        contract = self._make_contract(name="15/A")
        self.assertEqual(contract.name, "15/A")
        with self.assertRaisesRegex(ValidationError, "15/A"):
            self._make_contract(name="15/A")
        other = self._make_contract()
        with self.assertRaisesRegex(ValidationError, "15/A"):
            other.name = "15/A"
        contract.name = "15/A"
        with self._refused_by_the_database():
            self.env.cr.execute("UPDATE crm_contract SET name = '15/A' WHERE id = %s", [other.id])

    def _refused_by_the_database(self):
        self.env.flush_all()
        stack = ExitStack()
        stack.enter_context(mute_logger("odoo.sql_db"))
        stack.enter_context(self.assertRaises(IntegrityError))
        stack.enter_context(self.env.cr.savepoint())
        return stack

    def test_subscription_needs_payment_day(self):
        contract = self._make_contract(name="17/B")
        with self._refused_by_the_database():
            self.env.cr.execute("UPDATE crm_contract SET payment_day = 0 WHERE id = %s", [contract.id])
        for day in (0, 32):
            with self.assertRaisesRegex(ValidationError, "from 1 to 31"):
                self._make_contract(payment_day=day)
            with self.assertRaisesRegex(ValidationError, "17/B"):
                contract.payment_day = day
            self.env.invalidate_all(flush=False)
        self.assertTrue(self._make_contract(kind="one_off", payment_day=0))

    def test_empty_payment_day_in_the_form(self):
        form = Form(self.env["crm.contract"].with_user(self.manager))
        form.partner_id = self.client
        with self.assertRaisesRegex(ValidationError, "payment day"):
            form.save()
        form.payment_day = 5
        self.assertTrue(form.save())

    def test_last_day_before_the_first(self):
        with self.assertRaisesRegex(ValidationError, "can't end before"):
            self._make_contract(date_end=date(2025, 12, 31))
        contract = self._make_active()
        with self._refused_by_the_database():
            self.env.cr.execute("UPDATE crm_contract SET date_end = '2025-12-31' WHERE id = %s", [contract.id])
        with self.assertRaisesRegex(ValidationError, contract.name):
            contract.date_end = date(2025, 12, 31)

    def test_terms_of_a_line(self):
        contract = self._make_contract()
        with self._refused_by_the_database():
            self.env.cr.execute("UPDATE crm_contract_line SET quantity = 0 WHERE contract_id = %s", [contract.id])
        span = {"date_from": date(2026, 2, 1), "date_to": date(2026, 1, 31)}
        for vals in ({"quantity": 0}, span):
            with self.assertRaisesRegex(ValidationError, self.product.name):
                self._make_contract(lines=[vals])
            with self.assertRaisesRegex(ValidationError, self.product.name):
                contract.line_ids.write(vals)
            self.env.invalidate_all(flush=False)

    def test_numbers_in_the_settings(self):
        for name, value in (
            ("crm_renewal_days", -1),
            ("crm_reminder_days", -1),
            ("crm_billing_day", 29),
            ("crm_billing_chunk_size", 0),
        ):
            with self.assertRaises(ValidationError):
                self.env["res.config.settings"].create({name: value}).execute()

    def test_default_responsible_is_a_person(self):
        vals = {"partner_id": self.client.id, "payment_day": 1}
        self.assertEqual(self.env["crm.contract"].with_user(self.manager).create(vals).user_id, self.manager)
        self.company.crm_default_user_id = self.manager
        self.assertEqual(
            self.env["crm.contract"].with_user(self.env.ref("base.user_root")).create(vals).user_id, self.manager
        )

    def test_responsible_required(self):
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"), self.env.cr.savepoint():
            self._make_contract(user_id=False)

    def test_first_contract_makes_a_client(self):
        partner = self.env["res.partner"].create({"name": "New one"})
        self.assertFalse(partner.is_client)
        self._make_contract(partner_id=partner.id)
        self.assertTrue(partner.is_client)

    def test_form(self):
        form = Form(self.env["crm.contract"].with_user(self.manager))
        form.partner_id = self.client
        form.payment_day = 5
        with form.line_ids.new() as line:
            line.product_id = self.product
        contract = form.save()
        self.assertEqual(contract.user_id, self.manager)
        self.assertEqual(contract.amount_total, 1000)
        self.assertTrue(contract.name)

    def test_activate(self):
        contract = self._make_contract()
        self.assertFalse(contract.next_billing_date)
        contract.action_activate()
        self.assertEqual(contract.state, "active")
        self.assertEqual(contract.next_billing_date, date(2026, 1, 1))
        self.assertEqual(contract.next_invoice_date, date(2026, 1, 1))
        with self.assertRaisesRegex(UserError, contract.name):
            contract.action_activate()

    def test_activate_needs_services(self):
        contract = self._make_contract(lines=[])
        with self.assertRaisesRegex(UserError, contract.name):
            contract.action_activate()

    def test_finish(self):
        contract = self._make_active()
        wizard = self.env["crm.contract.finish"].create(
            {"contract_id": contract.id, "date_end": date(2026, 2, 15), "reason": "Moved"}
        )
        self.assertFalse(wizard.billed_until)
        wizard.action_finish()
        self.assertEqual((contract.state, contract.date_end), ("finished", date(2026, 2, 15)))
        self.assertEqual([str(p.date_end) for p in contract._iter_periods()], ["2026-01-31", "2026-02-15"])
        with self.assertRaises(ValidationError):
            wizard.date_end = date(2025, 12, 31)

    def test_finish_warns_of_what_is_billed_beyond(self):
        contract = self._make_active()
        contract.action_invoice()
        wizard = self.env["crm.contract.finish"].create(
            {"contract_id": contract.id, "date_end": date(2026, 1, 20), "reason": "Moved"}
        )
        self.assertEqual(wizard.billed_until, date(2026, 1, 31))

    def test_one_off_invoice_names_no_period(self):
        contract = self._make_active(kind="one_off")
        contract.action_invoice()
        self.assertEqual(contract.move_ids.invoice_line_ids.name, contract.line_ids.name)

    def test_bill_now_takes_the_oldest(self):
        contract = self._make_active()
        for month in (1, 2):
            contract.action_invoice()
            self.assertEqual(contract.period_ids.sorted("date_start")[-1].date_start, date(2026, month, 1))
        self.assertEqual(contract.period_ids.mapped("state"), ["billed", "billed"])
        self.assertEqual(contract.next_billing_date, date(2026, 3, 1))
        self.assertEqual((contract.amount_invoiced, contract.amount_due, contract.amount_paid), (2000, 2000, 0))

    def test_next_invoice_is_not_before_the_service(self):
        advance = self._make_active(date_start=date(2026, 3, 14))
        self.assertEqual((advance.next_billing_date, advance.next_invoice_date), (date(2026, 3, 1), date(2026, 3, 14)))
        advance.action_invoice()
        self.assertEqual(advance.next_invoice_date, date(2026, 4, 1))
        arrears = self._make_active(date_start=date(2026, 3, 14), billing_timing="arrears")
        self.assertEqual(arrears.next_invoice_date, date(2026, 4, 1))
        anniversary = self._make_active(date_start=date(2026, 3, 14), billing_alignment="anniversary")
        anniversary.action_invoice()
        self.assertEqual(anniversary.next_invoice_date, date(2026, 4, 14))
        one_off = self._make_active(kind="one_off", date_start=date(2026, 3, 14), payment_date=date(2026, 5, 20))
        self.assertEqual(one_off.next_invoice_date, date(2026, 5, 1))
        prepaid = self._make_active(kind="one_off", date_start=date(2026, 3, 14), payment_date=date(2026, 2, 10))
        self.assertEqual(prepaid.next_invoice_date, date(2026, 2, 1))
        with self.assertRaises(UserError):
            advance.with_user(self.manager).next_invoice_date = date(2026, 1, 1)

    def test_wizard_tells_what_it_bills(self):
        contract = self._make_active(date_start=date(2026, 1, 17), lines=[{"price_unit": 310}])
        action = self.env.ref("custom_crm.action_contract_bill").sudo().read(["res_model"])[0]
        Wizard = self.env[action["res_model"]].with_user(self.manager).with_context(lang="en_US")
        for amount in (150, 310):
            wizard = Wizard.create({"contract_id": contract.id})
            self.assertEqual(wizard.amount, amount)
            self.assertFalse(wizard.is_early)
            move = self.env["account.move"].browse(wizard.action_bill()["res_id"])
            self.assertEqual((move.amount_total, move.state), (amount, "posted"))
            self.assertEqual(wizard.period_title, move.period_id._get_title("en_US"))
            with self.assertRaisesRegex(UserError, contract.name):
                wizard.action_bill()
        with patch.object(self.env.registry["res.company"], "_crm_today", return_value=date(2026, 2, 20)):
            self.assertTrue(Wizard.create({"contract_id": contract.id}).is_early)
        contract._finish(date(2026, 2, 28), "Over")
        wizard = Wizard.create({"contract_id": contract.id})
        self.assertEqual((wizard.period_title, wizard.amount), (False, 0))
        with self.assertRaises(AccessError):
            self.env[action["res_model"]].with_user(self.executor).create({"contract_id": contract.id})

    def test_bill_one_off(self):
        contract = self._make_active(kind="one_off", payment_date=date(2026, 5, 20))
        self.assertEqual(contract.next_billing_date, date(2026, 5, 1))
        contract.action_invoice()
        self.assertFalse(contract.next_billing_date)
        with self.assertRaisesRegex(UserError, contract.name):
            contract.action_invoice()

    def test_schedule_fixed_once_billed(self):
        contract = self._make_active()
        contract.billing_period = "quarter"
        contract.action_invoice()
        with self.assertRaisesRegex(UserError, contract.name):
            contract.billing_period = "month"

    def test_change_of_schedule_rewrites_unbilled_ledger(self):
        contract = self._make_active()
        contract._ensure_periods(date(2026, 3, 1))
        self.assertEqual(len(contract.period_ids), 3)
        contract.date_end = date(2026, 2, 10)
        self.assertEqual(contract.period_ids.mapped("date_end"), [date(2026, 1, 31)])
        contract._ensure_periods(date(2026, 3, 1))
        self.assertEqual(
            contract.period_ids.sorted("date_end").mapped("date_end"), [date(2026, 1, 31), date(2026, 2, 10)]
        )

    def test_copy_begins_anew(self):
        contract = self._make_active(lines=[{"date_to": date(2026, 1, 31)}, {"date_from": date(2026, 2, 1)}])
        copy = contract.copy()
        self.assertEqual((copy.state, copy.date_start), ("draft", self.company._crm_today()))
        self.assertEqual(len(copy.line_ids), 1)
        self.assertFalse(copy.line_ids.date_from)

    def test_copy_takes_one_price_of_a_planned_revision(self):
        today = self.company._crm_today()
        lines = [{"date_to": today + timedelta(days=9)}, {"date_from": today + timedelta(days=10), "price_unit": 1200}]
        self.assertEqual(self._make_contract(lines=lines).copy().amount_total, 1000)

    def test_one_off_is_billed_once_whatever_its_last_day(self):
        contract = self._make_active(kind="one_off")
        contract.action_invoice()
        contract._finish(date(2026, 3, 31), "Done")
        self.assertFalse(contract.next_billing_date)
        self.assertFalse(contract._ensure_periods(date(2026, 12, 31)))

    def test_incomplete_draft_in_the_form(self):
        form = Form(self.env["crm.contract"])
        form.partner_id = self.client
        form.kind = "one_off"
        form.kind = "subscription"
        form.payment_day = 1
        self.assertTrue(form.save())
        contract = self._make_contract()
        with self.assertRaisesRegex(ValidationError, contract.name):
            contract.billing_period = False

    def test_client_fixed_once_billed(self):
        contract = self._make_active()
        other = self.env["res.partner"].create({"name": "Other"})
        contract.partner_id = other
        contract.action_invoice()
        with self.assertRaisesRegex(UserError, contract.name):
            contract.partner_id = self.client

    def test_responsible_is_an_active_employee(self):
        portal = self._make_user("portal_user", "base.group_portal")
        with self.assertRaises(ValidationError):
            self._make_contract(user_id=portal.id)
        gone = self._make_user("gone", "custom_crm.group_manager")
        gone.active = False
        with self.assertRaises(ValidationError):
            self._make_contract(user_id=gone.id)

    def test_advance_is_among_the_payments(self):
        contract = self._make_active(settlement="cash")
        till = self.env["account.journal"].create({"name": "Till", "code": "TILL", "type": "cash"})
        receipt = self.env["account.payment"].create(
            {
                "payment_type": "inbound",
                "partner_id": self.client.id,
                "journal_id": till.id,
                "amount": 300,
                "contract_id": contract.id,
            }
        )
        receipt.action_post()
        contract.invalidate_recordset()
        self.assertEqual(contract.payment_ids, receipt)

    def test_company_is_chosen_in_the_draft(self):
        company = self.env["res.company"].create({"name": "Second"})
        self.manager.write({"company_ids": [(4, company.id)]})
        contract = self._make_active()
        with self.assertRaisesRegex(UserError, contract.name):
            contract.company_id = company
        draft = self._make_contract(
            member_ids=[(0, 0, {"user_id": self.executor.id, "role_id": self.env.ref("custom_crm.role_engineer").id})]
        )
        with self.assertRaisesRegex(UserError, "incompatible companies|working group"):
            draft.company_id = company

    def test_delete_only_drafts(self):
        self._make_contract().unlink()
        with self.assertRaises(UserError):
            self._make_active().unlink()

    def test_lines_in_force(self):
        contract = self._make_active(
            lines=[{"date_to": date(2026, 1, 31)}, {"date_from": date(2026, 2, 1), "price_unit": 1500}]
        )
        self.assertEqual(contract.amount_total, 1000)
        contract.action_invoice()
        self.assertEqual(contract.amount_total, 1500)

    def test_list_query_count(self):
        """Reading the list costs the same number of queries for few and for many contracts."""
        names = ("partner_id", "amount_total", "amount_due", "next_invoice_date", "stage_user_id")
        fields = {name: {} for name in names}

        def count(contracts):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            contracts.web_read(fields)
            return self.env.cr.sql_log_count - before

        contracts = self.env["crm.contract"].union(*(self._make_active() for _number in range(20)))
        few = count(contracts[:2])
        self.assertEqual(count(contracts), few)

    def test_taken_number_is_told_in_words(self):
        one, two = self._make_contract(name="A-1"), self._make_contract(name="A-2")
        other = self.env["res.company"].create({"name": "Other"})
        self.env["account.chart.template"].try_loading("generic_coa", company=other, install_demo=False)
        for user in (self.manager, self.admin):
            user.company_ids |= other
        there = self._make_contract(name="A-1", company_id=other.id, user_id=self.manager.id)
        calls = (
            lambda: self._make_contract(name="A-1"),
            lambda: one.copy({"name": "A-2"}),
            lambda: two.write({"name": "A-1"}),
            lambda: (one | two).write({"name": "A-3"}),
            lambda: there.write({"company_id": self.company.id}),
            lambda: self.env["crm.contract"].create([one.copy_data({"name": "A-4"})[0]] * 2),
        )
        for call in calls:
            with self.assertRaisesRegex(ValidationError, "A-[1234]"):
                call()
        (one | two).write({"subject": "Same"})
        one.name = "A-1"


@tagged("post_install", "-at_install")
class TestReassign(CrmCommon):
    def _reassign(self, contracts, user=None, **vals):
        context = {"active_model": "crm.contract", "active_ids": contracts.ids, "tracking_disable": False}
        Wizard = self.env["crm.contract.reassign"].with_user(user or self.manager).with_context(**context)
        return Wizard.create({"user_id": self.admin.id, **vals})

    def test_responsible_of_many(self):
        draft, active, closed = self._make_contract(), self._make_active(), self._make_active()
        closed._finish(date(2026, 1, 31), "Over")
        wizard = self._reassign(draft | active | closed, reason="On holiday")
        self.assertEqual(wizard.closed_count, 1)
        wizard.action_reassign()
        self.assertEqual((draft | active).user_id, self.admin)
        self.assertEqual(closed.user_id, self.manager)
        self.assertIn("On holiday", active.message_ids[0].body)
        self.assertIn(self.admin.partner_id, active.message_partner_ids)
        self.assertFalse(closed.message_ids.filtered(lambda message: "On holiday" in message.body))
        # One activity each and no message besides.
        self.assertEqual((draft | active).activity_ids.user_id, self.admin)
        self.assertEqual(len((draft | active).activity_ids), 2)
        self.assertFalse((draft | active).message_ids.partner_ids)

    def test_only_people_of_the_company_are_offered(self):
        wizard = self._reassign(self._make_contract())
        self.assertEqual(wizard.company_ids, self.company)
        self.assertIn("('company_ids', 'in', company_ids)", wizard._fields["user_id"].domain)

    def test_activities_follow_the_responsible(self):
        """What told a former one to take over is the next one's, what asked for somebody is done."""
        contract = self._make_active()
        contract._schedule_once("custom_crm.mail_activity_hand_over", self.manager)
        contract._schedule_once("custom_crm.mail_activity_without_responsible", self.admin)
        contract.user_id = self.executor
        self.assertRecordValues(
            contract.activity_ids,
            [
                {
                    "activity_type_id": self.env.ref("custom_crm.mail_activity_hand_over").id,
                    "user_id": self.executor.id,
                }
            ],
        )

    def test_reminders_go_over(self):
        contract = self._make_active(date_end=date(2026, 12, 31))
        contract._remind_of_renewal()
        self._reassign(contract).action_reassign()
        self.assertEqual(contract.activity_ids.user_id, self.admin)

    def test_closed_contracts_keep_their_responsible(self):
        closed = self._make_active()
        closed.action_cancel()
        with self.assertRaises(UserError):
            self._reassign(closed).action_reassign()
        with self.assertRaisesRegex(UserError, closed.name):
            closed.with_user(self.manager).action_reassign(self.admin.id)

    def test_new_responsible_is_able(self):
        contract = self._make_active()
        portal = self._make_user("portal_user", "base.group_portal")
        with self.assertRaisesRegex(ValidationError, contract.name):
            self._reassign(contract, user_id=portal.id).action_reassign()

    def test_managers_only(self):
        contract = self._make_active(user_id=self.executor.id)
        for user in (self.executor, self.cashier, self.accountant):
            with self.assertRaises(AccessError):
                self._reassign(contract, user)
            with self.assertRaises(AccessError):
                contract.with_user(user).action_reassign(self.admin.id)
        self.assertEqual(contract.user_id, self.executor)


@tagged("post_install", "-at_install")
class TestContractTour(CrmCommon, HttpCase):
    def test_rows_lead_to_pages(self):
        stages = [Command.create({"name": "Survey"})]
        process = self.env["crm.process"].create(
            {"name": "Connection", "user_id": self.manager.id, "stage_ids": stages}
        )
        contract = self._make_active(process_id=process.id)
        contract.action_invoice()
        self.start_tour(f"/odoo/contracts/{contract.id}", "custom_crm_contract_pages", login="crm_manager")
