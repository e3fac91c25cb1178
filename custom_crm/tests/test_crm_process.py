from datetime import date

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, tagged

from .common import CrmCommon


@tagged("post_install", "-at_install")
class TestCrmProcess(CrmCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.process = cls.env["crm.process"].create(
            {
                "name": "Connection",
                "user_id": cls.admin.id,
                "stage_ids": [
                    Command.create({"name": "Survey", "sequence": 1}),
                    Command.create({"name": "Installation", "sequence": 2}),
                ],
            }
        )
        cls.survey, cls.installation = cls.process.stage_ids

    def _make_server_action(self, model):
        return self.env["ir.actions.server"].create(
            {
                "name": "Mark",
                "model_id": self.env["ir.model"]._get_id(model),
                "state": "code",
                "code": "record.message_post(body='entered')",
            }
        )

    def test_administrator_defines_a_process(self):
        with Form(self.env["crm.process"].with_user(self.admin)) as form:
            form.name = "Repair"
            with form.stage_ids.new() as stage:
                stage.name = "Diagnosis"
                stage.duration_days = 3
        self.assertEqual(form.record.user_id, self.admin)
        self.assertEqual(form.record.stage_ids.duration_days, 3)

    def test_copy_keeps_stages_and_checklists(self):
        self.survey.item_ids = [Command.create({"name": "Photos"})]
        copy = self.process.copy()
        self.assertEqual(copy.stage_ids.mapped("name"), ["Survey", "Installation"])
        self.assertEqual(copy.stage_ids.item_ids.name, "Photos")

    def test_definitions_are_the_administrators(self):
        for user in (self.executor, self.manager, self.cashier, self.accountant):
            process = self.process.with_user(user)
            self.assertEqual(process.stage_ids.mapped("name"), ["Survey", "Installation"])
            for record in (process, process.stage_ids[0]):
                with self.assertRaises(AccessError):
                    record.name = "x"
                with self.assertRaises(AccessError):
                    record.unlink()
            with self.assertRaises(AccessError):
                process.copy()
        self.process.with_user(self.admin).stage_ids[0].name = "Inspection"
        self.assertEqual(self.survey.name, "Inspection")

    def test_only_system_administrators_choose_a_server_action(self):
        action = self._make_server_action("crm.contract.stage")
        for user in (self.manager, self.admin):
            with self.assertRaises(AccessError):
                self.survey.with_user(user).server_action_id = action
        system = self._make_user("crm_system", "custom_crm.group_admin,base.group_system")
        self.survey.with_user(system).server_action_id = action
        self.assertEqual(self.survey.server_action_id, action)

    def test_server_action_is_made_for_stages(self):
        with self.assertRaises(ValidationError):
            self.survey.server_action_id = self._make_server_action("res.partner")

    def test_server_action_is_for_everybody(self):
        action = self._make_server_action("crm.contract.stage")
        action.group_ids = self.env.ref("custom_crm.group_manager")
        with self.assertRaisesRegex(ValidationError, "Mark"):
            self.survey.server_action_id = action

    def test_instruction_is_sanitized(self):
        self.survey.instruction = "<p>Look</p><script>alert(1)</script>"
        self.assertEqual(self.survey.instruction, "<p>Look</p>")

    @freeze_time("2026-03-05 10:00:00")
    def test_deadline_counts_working_days(self):
        """Opened on a Thursday: days are counted from Friday, over the weekend and a public holiday."""
        expected = {0: date(2026, 3, 5), 1: date(2026, 3, 6), 2: date(2026, 3, 9)}
        for days, deadline in expected.items():
            self.survey.duration_days = days
            self.assertEqual(self.survey._get_deadline(self.company), deadline)
        self.env["resource.calendar.leaves"].create(
            {
                "name": "Holiday",
                "calendar_id": self.company.resource_calendar_id.id,
                "company_id": self.company.id,
                "date_from": "2026-03-08 20:00:00",
                "date_to": "2026-03-09 23:00:00",
            }
        )
        self.assertEqual(self.survey._get_deadline(self.company), date(2026, 3, 10))

    @freeze_time("2026-03-05 10:00:00")
    def test_deadline_without_calendar(self):
        self.company.resource_calendar_id = False
        self.survey.duration_days = 2
        self.assertEqual(self.survey._get_deadline(self.company), date(2026, 3, 7))

    def test_definition_of_an_open_stage_stays(self):
        self._make_active(process_id=self.process.id)
        with self.assertRaisesRegex(UserError, "Survey"):
            self.survey.unlink()
        self.installation.unlink()
        self.assertEqual(self.process.stage_ids, self.survey)

    def test_passed_definition_does_not_move(self):
        self._make_active(process_id=self.process.id)
        other = self.process.copy()
        with self.assertRaises(ValidationError):
            self.survey.process_id = other

    def test_processes_of_another_company_are_hidden(self):
        company = self.env["res.company"].create({"name": "Other"})
        self.process.company_id = company
        for model, records in (
            ("crm.process", self.process),
            ("crm.process.stage", self.process.stage_ids),
        ):
            self.assertFalse(self.env[model].with_user(self.admin).search([("id", "in", records.ids)]))
            with self.assertRaises(AccessError):
                records.with_user(self.admin).write({"name": "x"})
        with self.assertRaises(UserError):
            self._make_contract(process_id=self.process.id)

    def test_overview_shows_the_process(self):
        self.survey.write(
            {
                "duration_days": 3,
                "item_ids": [
                    Command.create({"name": "<script>alert(1)</script>Photos"}),
                    Command.create({"name": "Keys", "mandatory": False}),
                ],
            }
        )
        self.installation.write({"return_allowed": False, "user_id": self.executor.id})
        overview = self.process.with_user(self.manager).overview
        for text in ("Survey", "3", "&lt;script&gt;", "Keys", "Installation", self.executor.name, "Can't be returned"):
            self.assertIn(text, overview)
        self.assertNotIn("<script>", overview)
        self.assertLess(overview.index("Survey"), overview.index("Installation"))
        self.survey.sequence = 9
        self.assertGreater(self.process.overview.index("Survey"), self.process.overview.index("Installation"))
