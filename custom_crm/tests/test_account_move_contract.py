from odoo.exceptions import ValidationError
from odoo.fields import Command
from odoo.tests import Form, tagged

from .common import CrmCommon


@tagged("post_install", "-at_install")
class TestAccountMoveContract(CrmCommon):
    """Invoices made by hand for a contract."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tax = cls.env["account.tax"].create({"name": "22 %", "amount": 22, "type_tax_use": "sale"})
        cls.contract = cls._make_active(
            lines=[
                {"price_unit": 1000, "quantity": 2, "tax_ids": [Command.set(cls.tax.ids)], "name": "Survey"},
                {"price_unit": 200, "discount": 10, "tax_ids": False, "name": "Repair"},
                {"price_unit": 1, "tax_ids": False, "name": "Travel", "date_from": "2026-01-01"},
                {"price_unit": 5, "name": "Former service", "date_to": "2026-01-31"},
            ]
        )

    def _open(self, action):
        """The form of an action as the manager sees it."""
        return Form(self.env["account.move"].with_user(self.manager).with_context(**action["context"]))

    def _get_lines(self, move):
        return [
            (line.name, line.quantity, line.price_unit, line.discount, line.tax_ids) for line in move.invoice_line_ids
        ]

    def test_from_the_contract(self):
        no_tax = self.env["account.tax"]
        form = self._open(self.contract.with_user(self.manager).action_new_invoice())
        form.payment_reference = "Other"
        move = form.save()
        self.assertEqual(
            self._get_lines(move),
            [("Survey", 2, 1000, 0, self.tax), ("Repair", 1, 200, 10, no_tax), ("Travel", 1, 1, 0, no_tax)],
        )
        self.assertEqual((move.contract_id, move.partner_id), (self.contract, self.client))
        self.assertEqual((move.amount_total, move.settlement), (2621, "cashless"))
        self.assertEqual((move.invoice_user_id, move.invoice_origin), (self.manager, self.contract.name))
        self.assertFalse(move.period_id or self.contract.period_ids, "by hand, it bills no period")
        move.action_post()
        self.assertEqual(self.contract.amount_invoiced, 2621)

    def test_to_the_address_for_invoices(self):
        office = self.env["res.partner"].create(
            {"name": "Accounts", "type": "invoice", "parent_id": self.client.id, "email": "accounts@polyus.example"}
        )
        move = self._open(self.contract.action_new_invoice()).save()
        self.assertEqual((move.partner_id, move.commercial_partner_id), (office, self.client))

    def test_from_the_list_of_the_contract(self):
        move = self._open(self.contract.with_user(self.manager).action_view_moves()).save()
        self.assertEqual(len(move.invoice_line_ids), 3)

    def test_services_that_come_next(self):
        contract = self._make_active(lines=[{"price_unit": 7, "date_from": "2999-01-01"}])
        move = self._open(contract.action_new_invoice()).save()
        self.assertEqual(move.invoice_line_ids.price_unit, 7)

    def test_from_the_card(self):
        client = self.client.with_user(self.manager)
        self.assertEqual(self._open(client.action_new_invoice()).save().contract_id, self.contract, "the only one")
        self._make_active()
        form = self._open(client.action_new_invoice())
        self.assertFalse(form.contract_id, "which of two?")
        form.contract_id = self.contract
        self.assertEqual(len(form.save().invoice_line_ids), 3)

    def test_without_a_contract(self):
        self._make_active()
        form = self._open(self.client.with_user(self.manager).action_new_invoice())
        with form.invoice_line_ids.new() as line:
            line.product_id = self.product
        move = form.save()
        self.assertFalse(move.contract_id or move.settlement)
        self.assertEqual(len(move.invoice_line_ids), 1)

    def test_another_contract_keeps_the_lines(self):
        other = self._make_active(lines=[{"price_unit": 9}])
        move = self._open(self.contract.action_new_invoice()).save()
        before = self._get_lines(move)
        with Form(move.with_user(self.manager)) as form:
            form.contract_id = other
            self.assertEqual(len(form.invoice_line_ids), 3)
        self.assertEqual((move.contract_id, self._get_lines(move)), (other, before))
        with Form(move.with_user(self.manager)) as form:
            form.contract_id = self.env["crm.contract"]
        self.assertEqual((len(move.contract_id), self._get_lines(move)), (0, before))

    def test_another_contract_is_told(self):
        move = self._open(self.contract.action_new_invoice()).save()
        fields_spec = {"contract_id": {}, "invoice_line_ids": {}}
        values = {"contract_id": self.contract.id}
        result = move.onchange(values, ["contract_id"], fields_spec)
        self.assertIn(self.contract.name, result["warning"]["message"])

    def test_lines_deleted_and_taken_anew(self):
        other = self._make_active(lines=[{"price_unit": 9}])
        form = self._open(self.contract.action_new_invoice())
        while len(form.invoice_line_ids):
            form.invoice_line_ids.remove(0)
        form.contract_id = other
        self.assertEqual(form.save().invoice_line_ids.price_unit, 9)

    def test_contract_of_another_client_is_refused(self):
        stranger = self.env["res.partner"].create({"name": "Stranger"})
        form = self._open(self.contract.action_new_invoice())
        form.partner_id = stranger
        with self.assertRaisesRegex(ValidationError, self.contract.name):
            form.save()

    def test_credit_note_takes_no_lines(self):
        form = self._open({"context": {"default_move_type": "out_refund", "default_contract_id": self.contract.id}})
        self.assertFalse(len(form.invoice_line_ids))

    def test_company_of_the_contract(self):
        self.assertEqual(self.contract.action_new_invoice()["context"]["default_company_id"], self.company.id)

    def test_words(self):
        """An invoice is called by our word, whose translation is another one than Odoo's."""
        move = self._open(self.contract.action_new_invoice()).save()
        move.ref = "Number 7"
        self.assertEqual(move.type_name, "Invoice")
        self.assertEqual(move.display_name, "Draft Invoice (Number 7)")
        move.action_post()
        self.assertEqual(move.display_name, f"{move.name} (Number 7)")
        move.button_draft()
        self.assertEqual(move.display_name, f"Draft Invoice {move.name} (Number 7)")
        self.assertIn("Draft", move.with_context(name_as_amount_total=True).display_name)
        full = move.with_context(input_full_display_name=True).display_name
        self.assertTrue(full.startswith(f"Draft Invoice {move.name}, {self.client.name}"), full)
