from datetime import date

from odoo.fields import Command
from odoo.tests import HttpCase, JsonRpcException, tagged
from odoo.tools import mute_logger

from .common import CrmCommon


@tagged("post_install", "-at_install")
class TestInvoiceTour(CrmCommon, HttpCase):
    """An invoice made by hand from a contract and its archive in the browser, in Russian."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.lang"]._activate_lang("ru_RU")
        (cls.admin | cls.manager).lang = "ru_RU"
        cls.contract = cls._make_active(lines=[{"price_unit": 1000}, {"price_unit": 200}, {"price_unit": 30}])

    def _make_invoice(self, **vals):
        lines = [Command.create({"product_id": self.product.id, "price_unit": 300})]
        return self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": self.client.id,
                "contract_id": self.contract.id,
                "invoice_date": date(2026, 1, 10),
                "invoice_line_ids": lines,
                **vals,
            }
        )

    def test_invoice_of_a_contract(self):
        self.start_tour(f"/odoo/contracts/{self.contract.id}", "custom_crm_invoice", login="crm_manager")
        move = self.contract.move_ids
        self.assertEqual((len(move), move.state, move.is_archived), (1, "posted", True))
        self.assertEqual(move.invoice_line_ids.mapped("price_unit"), [1500, 200, 30])
        self.assertEqual(self.contract.amount_invoiced, 1730)
        self.assertEqual(move.archived_user_id, self.manager)
        self._assert_refused_over_rpc(move)
        self.start_tour(f"/odoo/client-invoices/{move.id}", "custom_crm_invoice_restore", login="crm_admin")
        self.assertFalse(move.is_archived)

    def _assert_refused_over_rpc(self, move):
        self.authenticate("crm_manager", "crm_manager")
        for method, args in (
            ("button_draft", [move.ids]),
            ("write", [move.ids, {"state": "draft"}]),
            ("write", [move.ids, {"invoice_line_ids": [[1, move.invoice_line_ids[0].id, {"price_unit": 1}]]}]),
            ("action_restore_from_archive", [move.ids]),
        ):
            with self.subTest(method), mute_logger("odoo.http"), self.assertRaises(JsonRpcException):
                self.make_jsonrpc_request(
                    f"/web/dataset/call_kw/account.move/{method}",
                    {"model": "account.move", "method": method, "args": args, "kwargs": {}},
                )
        self.env.invalidate_all()
        self.assertEqual((move.state, move.amount_total, move.is_archived), ("posted", 1730, True))

    def test_many_into_the_archive(self):
        draft, good = self._make_invoice(ref="Number 7"), self._make_invoice()
        good.action_post()
        # Others of the database are out of the way.
        others = self.env["account.move"].search([("id", "not in", (draft | good).ids)])
        others.filtered(lambda move: move.is_sale_document() and move.state == "posted").action_move_to_archive()
        self.env["account.move"].search(
            [("move_type", "=", "out_invoice"), ("state", "!=", "posted"), ("id", "!=", draft.id)]
        ).unlink()
        self.start_tour("/odoo/client-invoices", "custom_crm_invoice_archive_many", login="crm_manager")
        self.assertEqual((draft.is_archived, good.is_archived), (False, True))
