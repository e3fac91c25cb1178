from contextlib import contextmanager
from datetime import date

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, tagged, users
from odoo.tools import file_open, mute_logger

from .common import CrmCommon


@tagged("post_install", "-at_install")
class TestResPartner(CrmCommon):
    @contextmanager
    def _assert_refused(self, error, words):
        # assertRaises of Odoo undoes what was written, assertRaisesRegex doesn't.
        with self.assertRaises(error) as caught:
            yield
        self.assertRegex(str(caught.exception), words)

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
                {"name": "Partial", "street": " \u00a0", "street2": "\t2nd floor\n"},
                {"name": "None"},
            ]
        )
        computed = partners.mapped("actual_address")
        self.env.flush_all()
        self.env.cr.execute("UPDATE res_partner SET actual_address = NULL WHERE id IN %s", [partners._ids])
        partners._fill_registry()
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

    def test_debt_and_its_search(self):
        contract = self._make_active()
        contract.action_invoice()
        client = self.client.with_user(self.cashier)
        self.assertEqual((client.receivable_total, client.receivable_overdue), (1000, 0))
        clients = self.env["res.partner"].with_user(self.cashier)
        self.assertIn(client, clients.search([("receivable_total", ">", 0)]))
        self.assertIn(client, clients.search([("receivable_total", ">=", 1000)]))
        self.assertNotIn(client, clients.search([("receivable_total", ">", 1000)]))
        self.assertNotIn(client, clients.search([("receivable_total", "<=", 0)]))
        self.assertNotIn(client, clients.search([("receivable_overdue", ">", 0)]))
        other = self.env["res.partner"].create({"name": "Owes nothing"})
        self.assertIn(other, clients.search([("receivable_total", "<=", 0)]))
        self.assertIn(other, clients.search([("receivable_total", "<", 5)]))
        self.assertIn(other, clients.search([("receivable_total", "=", 0)]))
        self.assertNotIn(client, clients.search([("receivable_total", "=", 0)]))
        self.assertIn(client, clients.search([("receivable_total", "!=", 0)]))
        self.assertIn(client, clients.search([("receivable_total", "=", 1000)]))

        contract.move_ids.write({"invoice_date_due": date(2026, 1, 10)})
        self.assertIn(client, clients.search([("receivable_overdue", ">", 0)]))
        with self.assertRaises(AccessError):
            client.with_user(self.executor).search([("receivable_total", ">", 0)])

    def test_an_advance_is_not_overdue(self):
        payment = self.env["account.payment"].create(
            {"partner_id": self.client.id, "amount": 500, "payment_type": "inbound", "date": date(2026, 1, 1)}
        )
        payment.action_post()
        self.assertEqual((self.client.receivable_total, self.client.receivable_overdue), (-500, 0))

    def test_contract_with_a_contact_is_refused(self):
        contact = self.env["res.partner"].create({"name": "Accountant", "parent_id": self.client.id})
        with self._assert_refused(ValidationError, "Accountant is a contact of Polyus LLC"):
            self._make_contract(partner_id=contact.id)

    def test_employees_without_a_role_read_contacts(self):
        employee = self._make_user("employee", "base.group_user")
        fields = self.env["res.partner"].with_user(employee).fields_get(attributes=["type"])
        self.assertFalse({"contract_ids", "contract_count", "contract_line_ids"} & set(fields))

    def test_debt_of_a_contact_is_the_company_s(self):
        contact = self.env["res.partner"].create({"name": "Accountant", "parent_id": self.client.id})
        contract = self._make_active()
        contract.action_invoice()
        contract.move_ids.line_ids.filtered(lambda line: line.account_type == "asset_receivable").partner_id = contact
        self.assertEqual(self.client.receivable_total, 1000)
        self.assertIn(self.client, self.env["res.partner"].search([("receivable_total", ">", 0)]))

    def test_invoices_and_payments(self):
        contract = self._make_active()
        contract.action_invoice()
        move = contract.move_ids
        self.assertEqual((self.client.client_move_count, self.client.client_invoiced), (1, 1000))
        self.assertEqual((self.client.client_payment_count, self.client.client_paid), (0, 0))
        self.env["account.payment.register"].with_context(active_model="account.move", active_ids=move.ids).create(
            {"amount": 400}
        )._create_payments()
        self.client.invalidate_recordset()
        self.assertEqual((self.client.client_payment_count, self.client.client_paid), (1, 400))
        self.assertEqual(self.client.receivable_total, 600)
        move._reverse_moves(cancel=False).action_post()
        self.client.invalidate_recordset()
        self.assertEqual((self.client.client_move_count, self.client.client_invoiced), (2, 0))

    def test_figures_are_one_query_each(self):
        clients = self.env["res.partner"].create([{"name": f"Client {number}"} for number in range(20)])
        names = ["client_invoiced", "client_paid", "contract_count", "receivable_total", "receivable_overdue"]
        for name in names:
            clients.mapped(name)
        clients.invalidate_recordset(names)
        for name in names:
            with self.subTest(name), self.assertQueryCount(1):
                clients.mapped(name)

    def test_list_and_card_do_not_ask_more_for_more_records(self):
        """As many queries for a client with one contract and invoice as for one with several."""
        small, large = self.env["res.partner"].create([{"name": "Small"}, {"name": "Large"}])
        for client, number in ((small, 1), (large, 4)):
            for _contract in range(number):
                self._make_active(partner_id=client.id).action_invoice()
        clients = self.env["res.partner"].with_user(self.manager)
        for view in ("res_partner_view_list", "res_partner_view_form"):
            specification = self._get_specification(clients, view)
            counts = []
            for client in (small, small, large):
                self.env.flush_all()
                self.env.invalidate_all()
                before = self.env.cr.sql_log_count
                clients.web_search_read([("id", "=", client.id)], specification, limit=80, count_limit=10001)
                counts.append(self.env.cr.sql_log_count - before)
            with self.subTest(view):
                self.assertEqual(counts[1], counts[2], "the first reading warms up")

    def _get_specification(self, clients, view):
        """What the web client asks for, with 40 rows of each list."""
        view = self.env.ref(f"custom_crm.{view}")
        models = clients.get_views([(view.id, view.type)])["models"]
        names = models["res.partner"]["fields"]
        specification = {}
        for name, field in clients.fields_get(names).items():
            specification[name] = {}
            if field["type"] == "many2one":
                specification[name] = {"fields": {"display_name": {}}}
            elif field["type"] in ("one2many", "many2many"):
                rows = models.get(field["relation"], {"fields": ["display_name"]})["fields"]
                scalar = clients.env[field["relation"]].fields_get(rows)
                specification[name] = {
                    "fields": {
                        row: {"fields": {"display_name": {}}} if scalar[row]["type"] == "many2one" else {}
                        for row in scalar
                        if scalar[row]["type"] not in ("one2many", "many2many", "properties")
                    },
                    "limit": 40,
                }
        return specification

    # -- requisites --

    def _make_russian(self, **vals):
        return self.env["res.partner"].create(
            {"name": "Polyus", "is_company": True, "is_client": True, "country_id": self.env.ref("base.ru").id, **vals}
        )

    def test_valid_requisites(self):
        company = self._make_russian(
            vat="7707 083 893", kpp="7707 01001", company_registry=" 1027700132195", okpo="00032537"
        )
        self.assertEqual(
            (company.vat, company.kpp, company.company_registry), ("7707083893", "770701001", "1027700132195")
        )
        self.assertFalse(company.is_entrepreneur)
        for vat in ("586834497804", "517812865709"):
            entrepreneur = self._make_russian(vat=vat, company_registry="304500116000157", okpo="0123456789")
            self.assertTrue(entrepreneur.is_entrepreneur)
        self.assertFalse(self._make_russian(is_company=False, vat="586834497804").is_entrepreneur)

    def test_wrong_requisites_are_named(self):
        for vals, words in (
            ({"vat": "7707083894"}, "INN 7707083894 of .*Polyus.*check digits"),
            ({"vat": "770708389"}, "INN 770708389 of .*Polyus.*10 digits"),
            ({"vat": "-123456789"}, "INN -123456789 .*10 digits"),
            ({"vat": "77070838ab"}, "INN 77070838ab .*10 digits"),
            ({"kpp": "77070100"}, "Polyus: KPP 77070100 must be 4 digits"),
            ({"kpp": "770701001", "vat": "586834497804"}, "Polyus: only companies have a KPP.*770701001"),
            ({"kpp": "770701001", "is_company": False}, "Polyus: only companies have a KPP.*770701001"),
            ({"okpo": "123"}, "OKPO 123 must have 8"),
            ({"company_registry": "1027700132196"}, "last digit of OGRN 1027700132196"),
            ({"company_registry": "304500116000158"}, "last digit of OGRN 304500116000158"),
            ({"company_registry": "10277"}, "OGRN 10277 must have 13"),
            ({"company_registry": "304500116000157", "vat": "7707083893"}, "OGRN 304500116000157 must have 13"),
            ({"company_registry": "1027700132195", "vat": "586834497804"}, "OGRN 1027700132195 must have 13"),
        ):
            with self.subTest(vals), self._assert_refused(ValidationError, words):
                self._make_russian(**vals)

    def test_without_a_country_the_company_s_rules_hold(self):
        partner = self._make_russian(country_id=False, kpp="1")
        self.company.country_id = self.env.ref("base.ru")
        with self._assert_refused(ValidationError, "INN 7707083894"):
            partner.vat = "7707083894"
        with self._assert_refused(ValidationError, "KPP 2 "):
            partner.kpp = "2"
        with self._assert_refused(ValidationError, "INN 7707083894"):
            partner.vat = "7707 083 894"
        partner.write({"kpp": False, "vat": "BE0477472701"})

    def test_export_offers_what_an_import_takes(self):
        names = {"name", "is_client", "vat", "kpp", "company_registry", "legal_address", "director_name", "phone"}
        for name, field in self.env["res.partner"].fields_get(names, ["default_export_compatible"]).items():
            self.assertTrue(field["default_export_compatible"], name)

    def test_requisites_of_other_countries_are_free(self):
        client = self._make_russian(
            country_id=self.env.ref("base.be").id, company_registry="RPM Brussel 0477 472 701", kpp="1", okpo="1"
        )
        self.assertEqual(client.company_registry, "RPM Brussel 0477 472 701")
        kazakh = self._make_russian(country_id=self.env.ref("base.kz").id)
        self.env.cr.execute("UPDATE res_partner SET vat = '123456789012' WHERE id = %s", [kazakh.id])
        kazakh.invalidate_recordset()
        self.assertFalse(kazakh.is_entrepreneur)
        bank = self.env["res.bank"].create({"name": "US", "bic": "021000021", "country": self.env.ref("base.us").id})
        self.env["res.partner.bank"].create({"acc_number": "1234", "partner_id": client.id, "bank_id": bank.id})

    def test_old_numbers_do_not_stop_other_changes(self):
        client = self._make_russian(vat="7707083893")
        self.env.flush_all()
        self.env.cr.execute("UPDATE res_partner SET company_registry = 'junk', kpp = '1' WHERE id = %s", [client.id])
        client.invalidate_recordset()
        client.write({"vat": "7728168971", "okpo": "00032537", "phone": "1"})

    def test_people_of_a_client_are_no_clients(self):
        client = self._make_russian().with_context(default_is_client=True, default_is_company=True)
        client.write({"child_ids": [Command.create({"name": "Director"})]})
        self.assertEqual((client.child_ids.is_client, client.child_ids.is_company), (False, False))

    def test_subsidiaries_of_other_apps_stay_companies(self):
        vals = {"name": "Subsidiary", "parent_id": self.client.id}
        self.assertTrue(self.env["res.partner"].with_context(default_is_company=True).create(vals).is_company)
        self.assertEqual(vals, {"name": "Subsidiary", "parent_id": self.client.id})

    def test_contacts_of_a_company_pass(self):
        company = self._make_russian(vat="7707083893", kpp="770701001", company_registry="1027700132195")
        contact = self.env["res.partner"].create({"name": "Director", "parent_id": company.id, "function": "CEO"})
        self.assertEqual(contact.vat, company.vat)
        company.company_registry = "1037700255284"
        self.assertEqual(contact.commercial_partner_id, company)

    def test_duplicate(self):
        first = self._make_russian(vat="7707083893", kpp="770701001")
        branch = self._make_russian(vat="7707083893", kpp="770702002")
        self.assertFalse(branch.duplicate_partner_id)
        twin = self._make_russian(vat="7707083893", kpp="770701001")
        self.assertEqual(twin.duplicate_partner_id, first)
        self.assertEqual(first.duplicate_partner_id, twin)
        unknown = self._make_russian(vat="7707083893")
        self.assertEqual(unknown.duplicate_partner_id, first)
        first.action_archive()
        twin.invalidate_recordset()
        self.assertEqual(twin.duplicate_partner_id, first, "an archived client is still there")
        self.assertFalse(self._make_russian().duplicate_partner_id)
        exempt = [self._make_russian(vat="/") for _number in range(2)]
        self.assertFalse(exempt[0].duplicate_partner_id, "«/» says that there is no number")

    def test_bank_accounts(self):
        bank = self.env["res.bank"].create(
            {"name": "Bank", "bic": "044 525 225", "corr_account": "30101 810 4 0000 0000225"}
        )
        self.assertEqual((bank.bic, bank.corr_account), ("044525225", "30101810400000000225"))
        client = self._make_russian()

        def add(number, at=bank):
            return self.env["res.partner.bank"].create(
                {"acc_number": number, "partner_id": client.id, "bank_id": at.id}
            )

        add("40702810138250123017")
        self.assertFalse(client.requisites_warning)
        with self._assert_refused(ValidationError, "40702810238250123017 of Polyus: its key"):
            add("40702810238250123017")
        with self._assert_refused(ValidationError, "4070281013825012301 of Polyus at Bank.*20 digits"):
            add("4070281013825012301")
        with self._assert_refused(ValidationError, "30101810500000000225 of Bank.*key"):
            bank.corr_account = "30101810500000000225"
        with self._assert_refused(ValidationError, "20 digits"):
            bank.corr_account = "301018105"
        with self._assert_refused(ValidationError, "BIC 04452522 of Bank"):
            bank.bic = "04452522"
        add("03100643000000013800")
        self.assertIn("03100643000000013800", client.requisites_warning)
        add("BE71 0961 2345 6769", at=self.env["res.bank"].create({"name": "Foreign", "bic": "GEBABEBB"}))

    # -- addresses --

    def test_address_on_documents(self):
        client = self._make_russian(zip="620014", city="Yekaterinburg", street="Polevaya, 4")
        self.assertEqual(
            client._display_address(without_company=True), "620014, Yekaterinburg\nPolevaya, 4\nRussian Federation"
        )
        client.state_id = self.env.ref("base.state_ru_sve")
        first_line = client._display_address(without_company=True).splitlines()[0]
        self.assertEqual(first_line, f"620014, {client.state_id.name}, Yekaterinburg")
        client.write({"zip": False, "city": False})
        self.assertEqual(client._display_address(without_company=True).splitlines()[0], client.state_id.name)

    def test_copy_address(self):
        client = self._make_russian(city="Yekaterinburg", street="Polevaya, 4").with_user(self.manager)
        client.with_context(address_from="actual_address", address_to="legal_address").action_copy_address()
        client.with_context(address_from="legal_address", address_to="mailing_address").action_copy_address()
        self.assertEqual(client.mailing_address, "Yekaterinburg, Polevaya, 4")
        with self.assertRaises(UserError):
            client.with_context(address_from="name", address_to="vat").action_copy_address()
        with self.assertRaises(AccessError):
            client.with_user(self.executor).with_context(
                address_from="actual_address", address_to="legal_address"
            ).action_copy_address()

    # -- life of a client --

    def test_archiving_with_contracts_in_force_is_refused(self):
        contract = self._make_active()
        with self._assert_refused(UserError, rf"(?s)Polyus LLC.*{contract.name}"):
            self.client.with_user(self.manager).action_archive()
        self.assertTrue(self.client.active)
        contract._finish(date(2026, 1, 31), "")
        self.client.action_archive()
        self.assertFalse(self.client.active)

    def test_a_contract_of_an_archived_client_is_not_put_into_force(self):
        contract = self._make_contract()
        self.client.action_archive()
        with self._assert_refused(ValidationError, "Polyus LLC is in the archive"):
            contract.with_user(self.manager).action_activate()
        self.client.action_unarchive()
        contract.action_activate()
        stranger = self.env["res.partner"].create({"name": "Gone", "active": False})
        with self._assert_refused(ValidationError, "Gone is in the archive"):
            contract.partner_id = stranger

    def test_archiving_does_not_tell_of_unseen_contracts(self):
        contract = self._make_active()
        partner_manager = self._make_user("contacts_only", "base.group_partner_manager")
        with self.assertRaises(UserError) as caught:
            self.client.with_user(partner_manager).action_archive()
        self.assertNotIn(contract.name, str(caught.exception))
        self.assertIn("1", str(caught.exception))

    def test_deleting_with_a_contract_is_refused(self):
        contract = self._make_contract()
        with self._assert_refused(UserError, rf"(?s)Polyus LLC.*{contract.display_name}"):
            self.client.unlink()

    @mute_logger("odoo.addons.base.wizard.base_partner_merge")
    def test_merging_keeps_contracts(self):
        contract = self._make_active()
        contract.action_invoice()
        twin = self.env["res.partner"].create({"name": "Polyus", "is_company": True, "email": self.client.email})
        self.env["base.partner.merge.automatic.wizard"]._merge((self.client | twin).ids, twin)
        self.assertFalse(self.client.exists())
        self.assertEqual((contract.partner_id, contract.move_ids.partner_id), (twin, twin))
        self.assertTrue(twin.is_client)
        self.assertEqual(twin.contract_count, 1)
        self.assertEqual(twin.receivable_total, 1000)

    def test_clients_of_an_old_database(self):
        """Whoever was invoiced before the add-on came is in the registry, others aren't."""
        self._make_active().action_invoice()
        stranger = self.env["res.partner"].create({"name": "Vendor"})
        self.client.is_client = False
        self.env.flush_all()
        self.client._fill_registry()
        self.env.invalidate_all()
        self.assertTrue(self.client.is_client)
        self.assertFalse(stranger.is_client)

    @users("crm_manager")
    def test_import_of_the_template(self):
        self.env["res.lang"].sudo()._activate_lang("ru_RU")
        self.company.sudo().country_id = self.env.ref("base.ru")
        for lang, name in (("ru_RU", "ООО «Пример»"), ("en_US", "Example LLC")):
            with self.subTest(lang):
                self._import_template(lang, name)

    def _import_template(self, lang, name):
        context = {"default_is_client": True, "default_is_company": True, "lang": lang}
        partners = self.env["res.partner"].with_context(**context)
        (template,) = partners.get_import_templates()
        with file_open(template["template"].lstrip("/"), "rb") as file:
            content = file.read()
        wizard = (
            self.env["base_import.import"]
            .with_context(**context)
            .create(
                {
                    "res_model": "res.partner",
                    "file": content,
                    "file_name": template["template"].rsplit("/", 1)[1],
                    "file_type": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                }
            )
        )
        options = {
            "has_headers": True,
            "quoting": '"',
            "separator": ",",
            "float_thousand_separator": ",",
            "float_decimal_separator": ".",
            "date_format": "",
            "datetime_format": "",
            "advanced": False,
            "keep_matches": False,
            "sheet": "",
            "sheets": [],
        }
        preview = wizard.parse_preview(options)
        self.assertNotIn("error", preview)
        self.assertEqual(len(preview["matches"]), len(preview["headers"]), "each column finds its field by itself")
        columns = [preview["matches"][index][0] for index in range(len(preview["headers"]))]
        result = wizard.execute_import(columns, preview["headers"], preview["options"])
        self.assertFalse(result["messages"])
        company, entrepreneur, person = self.env["res.partner"].browse(result["ids"])
        self.assertEqual((company.name, company.vat, company.okpo), (name, "7700123459", "00032537"))
        self.assertEqual((entrepreneur.is_entrepreneur, entrepreneur.company_registry), (True, "304500116000157"))
        self.assertEqual((person.is_company, person.is_client), (False, True))
        self.assertEqual(person.country_id, self.env.company.country_id)

    def test_other_contacts_keep_their_own_template(self):
        (template,) = self.env["res.partner"].get_import_templates()
        self.assertIn("/base/", template["template"])

    # -- rights --

    def test_rights_on_the_card(self):
        money = {"client_invoiced", "client_paid", "client_move_count", "client_move_ids"}
        debt = {"receivable_total", "receivable_overdue"}
        for user, seen, unseen in (
            (self.manager, money | debt, set()),
            (self.accountant, money | debt, set()),
            (self.cashier, debt, money),
            (self.executor, set(), money | debt),
        ):
            client = self.client.with_user(user)
            with self.subTest(user.login):
                client.read(["name", *seen])
                for name in unseen:
                    with self.assertRaises(AccessError):
                        client.read([name])
        self.client.with_user(self.manager).write({"kpp": "770701001"})
        for user in (self.executor, self.cashier):
            with self.subTest(user.login), self.assertRaises(AccessError):
                self.client.with_user(user).write({"kpp": "770701001"})

    def test_new_documents_have_the_client(self):
        contract = Form.from_action(
            self.env["crm.contract"].with_user(self.manager).env,
            self.client.with_user(self.manager).action_new_contract(),
        )
        self.assertEqual(contract.partner_id, self.client)
        invoice = Form.from_action(
            self.env["account.move"].with_user(self.manager).env,
            self.client.with_user(self.manager).action_new_invoice(),
        )
        self.assertEqual((invoice.partner_id, invoice.move_type), (self.client, "out_invoice"))

    def test_new_client_lives_in_the_company_s_country(self):
        self.company.country_id = self.env.ref("base.ru")
        form = Form(
            self.env["res.partner"].with_user(self.manager).with_context(default_is_client=True),
            view="custom_crm.res_partner_view_form",
        )
        self.assertEqual(form.country_id, self.env.ref("base.ru"))

    def test_company_rule(self):
        company = self.env["res.company"].create({"name": "Second"})
        self.env["account.chart.template"].try_loading("generic_coa", company=company, install_demo=False)
        user = self._make_user("both", "custom_crm.group_manager")
        user.company_ids = [Command.link(company.id)]
        contract = self._make_contract(company_id=company.id, user_id=user.id)
        Contract = self.env["crm.contract"]
        self.assertFalse(Contract.with_user(self.manager).search([("id", "=", contract.id)]))
        self.assertTrue(Contract.with_user(user).with_company(company).search([("id", "=", contract.id)]))
