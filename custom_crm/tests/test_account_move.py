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
