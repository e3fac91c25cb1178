from datetime import date

from odoo.fields import Command
from odoo.tests import Form, tagged

from .common import CrmCommon


@tagged("post_install", "-at_install")
class TestResPartner(CrmCommon):
    def test_actual_address(self):
        self.client.write({"zip": "620014", "city": "Yekaterinburg", "street": "Polevaya, 4", "street2": " "})
        self.assertEqual(self.client.actual_address, "620014, Yekaterinburg, Polevaya, 4")

    def test_actual_address_by_sql(self):
        """What installation writes on a database in use is what the ORM computes."""
        state = self.env.ref("base.state_ru_sve")
        partners = self.env["res.partner"].create(
            [
                {
                    "name": "Full",
                    "zip": "620014",
                    "state_id": state.id,
                    "city": " Yekaterinburg",
                    "street": "Lenina, 1",
                },
                {"name": "Partial", "street": " ", "street2": "2nd floor"},
                {"name": "None"},
            ]
        )
        computed = partners.mapped("actual_address")
        self.env.flush_all()
        self.env.cr.execute("UPDATE res_partner SET actual_address = NULL WHERE id IN %s", [partners._ids])
        partners._fill_actual_address()
        partners.invalidate_recordset()
        self.assertEqual(partners.mapped("actual_address"), computed)

    def test_search_by_name_or_address(self):
        by_address = self.env["res.partner"].create({"name": "Other", "street": "Polevaya, 4", "is_client": True})
        neither = self.env["res.partner"].create({"name": "Sever", "street": "Lenina, 4", "is_client": True})
        domain = ["|", ("name", "ilike", "pol"), ("actual_address", "ilike", "pol")]
        found = self.env["res.partner"].with_user(self.executor).search([("is_client", "=", True), *domain])
        self.assertIn(self.client, found)
        self.assertIn(by_address, found)
        self.assertNotIn(neither, found)

    def test_figures(self):
        contract = self._make_active()
        contract.action_invoice()
        contract.move_ids.write({"invoice_date_due": date(2026, 1, 10)})
        self.assertEqual(self.client.contract_count, 1)
        self.assertEqual(self.client.contract_line_ids, contract.line_ids)
        self.assertEqual(self.client.receivable_overdue, 1000)

    def test_card_opens_for_each_role(self):
        for user in (self.manager, self.executor, self.cashier, self.accountant):
            Form(self.client.with_user(user), view="custom_crm.res_partner_view_form")

    def test_overdue_is_one_query(self):
        clients = self.env["res.partner"].create([{"name": f"Client {number}"} for number in range(20)])
        clients.mapped("receivable_overdue")
        clients.invalidate_recordset(["receivable_overdue"])
        with self.assertQueryCount(1):
            clients.mapped("receivable_overdue")

    def test_company_rule(self):
        company = self.env["res.company"].create({"name": "Second"})
        self.env["account.chart.template"].try_loading("generic_coa", company=company, install_demo=False)
        user = self._make_user("both", "custom_crm.group_manager")
        user.company_ids = [Command.link(company.id)]
        contract = self._make_contract(company_id=company.id, user_id=user.id)
        Contract = self.env["crm.contract"]
        self.assertFalse(Contract.with_user(self.manager).search([("id", "=", contract.id)]))
        self.assertTrue(Contract.with_user(user).with_company(company).search([("id", "=", contract.id)]))
