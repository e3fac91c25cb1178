from contextlib import suppress
from datetime import timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo.fields import Domain
from odoo.tests import tagged

from .test_crm_contract_stage import StageCommon


@tagged("post_install", "-at_install")
class TestStageReminder(StageCommon):
    """Before the deadline its responsible is reminded, after it the owner is told; once each."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.crm_reminder_days = 2
        cls.company.partner_id.tz = "UTC"
        # What is open already must not be told as well.
        cls.env["crm.contract.stage"].search([("state", "=", "open")])._close("cancelled")
        cls.survey.duration_days = 10
        cls.contract = cls._start()
        cls.stage = cls.contract.current_stage_id
        cls.photos, cls.keys = cls.stage.item_ids
        cls.cron = cls.env.ref("custom_crm.ir_cron_stage_reminder")

    def _run(self, days, hour=10):
        """Run the scheduled action this number of days after the deadline."""
        with freeze_time(f"{self.stage.date_deadline + timedelta(days=days)} {hour:02}:00:00"):
            with self.enter_registry_test_mode():
                self.cron.method_direct_trigger()
            self.env.invalidate_all()

    def _reminders(self, stage=None):
        """What Odoo itself wrote to somebody on the stage."""
        return (stage or self.stage).message_ids.filtered(
            lambda message: message.author_id == self.env.ref("base.partner_root") and message.notified_partner_ids
        )

    def _escalations(self, stage=None):
        return (stage or self.stage).activity_ids.filtered(
            lambda activity: activity.activity_type_id == self.env.ref("mail.mail_activity_data_todo")
        )

    def test_reminded_once_before_the_deadline(self):
        self._run(-3)
        self.assertFalse(self._reminders())
        for days in (-2, -1, 0):
            self._run(days)
            self.assertEqual(len(self._reminders()), 1)
        self.assertTrue(self.stage.reminded)
        self.assertEqual(self._reminders().notified_partner_ids, self.executor.partner_id)
        self.assertFalse(self._escalations())

    def test_owner_is_told_once_after_the_deadline(self):
        for days in (1, 2, 30):
            self._run(days)
            self.assertRecordValues(
                self._escalations(), [{"user_id": self.admin.id, "date_deadline": self.stage.date_deadline}]
            )
        self.assertIn(self.executor.name, self._escalations().summary)
        self.photos.is_done = True
        self.stage.action_complete()
        self.assertFalse(self.stage.activity_ids, "closing the stage ends the activity")

    def test_off_for_two_months(self):
        self._run(60)
        self._run(61)
        self.assertEqual((len(self._reminders()), len(self._escalations())), (1, 1))

    def test_no_reminder_without_days(self):
        for days in (0, False):
            self.company.crm_reminder_days = days
            self._run(0)
            self.assertFalse(self._reminders())
        self._run(1)
        self.assertEqual(len(self._escalations()), 1, "the owner is told all the same")

    def test_new_responsible_is_reminded_anew(self):
        self._run(-2)
        self.stage.with_user(self.manager).action_reassign(self.other.id, "Holiday")
        self.assertFalse(self.stage.reminded)
        self._run(-1)
        self.assertEqual(len(self._reminders()), 2)
        self.assertEqual(self._reminders().sorted("id")[-1].notified_partner_ids, self.other.partner_id)

    def test_closed_stage_is_left_alone(self):
        self.photos.is_done = True
        self.stage.action_complete()
        self.contract.current_stage_id._close("cancelled")
        self._run(5)
        self.assertFalse(self._reminders() or self._escalations())

    def test_the_companys_day(self):
        """At 13:00 UTC on the deadline the next day has begun in Kamchatka."""
        self._run(0, hour=13)
        self.assertFalse(self._escalations())
        self.company.partner_id.tz = "Asia/Kamchatka"
        self._run(0, hour=13)
        self.assertTrue(self._escalations())

    def test_in_the_language_of_the_person(self):
        self.env["res.lang"]._activate_lang("ru_RU")
        self.executor.lang = "ru_RU"
        seen = []

        def post(stage, **_kwargs):
            seen.append(stage.env.context.get("lang"))

        with patch.object(self.registry["crm.contract.stage"], "message_post", post):
            self._run(-1)
        self.assertEqual(seen, ["ru_RU"])

    def test_owner_without_access_is_replaced(self):
        company = self.env["res.company"].create({"name": "Other"})
        self.env.cr.execute("DELETE FROM res_company_users_rel WHERE user_id = %s", [self.admin.id])
        self.env.cr.execute("INSERT INTO res_company_users_rel VALUES (%s, %s)", [company.id, self.admin.id])
        self.env.cr.execute("UPDATE res_users SET company_id = %s WHERE id = %s", [company.id, self.admin.id])
        self.env.invalidate_all()
        self.env.registry.clear_cache()
        self._run(1)
        self.assertEqual(self._escalations().user_id, self.manager, "the contract's responsible")

    def test_chunks(self):
        stages = self.stage.union(*(self._start().current_stage_id for _index in range(4)))
        chunk = "odoo.addons.custom_crm.models.crm_chunk_mixin.CHUNK_SIZE"
        with patch(chunk, 2):
            self._run(1)
        self.assertEqual(stages.mapped("escalated"), [True] * 5)
        self.assertEqual([len(self._reminders(stage)) for stage in stages], [1] * 5)

    def test_killed_run_goes_on_where_it_stopped(self):
        """Killed at the third of four chunks: what was saved before is not told again."""
        stages = self.stage.union(*(self._start().current_stage_id for _index in range(3)))
        Stage = self.registry["crm.contract.stage"]
        remind = Stage._remind
        chunk = "odoo.addons.custom_crm.models.crm_chunk_mixin.CHUNK_SIZE"

        def killed_at_the_third(self):
            if self == stages[2]:
                raise KeyboardInterrupt
            return remind(self)

        with (
            patch(chunk, 1),
            patch.object(Stage, "_remind", killed_at_the_third),
            patch.object(self.registry["ir.cron"], "_commit_progress", lambda *_args, **_kwargs: 1.0),
            freeze_time(f"{self.stage.date_deadline} 10:00:00"),
            suppress(KeyboardInterrupt),
        ):
            Stage._cron_remind(self.stage)
        self.assertEqual(stages.mapped("reminded"), [True, True, False, False])
        self._run(0)
        self.assertEqual([len(self._reminders(stage)) for stage in stages], [1] * 4)

    def test_what_somebody_works_on_is_left_to_the_next_time(self):
        nothing = self.stage.browse()
        with (
            patch.object(self.registry["crm.contract.stage"], "try_lock_for_update", lambda _self, **_kwargs: nothing),
            patch.object(self.registry["ir.cron"], "_commit_progress", lambda *_args, **_kwargs: 1.0),
        ):
            self.stage._work_in_chunks(Domain("id", "=", self.stage.id), "_remind")
        self.assertFalse(self.stage.reminded)

    def test_nobody_is_pressed_while_the_contract_is_suspended(self):
        self.contract.action_suspend()
        self._run(5)
        self.assertFalse(self._reminders() or self._escalations())
        self.contract.action_resume()
        self._run(6)
        self.assertTrue(self._reminders() and self._escalations())
