from odoo.tests import Form, tagged

from .test_crm_contract_stage import StageCommon


@tagged("post_install", "-at_install")
class TestStageScreen(StageCommon):
    """What is shown after a stage is closed, on a returned stage, on the board, on the contract."""

    def _close_with(self, method, stage, user):
        """Press the button of the form, give the reason, confirm: what is shown next."""
        action = getattr(stage.with_user(user), method)()
        wizard = Form(self.env[action["res_model"]].with_user(user).with_context(**action["context"]))
        wizard.reason = "Dark photos"
        return getattr(wizard.save(), method)()

    def _assert_shown(self, action, stage):
        self.assertEqual(action["tag"], "crm_show_stage")
        self.assertEqual(action["params"]["action"]["res_model"], stage._name)
        self.assertEqual(action["params"]["action"]["res_id"], stage.id)

    def _assert_told(self, action, text):
        self.assertEqual(action["tag"], "display_notification")
        self.assertIn(text, action["params"]["message"])
        self.assertEqual(action["params"]["next"]["tag"], "crm_leave_stage")

    def test_next_stage_is_shown_to_who_works_on_it(self):
        self.photos.is_done = True
        self._assert_shown(self.stage.with_user(self.executor).action_complete(), self.contract.current_stage_id)
        stage = self.contract.current_stage_id
        self._assert_told(stage.with_user(self.executor).action_complete(), self.manager.name)
        action = self.contract.current_stage_id.with_user(self.manager).action_complete()
        self._assert_told(action, "Connection")
        self.assertIn(self.contract.name, action["params"]["message"])

    def test_after_skipping_and_returning(self):
        self._assert_shown(self._close_with("action_skip", self.stage, self.admin), self.contract.current_stage_id)
        action = self._close_with("action_return", self.contract.current_stage_id, self.executor)
        self._assert_shown(action, self.contract.current_stage_id)
        for _stage in self.process.stage_ids:
            action = self._close_with("action_skip", self.contract.current_stage_id, self.admin)
        self._assert_told(action, "Connection")

    def test_several_completed_at_once(self):
        stages = self.stage | self._start().current_stage_id
        stages.item_ids.is_done = True
        self.assertIs(stages.with_user(self.manager).action_complete(), True)

    def test_returned_stage_tells_why(self):
        later = self._complete(self.contract)
        self.assertFalse(later.returned_from_id or later.returned_notice)
        self._close_with("action_return", later, self.executor)
        again = self.contract.current_stage_id.with_user(self.executor)
        self.assertEqual(again.returned_from_id, later)
        self.assertEqual(again.returned_reason, "Dark photos")
        for text in ("Installation", self.executor.name, str(later.date_done.year)):
            self.assertIn(text, again.returned_notice)
        self.assertEqual(again.action_view_returned()["res_id"], later.id)
        self.assertFalse(self._complete(self.contract).returned_from_id, "passed once more, not returned")

    def test_return_names_the_stage_it_goes_back_to(self):
        action = self._complete(self.contract).with_user(self.executor).action_return()
        wizard = Form(self.env[action["res_model"]].with_user(self.executor).with_context(**action["context"]))
        self.assertEqual(wizard.previous_stage_id, self.survey)

    def test_closed_stage_leads_to_the_open_one(self):
        self.assertEqual(self.stage.contract_stage_id, self.stage)
        self._complete(self.contract)
        self.assertEqual(self.stage.contract_stage_id, self.contract.current_stage_id)

    def test_names_by_what_is_shown(self):
        self.assertEqual(self.stage.display_name, f"{self.contract.name}: Survey")
        self.assertEqual(self.stage.with_context(show_client=True).display_name, "Polyus LLC: Survey")
        self.assertEqual(self.survey.display_name, "Survey")
        self.assertEqual(self.survey.with_context(show_process=True).display_name, "Survey (Connection)")

    def test_columns_of_the_board_name_the_process(self):
        context = {"read_group_expand": True, "show_process": True}
        groups = (
            self.stage.with_user(self.manager)
            .with_context(**context)
            .formatted_read_group([("id", "=", self.stage.id)], ["stage_id"], ["__count"])
        )
        self.assertEqual(groups[-1]["stage_id"][1], "Handover (Connection)")

    def _lines(self, contract):
        messages = contract.message_ids.filtered(lambda message: not message.tracking_value_ids).sorted("id")
        return [(message.author_id, message.preview or str(message.body)) for message in messages]

    def test_contract_tells_what_its_process_did(self):
        before = len(self._lines(self.contract))
        self._complete(self.contract)
        self._close_with("action_return", self.contract.current_stage_id, self.executor)
        self._close_with("action_skip", self.contract.current_stage_id, self.admin)
        self._close_with("action_cancel", self.contract.current_stage_id, self.manager)
        lines = self._lines(self.contract)[before:]
        self.assertEqual(
            [author for author, _text in lines],
            [self.executor.partner_id] * 4 + [self.admin.partner_id] * 2 + [self.manager.partner_id],
        )
        for (_author, text), words in zip(
            lines,
            (
                ("Survey", "completed"),
                ("Installation", "opened", self.executor.name),
                ("Installation", "returned", "Dark photos"),
                ("Survey", "opened"),
                ("Survey", "skipped", "Dark photos"),
                ("Installation", "opened"),
                ("stopped", "Installation", "Dark photos"),
            ),
            strict=True,
        ):
            for word in words:
                self.assertIn(word, text)
        self.assertFalse(self.contract.message_ids.notification_ids, "nobody is notified")

    def test_queries_of_the_lines_do_not_grow(self):
        def count(number):
            contracts = self.contract.union(*(self._start() for _index in range(number - 1)))
            stages = self.stage.browse(contracts.current_stage_id.ids)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            stages._log_on_contracts(lambda stage: stage._get_opened_message())
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

        count(1)
        self.assertEqual(count(3), count(30))
