from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from odoo.addons.custom_crm import hooks

from .common import CrmCommon


@tagged("post_install", "-at_install")
class TestHooks(CrmCommon):
    def _explain(self, domain):
        """How the database would search contacts if it had so many that reading all is out of the question."""
        query = self.env["res.partner"].with_user(self.manager)._search(domain)
        # The index of the company registry is a partial one: where nobody has a number it is as good as ours.
        self.env.cr.execute(
            """SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off;
               DROP INDEX res_partner__company_registry_index"""
        )
        return "\n".join(row[0] for row in self.env.execute_query(SQL("EXPLAIN %s", query.select())))

    def test_search_of_the_registry_is_indexed(self):
        plan = self._explain(["|", ("name", "ilike", "пол"), ("actual_address", "ilike", "пол")])
        for index in ("res_partner_name_trigram", "res_partner__actual_address_index"):
            self.assertIn(index, plan)

    def test_box_of_a_many2one_is_indexed(self):
        plan = self._explain([("display_name", "ilike", "пол")])
        for name in self.env["res.partner"]._rec_names_search:
            self.assertIn(f"res_partner_{name}_trigram", plan)

    def test_no_index_without_the_extension(self):
        registry = self.env.registry
        index = self.env["res.partner"]._table_objects["res_partner_name_trigram"]
        self.assertIn("gin_trgm_ops", index.get_definition(registry))
        with patch.object(registry, "has_trigram", False):
            self.assertEqual(index.get_definition(registry), "")

    def test_extension_is_created(self):
        with patch.object(self.env.registry, "has_trigram", False):
            hooks._create_trigram_extension(self.env)
            self.assertTrue(self.env.registry.has_trigram)

    def test_missing_extension_is_told(self):
        registry = self.env.registry
        with (
            patch.object(registry, "has_trigram", False),
            patch.object(hooks, "EXTENSION", "no_such_extension"),
            mute_logger("odoo.sql_db"),
            self.assertLogs(hooks.__name__, "WARNING") as logs,
        ):
            hooks._create_trigram_extension(self.env)
        self.assertIn("no_such_extension", logs.output[0])

    def test_regions_are_russian_and_own_names_stay(self):
        region, other = self.env.ref("base.state_ru_kam"), self.env.ref("base.state_ru_sve")
        self.assertEqual(region.name, "Камчатский край")
        region.name, other.name = "Kamchatka Krai", "Урал"
        self.env.flush_all()
        hooks._name_regions(self.env)
        self.assertEqual((region.name, other.name), ("Камчатский край", "Урал"))

    def test_uninstalling_gives_russia_back(self):
        russia = self.env.ref("base.ru")
        self.assertEqual((russia.vat_label, russia.address_format), (hooks.VAT_LABEL, hooks.ADDRESS_FORMAT))
        hooks.uninstall_hook(self.env)
        self.assertFalse(self.env["ir.sequence"].search([("code", "=", "crm.contract")]))
        self.assertEqual(
            (russia.vat_label, russia.address_format),
            (False, self.env["res.partner"]._get_default_address_format()),
        )
        russia.vat_label = "TIN"
        hooks._set_country(self.env)
        self.assertEqual(russia.vat_label, "TIN", "a label of the company's own stays")
