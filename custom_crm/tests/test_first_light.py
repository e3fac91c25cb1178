from odoo.fields import Command
from odoo.tests import HttpCase, tagged

from .common import CrmCommon


@tagged("post_install", "-at_install")
class TestFirstLight(CrmCommon, HttpCase):
    """The main job in the browser, in Russian, as those who do it: a client, a contract, its invoices, the money."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.lang"]._activate_lang("ru_RU")
        (cls.manager | cls.cashier | cls.executor).lang = "ru_RU"
        cls.company.crm_billing_post = True
        cls.client.write({"name": "ООО «Полюс»", "city": "Екатеринбург", "lang": "ru_RU"})
        cls.product.name = "Обслуживание"
        cls.env["res.partner"].create(
            [
                {"name": "ТСЖ «Уютный дом»", "street": "ул. Полевая, 7", "is_client": True},
                {"name": "ООО «Север»", "street": "ул. Ленина, 1", "is_client": True},
            ]
        )
        cls.till = cls.env["account.journal"].create({"name": "Касса", "code": "КАССА", "type": "cash"})
        cls.first = cls._make_active(date_start=cls.company._crm_today().replace(day=1))

    def _trigger(self, xmlid):
        self.env.ref(xmlid).method_direct_trigger()
        self.env.invalidate_all()

    def test_main_path(self):
        self.start_tour("/odoo/clients", "custom_crm_contract", login="crm_manager")
        contract = self.client.contract_ids - self.first
        self.assertEqual((contract.state, contract.payment_day, contract.user_id), ("active", 10, self.manager))

        self.start_tour("/odoo/billing-runs", "custom_crm_billing_start", login="crm_manager")
        run = self.env["crm.billing.run"].search([], limit=1)
        self.assertEqual((run.state, run.total_count), ("running", 2))
        self._trigger("custom_crm.ir_cron_billing")
        self.assertEqual((run.state, run.billed_count, run.amount_total), ("done", 2, 2000))
        moves = run.period_ids.move_id
        self.assertEqual(moves.contract_id, contract | self.first)
        self.assertEqual(set(moves.mapped("state")), {"posted"})

        self.start_tour(f"/odoo/billing-runs/{run.id}", "custom_crm_billing_send", login="crm_manager")
        self._trigger("custom_crm.ir_cron_mailing")
        self.assertEqual(set(moves.mapped("is_move_sent")), {True})
        mails = moves.message_ids.filtered(lambda message: self.client in message.partner_ids)
        self.assertEqual(len(mails), 2)
        self.assertTrue(all(mail.attachment_ids for mail in mails))

        self.start_tour("/odoo/cash-receipts", "custom_crm_cash_receipt", login="crm_cashier")
        receipt = self.env["account.payment"].search([("partner_id", "=", self.client.id)])
        self.assertEqual((receipt.state, receipt.amount, receipt.journal_id), ("paid", 2000, self.till))
        self.assertEqual(receipt.reconciled_invoice_ids, moves)
        self.assertEqual(set(moves.mapped("amount_residual")), {0})
        self.assertEqual(receipt.move_id.line_ids.filtered("debit").account_id, self.till.default_account_id)

    def test_stage(self):
        process = self.env["crm.process"].create(
            {
                "name": "Подключение",
                "user_id": self.manager.id,
                "stage_ids": [
                    Command.create(
                        {
                            "name": "Обследование",
                            "sequence": 1,
                            "user_id": self.executor.id,
                            "item_ids": [Command.create({"name": "Акт подписан", "mandatory": True})],
                        }
                    ),
                    Command.create({"name": "Ввод", "sequence": 2}),
                ],
            }
        )
        contract = self._make_active(process_id=process.id)
        self.start_tour("/odoo/my-stages", "custom_crm_stage", login="crm_executor")
        survey, start = contract.stage_ids.sorted("id")
        self.assertEqual((survey.state, survey.done_user_id), ("done", self.executor))
        self.assertEqual((survey.item_ids.is_done, survey.item_ids.done_user_id), (True, self.executor))
        self.assertEqual((start.state, start.user_id, contract.current_stage_id), ("open", self.manager, start))
