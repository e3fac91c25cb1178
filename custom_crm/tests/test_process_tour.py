from odoo.tests import HttpCase, tagged

from .common import CrmCommon


@tagged("post_install", "-at_install")
class TestProcessTour(CrmCommon, HttpCase):
    """A business process in the browser, in Russian: defined, started with a working group, passed to its end."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.lang"]._activate_lang("ru_RU")
        (cls.admin | cls.manager | cls.executor).lang = "ru_RU"
        cls.env.ref("custom_crm.role_engineer").with_context(lang="ru_RU").name = "Инженер"

    def test_process_from_definition_to_the_end(self):
        self.start_tour("/odoo/process-definitions", "custom_crm_define_process", login="crm_admin")
        process = self.env["crm.process"].search([("name", "=", "Подключение")])
        self.assertEqual(process.user_id, self.admin)
        self.assertEqual(process.stage_ids.mapped("name"), ["Обследование", "Монтаж", "Сдача"])
        self.assertEqual(len(process.stage_ids.item_ids.filtered("mandatory")), 5)

        contract = self._make_contract()
        self.start_tour(f"/odoo/contracts/{contract.id}", "custom_crm_start_process", login="crm_manager")
        self.assertEqual((contract.state, contract.member_ids.user_id), ("active", self.executor))
        self.assertEqual(contract.stage_user_id, self.executor, "by the role")

        self.start_tour("/odoo/my-stages", "custom_crm_pass_stages", login="crm_executor", timeout=120)
        self.start_tour(f"/odoo/contracts/{contract.id}", "custom_crm_read_history", login="crm_executor")
        stages = contract.stage_ids.sorted("id")
        self.assertEqual(
            [(stage.name, stage.state) for stage in stages],
            [
                ("Обследование", "done"),
                ("Монтаж", "returned"),
                ("Обследование", "done"),
                ("Монтаж", "done"),
                ("Сдача", "done"),
            ],
        )
        self.assertEqual(stages.done_user_id, self.executor)
        self.assertEqual(stages[1].close_reason, "Нет акта")
        self.assertEqual(stages[0].item_ids.done_user_id, self.executor)
        self.assertFalse(contract.current_stage_id or stages.activity_ids)
