from datetime import date, timedelta

from psycopg2 import IntegrityError

from odoo.exceptions import UserError, ValidationError
from odoo.tests import Form, tagged
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
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"), self.env.cr.savepoint():
            self._make_contract(name="15/A")

    def test_subscription_needs_payment_day(self):
        for day in (0, 32):
            with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"), self.env.cr.savepoint():
                self._make_contract(payment_day=day)
        self.assertTrue(self._make_contract(kind="one_off", payment_day=0))

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
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"), self.env.cr.savepoint():
            contract.billing_period = False
            self.env.flush_all()

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
        fields = {"partner_id": {}, "amount_total": {}, "amount_due": {}, "next_billing_date": {}, "stage_user_id": {}}

        def count(contracts):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            contracts.web_read(fields)
            return self.env.cr.sql_log_count - before

        contracts = self.env["crm.contract"].union(*(self._make_active() for _number in range(20)))
        few = count(contracts[:2])
        self.assertEqual(count(contracts), few)
