from odoo.tests import HttpCase, tagged

from .common import HelpdeskCommon


@tagged("post_install", "-at_install")
class TestRequestsTour(HelpdeskCommon, HttpCase):
    """A manager finds a client, looks at the requisites and enters a request, in Russian."""

    def test_request_from_the_card(self):
        self.env["res.lang"]._activate_lang("ru_RU")
        self.manager.lang = "ru_RU"
        self.client.write({"name": "ООО «Полюс»", "vat": "7707083893", "country_id": self.env.ref("base.ru").id})
        self.start_tour("/odoo/clients", "custom_crm_request", login="crm_manager")
        ticket = self.client.client_ticket_ids
        self.assertEqual((ticket.name, ticket.partner_id), ("Нет связи", self.client))
        self.assertEqual(self.client.kpp, "770701001")
