from odoo.exceptions import ValidationError
from odoo.fields import Command
from odoo.tests import tagged

from .common import CrmCommon


@tagged("post_install", "-at_install")
class TestAccountMove(CrmCommon):
    def _make_invoice(self, **vals):
        return self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": self.client.id,
                "invoice_line_ids": [Command.create({"product_id": self.product.id, "price_unit": 300})],
                **vals,
            }
        )

    def test_by_hand_has_no_period(self):
        contract = self._make_active()
        move = self._make_invoice(contract_id=contract.id)
        self.assertEqual(contract.move_ids, move)
        self.assertEqual(contract.amount_invoiced, 0)
        move.action_post()
        self.assertEqual((contract.amount_invoiced, contract.move_count), (300, 1))
        self.assertFalse(contract.period_ids)

    def test_signed_amount_due(self):
        contract = self._make_active()
        invoice, note = self._make_invoice(contract_id=contract.id), self._make_invoice(move_type="out_refund")
        note.contract_id = contract
        (invoice | note).action_post()
        self.assertEqual(invoice.amount_residual_in_currency_signed, 300)
        self.assertEqual(note.amount_residual_in_currency_signed, -300)
        self.assertEqual(sum((invoice | note).mapped("amount_residual_in_currency_signed")), contract.amount_due)

    def test_signed_amount_due_in_another_currency(self):
        currency = self.env["res.currency"].create(
            {"name": "XCU", "symbol": "x", "rate_ids": [Command.create({"name": "2026-01-01", "rate": 4})]}
        )
        note = self._make_invoice(move_type="out_refund", currency_id=currency.id)
        note.action_post()
        self.assertEqual(note.amount_residual_in_currency_signed, -300)

    def test_contract_of_another_client_is_refused(self):
        other = self.env["res.partner"].create({"name": "Other"})
        contract = self._make_active(partner_id=other.id)
        with self.assertRaisesRegex(ValidationError, contract.name):
            self._make_invoice(contract_id=contract.id)

    def test_copy_keeps_contract_but_not_period(self):
        contract = self._make_active()
        contract.action_invoice()
        copy = contract.move_ids.copy()
        self.assertEqual(copy.contract_id, contract)
        self.assertFalse(copy.period_id)
