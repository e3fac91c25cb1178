from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, tagged
from odoo.tools.safe_eval import safe_eval

from odoo.addons.custom_crm_helpdesk.hooks import uninstall_hook

from .common import HelpdeskCommon

CARD = "custom_crm.res_partner_view_form"


@tagged("post_install", "-at_install")
class TestHelpdeskTicket(HelpdeskCommon):
    # -- contract of a request --

    def test_contract_brings_its_client(self):
        ticket = self._make_ticket(contract_id=self.contract.id)
        self.assertEqual(ticket.partner_id, self.client)
        later = self._make_ticket()
        later.contract_id = self.contract
        self.assertEqual(later.partner_id, self.client)
        form = Form(self.env["helpdesk.ticket"].with_user(self.manager))
        form.contract_id = self.contract
        self.assertEqual((form.partner_id, form.partner_email), (self.client, self.client.email))
        self.assertEqual(self.env["helpdesk.ticket"].new({}).display_name, "New Request")

    def test_contract_of_another_client_is_refused(self):
        with self.assertRaises(ValidationError) as caught:
            self._make_ticket(partner_id=self.stranger.id, contract_id=self.contract.id)
        self.assertIn(self.contract.name, str(caught.exception))
        self.assertIn("No connection", str(caught.exception))
        ticket = self._make_ticket(partner_id=self.client.id, contract_id=self.contract.id)
        with self.assertRaises(ValidationError):
            ticket.partner_id = self.stranger

    def test_contract_with_requests_keeps_its_client(self):
        contract = self._make_contract()
        contract.partner_id = self.stranger
        ticket = self._make_ticket(contract_id=contract.id)
        ticket.active = False
        with self.assertRaises(ValidationError):
            contract.with_user(self.manager).partner_id = self.client

    def test_form_offers_the_contracts_of_the_client(self):
        other = self._make_contract(partner_id=self.stranger.id)
        field = self.env["helpdesk.ticket"]._fields["contract_id"]
        values = {"company_id": self.company.id, "commercial_partner_id": self.client.commercial_partner_id.id}
        contracts = (self.contract | other).search(safe_eval(field.domain, values))
        self.assertIn(self.contract, contracts)
        self.assertNotIn(other, contracts)
        contracts = other.search(safe_eval(field.domain, {**values, "commercial_partner_id": False}))
        self.assertLessEqual(self.contract | other, contracts)

    def test_contact_of_the_client_may_ask_about_its_contract(self):
        contact = self.env["res.partner"].create({"name": "Accountant", "parent_id": self.client.id})
        ticket = self._make_ticket(partner_id=contact.id, contract_id=self.contract.id)
        self.assertIn(ticket, self.client.client_ticket_ids)
        self.assertEqual(contact.client_ticket_count, 1, "the card of a contact shows the company")

    def test_contract_of_another_company_is_refused(self):
        company = self.env["res.company"].create({"name": "Second"})
        with self.assertRaises(ValidationError):
            self._make_ticket(partner_id=self.client.id, contract_id=self.contract.id, company_id=company.id)

    # -- card and contract --

    def test_counts(self):
        done = self.env["helpdesk.ticket.stage"].search([("closed", "=", True)], limit=1)
        self._make_ticket(contract_id=self.contract.id)
        self._make_ticket(partner_id=self.client.id)
        self._make_ticket(partner_id=self.client.id).stage_id = done
        self.assertEqual((self.client.client_ticket_count, self.client.client_open_ticket_count), (3, 2))
        self.assertEqual((self.contract.ticket_count, self.contract.open_ticket_count), (1, 1))
        self.assertEqual(self.stranger.client_ticket_count, 0)

    def test_counts_are_one_query(self):
        clients = self.env["res.partner"].create([{"name": f"Client {number}"} for number in range(20)])
        for client in clients[:5]:
            self._make_ticket(partner_id=client.id)
        for name in ("client_ticket_count", "client_open_ticket_count"):
            clients.invalidate_recordset()
            clients.mapped("name")
            with self.assertQueryCount(1):
                clients.mapped(name)
        contracts = self.contract | self._make_contract() | self._make_contract()
        contracts.invalidate_recordset()
        contracts.mapped("name")
        with self.assertQueryCount(1):
            contracts.mapped("ticket_count")

    def test_new_request_is_the_client_s(self):
        form = Form.from_action(self.env(user=self.manager), self.client.with_user(self.manager).action_new_ticket())
        self.assertEqual((form.partner_id, form.partner_email), (self.client, self.client.email))
        contract = self.contract.with_user(self.manager)
        form = Form.from_action(self.env(user=self.manager), contract.action_new_ticket())
        self.assertEqual((form.partner_id, form.contract_id), (self.client, self.contract))

    def test_requests_in_a_list(self):
        ticket = self._make_ticket(contract_id=self.contract.id)
        self._make_ticket(partner_id=self.stranger.id)
        for record, method in ((self.client, "action_view_client_tickets"), (self.contract, "action_view_tickets")):
            action = getattr(record.with_user(self.manager), method)()
            self.assertEqual(self.env["helpdesk.ticket"].search(action["domain"]), ticket)

    def test_one_button_for_requests(self):
        arch = self.env["res.partner"].with_user(self.manager).get_view(self.env.ref(CARD).id, "form")["arch"]
        self.assertIn('name="action_view_client_tickets"', arch)
        self.assertNotIn('name="action_view_helpdesk_tickets"', arch)

    def test_three_teams_in_russian(self):
        self.env["res.lang"]._activate_lang("ru_RU")
        self.env["ir.module.module"]._load_module_terms(["custom_crm_helpdesk"], ["ru_RU"])
        teams = self.team | self.accounting | self.env.ref("custom_crm_helpdesk.team_legal")
        names = teams.with_user(self.manager).with_context(lang="ru_RU").mapped("display_name")
        self.assertEqual(names, ["Техподдержка", "Бухгалтерия", "Юридический отдел"])
        self.assertFalse(teams.company_id, "they answer for every company")

    def test_uninstalling_keeps_requests_and_their_teams(self):
        self._make_ticket(partner_id=self.client.id).active = False
        self._make_ticket(partner_id=self.client.id, team_id=self.accounting.id)
        legal = self.env.ref("custom_crm_helpdesk.team_legal")
        uninstall_hook(self.env)
        names = ("helpdesk.ticket.team", "mail.alias")
        left = self.env["ir.model.data"].search([("module", "=", "custom_crm_helpdesk"), ("model", "in", names)])
        deleted = {(data.model, data.res_id) for data in left}
        self.assertEqual(deleted, {(legal._name, legal.id), (legal.alias_id._name, legal.alias_id.id)})
        for user in (self.executor, self.manager, self.admin):
            self.assertFalse(user.has_group("helpdesk_mgmt.group_helpdesk_user_own"), user.login)

    # -- rights --

    def test_manager_works_with_all_requests(self):
        ticket = self._make_ticket(partner_id=self.client.id).with_user(self.manager)
        ticket.name = "No connection at all"
        self.env["helpdesk.ticket"].with_user(self.manager).create(
            {"name": "Invoice", "description": "Sum", "partner_id": self.client.id}
        )
        self.assertEqual(self.client.with_user(self.manager).client_ticket_count, 2)
        with self.assertRaises(AccessError):
            ticket.unlink()

    def test_executor_sees_the_team_s_and_the_contract_s_requests(self):
        other = self._make_ticket(partner_id=self.client.id)
        of_contract = self._make_ticket(contract_id=self.contract.id)
        tickets = self.env["helpdesk.ticket"].with_user(self.executor)
        self.assertFalse(tickets.search([("id", "in", (other | of_contract).ids)]))
        role = self.env["crm.contract.role"].create({"name": "Engineer"})
        self.env["crm.contract.member"].create(
            {"contract_id": self.contract.id, "user_id": self.executor.id, "role_id": role.id}
        )
        self.assertEqual(tickets.search([("id", "in", (other | of_contract).ids)]), of_contract)
        with self.assertRaises(AccessError):
            of_contract.with_user(self.executor).name = "Changed"
        self.team.user_ids |= self.executor
        self.assertEqual(len(tickets.search([("id", "in", (other | of_contract).ids)])), 2)
        other.with_user(self.executor).name = "Changed by the team"

    def test_executor_enters_requests_to_every_team(self):
        self.assertNotIn(self.executor, self.accounting.user_ids)
        form = Form.from_action(self.env(user=self.executor), self.client.with_user(self.executor).action_new_ticket())
        form.name = "Act"
        form.description = "For May"
        form.team_id = self.accounting
        ticket = form.save()
        self.assertEqual((ticket.name, ticket.user_id), ("Act", self.env["res.users"]), "who entered it follows it")
        foreign = self._make_ticket(partner_id=self.client.id, team_id=self.accounting.id).with_user(self.executor)
        with self.assertRaises(AccessError):
            foreign.read(["name"])
        with self.assertRaises(AccessError):
            ticket.unlink()

    def test_administrator_keeps_teams_and_deletes_requests(self):
        self.accounting.with_user(self.admin).name = "Accountants"
        with self.assertRaises(AccessError):
            self.accounting.with_user(self.manager).name = "Office"
        self._make_ticket(partner_id=self.client.id).with_user(self.admin).unlink()

    def test_others_see_no_requests_and_no_error(self):
        ticket = self._make_ticket(contract_id=self.contract.id)
        employee = self._make_user("crm_employee", "base.group_user")
        for user in (self.cashier, self.accountant, employee):
            with self.subTest(user.login):
                arch = self.env["res.partner"].with_user(user).get_view(self.env.ref(CARD).id, "form")["arch"]
                for name in ("requests", "client_ticket_ids", "action_view_client_tickets", "action_new_ticket"):
                    self.assertNotIn(f'name="{name}"', arch)
                Form(self.client.with_user(user), view=CARD)
                for record, name in ((self.client, "client_ticket_count"), (ticket, "name")):
                    with self.assertRaises(AccessError):
                        record.with_user(user).read([name])
                with self.assertRaises(AccessError):
                    self.env["helpdesk.ticket"].with_user(user).create({"name": "No", "description": "No"})
        for user in (self.cashier, self.accountant):
            Form(self.contract.with_user(user))

    def test_client_in_the_portal_sees_its_own_requests_only(self):
        portal = self._make_user("crm_portal", "base.group_portal")
        portal.partner_id.parent_id = self.client
        own = self._make_ticket(contract_id=self.contract.id)
        foreign = self._make_ticket(partner_id=self.stranger.id)
        tickets = self.env["helpdesk.ticket"].with_user(portal)
        self.assertEqual(tickets.search([("id", "in", (own | foreign).ids)]), own)
        with self.assertRaises(AccessError):
            own.with_user(portal).name = "Changed"
        with self.assertRaises(AccessError):
            own.with_user(portal).contract_id.subject  # noqa: B018 - reading is the test

    def test_company_rule(self):
        company = self.env["res.company"].create({"name": "Second"})
        team = self.team.copy({"company_id": company.id, "name": "Support of the second"})
        ticket = self._make_ticket(partner_id=self.client.id, team_id=team.id)
        self.assertEqual(ticket.company_id, company)
        self.assertFalse(self.env["helpdesk.ticket"].with_user(self.manager).search([("id", "=", ticket.id)]))
