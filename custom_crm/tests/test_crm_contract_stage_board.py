from datetime import timedelta

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import HttpCase, tagged

from .test_crm_contract_stage import StageCommon


@tagged("post_install", "-at_install")
class TestStageBoard(StageCommon):
    """Active processes: moving cards, columns, lists, what is counted."""

    def test_move_to_the_next_completes(self):
        stage = self.stage.with_user(self.executor)
        with self.assertRaisesRegex(UserError, "Photos"):
            stage.action_move_to(self.installation.id)
        self.assertEqual(self.stage.state, "open")
        self.photos.is_done = True
        action = stage.action_move_to(self.installation.id)
        self.assertIn("Installation", action["params"]["message"])
        self.assertEqual(self.stage.state, "done")
        self.assertEqual(self.contract.current_stage_id.stage_id, self.installation)

    def test_move_to_the_previous_asks_for_the_reason(self):
        self._complete(self.contract)
        stage = self.contract.current_stage_id.with_user(self.executor)
        action = stage.action_move_to(self.survey.id)
        self.assertEqual((action["res_model"], action["target"]), ("crm.contract.stage.return", "new"))
        self.assertEqual(stage.state, "open", "nothing is moved before the reason is given")
        wizard = self.env[action["res_model"]].with_user(self.executor).with_context(**action["context"])
        answer = wizard.create({"reason": "Dark photos"}).action_return()
        self.assertEqual(answer["tag"], "display_notification", "the board stays")
        self.assertEqual(self.contract.current_stage_id.stage_id, self.survey)

    def test_move_elsewhere_is_refused(self):
        stage = self.stage.with_user(self.executor)
        for stage_id in (self.handover.id, self.survey.id, False, 0, -1):
            with self.subTest(stage_id), self.assertRaisesRegex(UserError, "«Installation»"):
                stage.action_move_to(stage_id)
        self._complete(self.contract)
        last = self._complete(self.contract)
        with self.assertRaisesRegex(UserError, "Handover"):
            last.action_move_to(self.installation.id)
        self.assertEqual(last.state, "open")

    def test_closed_card_does_not_move(self):
        self._complete(self.contract)
        with self.assertRaises(UserError):
            self.stage.with_user(self.executor).action_move_to(self.installation.id)

    def test_who_may_move(self):
        self.contract.member_ids = [Command.create({"user_id": self.other.id, "role_id": self.engineer.id})]
        self.photos.is_done = True
        for user in (self.other, self.cashier, self.accountant):
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                self.stage.with_user(user).action_move_to(self.installation.id)
        for user in (self.executor, self.manager, self.admin):
            with self.subTest(user=user.login), self.assertRaises(UserError):
                self.stage.with_user(user).write({"stage_id": self.installation.id})
        self.stage.with_user(self.manager).action_move_to(self.installation.id)
        self.assertEqual(self.contract.current_stage_id.stage_id, self.installation)

    def test_columns_of_the_processes_that_occur(self):
        other = self.process.copy()
        Stage = self.env["crm.contract.stage"].with_user(self.manager).with_context(read_group_expand=True)
        groups = Stage.formatted_read_group([("id", "=", self.stage.id)], ["stage_id"], ["__count"])
        self.assertEqual(
            [(group["stage_id"][0], group["__count"]) for group in groups],
            [(self.survey.id, 1), (self.installation.id, 0), (self.handover.id, 0)],
        )
        self.assertNotIn(other.stage_ids[0].id, [group["stage_id"][0] for group in groups])

    def test_count_of_contracts_at_a_process(self):
        self._start()
        empty = self.process.copy()
        processes = (self.process | empty).with_user(self.manager)
        self.assertEqual(processes.mapped("open_count"), [2, 0])
        action = self.process.with_user(self.manager).action_view_open_stages()
        found = self.env["crm.contract.stage"].search([*action["domain"], ("state", "=", "open")])
        self.assertEqual(len(found), 2)
        self.assertEqual(action["views"][0][1], "kanban")

    def test_queries_of_the_list_do_not_grow(self):
        """As the list, the board and the page of the contract read them."""
        records = ("contract_id", "partner_id", "process_id", "user_id", "stage_id", "done_user_id")
        values = ("name", "date_open", "date_deadline", "is_overdue", "items_done", "progress", "time_spent", "state")
        values += ("duration", "days_overdue", "close_reason", "has_new_items", "can_work", "can_return", "can_skip")
        values += ("outcome", "returned_notice", "contract_stage_id")
        specification = {name: {"fields": {"display_name": {}}} for name in records} | {name: {} for name in values}
        Stage = self.env["crm.contract.stage"].with_user(self.manager)
        domain = [("process_id", "=", self.process.id), ("state", "=", "open")]

        def count(number):
            while Stage.search_count(domain) < number:
                self._start()
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            result = Stage.web_search_read(domain, specification, limit=number)
            self.assertEqual(len(result["records"]), number)
            return self.env.cr.sql_log_count - before

        count(1)
        self.assertEqual(count(3), count(30))

    def test_systray_counts_my_stages(self):
        late, today, planned = self.stage, self._start().current_stage_id, self._start().current_stage_id
        day = self.company._crm_today()
        for stage, days in ((late, -1), (today, 0), (planned, 5)):
            stage._write_history({"date_deadline": day + timedelta(days=days)})
        # What became of the activity does not matter.
        late.activity_ids.unlink()
        [group] = self._get_groups(self.executor)
        self.assertEqual(group["id"], "my_stages")
        self.assertEqual(
            [group[f"{name}_count"] for name in ("overdue", "today", "planned", "total")],
            [1, 1, 1, 2],
        )
        self.assertFalse(self._get_groups(self.other))
        self.assertFalse(self._get_groups(self.cashier))
        late._escalate()
        [group] = self._get_groups(self.admin)
        self.assertNotEqual(group["id"], "my_stages")
        self.assertEqual(group["overdue_count"], 1)

    def _get_groups(self, user):
        groups = self.env["res.users"].with_user(user)._get_activity_groups()
        return [group for group in groups if group["model"] == "crm.contract.stage"]

    def test_statistics(self):
        self._complete(self.contract)
        self._start()
        [(stage, duration, count)] = self.env["crm.contract.stage"]._read_group(
            [("process_id", "=", self.process.id), ("state", "=", "done")],
            ["stage_id"],
            ["duration:avg", "__count"],
        )
        self.assertEqual((stage, count), (self.survey, 1))
        self.assertAlmostEqual(duration, self.stage.duration)


@tagged("post_install", "-at_install")
class TestStageBoardTour(StageCommon, HttpCase):
    def test_board(self):
        self.photos.is_done = True
        self.start_tour("/odoo/active-processes", "custom_crm_board", login="crm_manager")
        stages = self.contract.stage_ids.sorted("id")
        self.assertEqual(stages.mapped("state"), ["done", "returned", "open"])
        self.assertEqual(stages.mapped("stage_id"), self.survey | self.installation)
        self.assertEqual(stages[1].close_reason, "Dark photos")
