from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged

from .test_crm_contract_stage import StageCommon


@tagged("post_install", "-at_install")
class TestStageActivity(StageCommon):
    """The activity of an open stage ends with the stage, other activities are left alone."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.activity = cls.stage.activity_ids

    def _schedule_todo(self, record):
        return record.with_user(self.manager).activity_schedule("mail.mail_activity_data_todo", user_id=self.manager.id)

    def test_done_completes_the_stage(self):
        self.photos.is_done = True
        self.activity.with_user(self.executor).action_feedback(feedback="Keys are with the guard")
        self.assertRecordValues(self.stage, [{"state": "done", "done_user_id": self.executor.id}])
        self.assertEqual(self.contract.current_stage_id.stage_id, self.installation)
        self.assertTrue(self._activities(self.contract.current_stage_id))
        told = self.stage.message_ids.filtered(lambda message: "guard" in message.body)
        self.assertEqual(len(told), 1, "closing the stage does not tell it a second time")
        self.assertEqual(told.author_id, self.executor.partner_id)
        self.assertFalse(self.activity.active)

    def test_done_is_checked_as_completing_is(self):
        activity = self.activity.with_user(self.executor)
        for method in ("action_done", "action_feedback", "action_feedback_schedule_next", "action_archive"):
            with self.subTest(method), self.assertRaisesRegex(UserError, "Photos"), self.env.cr.savepoint():
                getattr(activity, method)()
        self.env.invalidate_all()
        self.assertEqual((self.stage.state, self.activity.active), ("open", True))

    def test_done_by_those_who_work_on_it(self):
        self.photos.is_done = True
        self.contract.member_ids = [Command.create({"user_id": self.other.id, "role_id": self.engineer.id})]
        with self.assertRaises(AccessError), self.env.cr.savepoint():
            self.activity.with_user(self.other).action_feedback()
        self.env.invalidate_all()
        self.activity.with_user(self.manager).action_feedback()
        self.assertEqual(self.stage.done_user_id, self.manager)

    def test_several_at_once(self):
        stages = self.stage | self._start().current_stage_id
        stages.item_ids.is_done = True
        stages.activity_ids.with_user(self.executor).action_done()
        self.assertEqual(stages.mapped("state"), ["done", "done"])

    def test_not_cancelled_while_the_stage_is_open(self):
        for user in (self.executor, self.manager, self.admin):
            activity = self.activity.with_user(user)
            for method in ("action_cancel", "unlink"):
                with self.subTest(method, user=user.login), self.assertRaisesRegex(UserError, "Survey"):
                    getattr(activity, method)()
        self.assertTrue(self.activity.exists())

    def test_not_changed_while_the_stage_is_open(self):
        activity = self.activity.with_user(self.manager)
        for vals in (
            {"user_id": self.other.id},
            {"date_deadline": "2030-01-01"},
            {"activity_type_id": self.env.ref("mail.mail_activity_data_todo").id},
            {"res_id": self._start().current_stage_id.id},
            {"automated": False},
        ):
            with self.subTest(**vals), self.assertRaisesRegex(UserError, "Survey"):
                activity.write(vals)
        activity.note = "Ring twice"

    def test_goes_over_and_ends_with_the_stage(self):
        self.stage.with_user(self.manager).action_reassign(self.other.id, "Holiday")
        self.assertEqual(self.activity.user_id, self.other)
        self.stage.with_user(self.admin)._skip("Done before")
        self.assertFalse(self.activity.exists())

    def test_other_activities_are_left_alone(self):
        for record in (self.stage, self.contract, self.client):
            done, cancelled = self._schedule_todo(record), self._schedule_todo(record)
            with self.subTest(record._name):
                done.date_deadline = "2030-01-01"
                done.action_feedback()
                cancelled.action_cancel()
                self.assertFalse(done.active or cancelled.exists())
        self.assertEqual(self.stage.state, "open")

    def test_no_query_for_other_activities(self):
        todos = self._schedule_todo(self.contract) | self._schedule_todo(self.client)
        self.env.flush_all()
        self.env.invalidate_all()
        todos.mapped("summary")
        with self.assertQueryCount(0):
            self.assertFalse(todos._get_open_stages())

    def test_not_offered_for_activities_of_ones_own(self):
        types = self.env["mail.activity.type"].search([])
        self.assertNotIn(self.env.ref("custom_crm.mail_activity_stage"), types)
        self.assertIn(self.env["mail.activity"]._default_activity_type_for_model(self.stage._name), types)

    def test_done_activity_of_a_closed_stage_stays_done(self):
        activity = self.activity
        self.photos.is_done = True
        self.stage.action_complete()
        self.assertFalse(activity.active)
        with self.assertRaisesRegex(UserError, self.stage.name):
            activity.with_user(self.executor).active = True
