from datetime import timedelta

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo import fields
from odoo.exceptions import AccessError, LockError, UserError
from odoo.fields import Command
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .common import CrmCommon


class StageCommon(CrmCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.engineer = cls.env.ref("custom_crm.role_engineer")
        cls.process = cls.env["crm.process"].create(
            {
                "name": "Connection",
                "user_id": cls.admin.id,
                "stage_ids": [
                    Command.create(
                        {
                            "name": "Survey",
                            "sequence": 1,
                            "instruction": "<p>Look around</p>",
                            "role_id": cls.engineer.id,
                            "item_ids": [
                                Command.create({"name": "Photos", "sequence": 1}),
                                Command.create({"name": "Keys", "sequence": 2, "mandatory": False}),
                            ],
                        }
                    ),
                    Command.create({"name": "Installation", "sequence": 2, "user_id": cls.executor.id}),
                    Command.create({"name": "Handover", "sequence": 3, "return_allowed": False}),
                ],
            }
        )
        cls.survey, cls.installation, cls.handover = cls.process.stage_ids
        cls.other = cls._make_user("crm_other", "custom_crm.group_executor")
        cls.contract = cls._start()
        cls.stage = cls.contract.current_stage_id
        cls.photos, cls.keys = cls.stage.item_ids

    @classmethod
    def _start(cls):
        """An active contract at its first stage, the executor responsible by role."""
        return cls._make_active(
            process_id=cls.process.id,
            member_ids=[Command.create({"user_id": cls.executor.id, "role_id": cls.engineer.id})],
        )

    def _complete(self, contract, user=None):
        stage = contract.current_stage_id.with_user(user or self.executor)
        stage.item_ids.is_done = True
        stage.action_complete()
        return contract.current_stage_id

    def _activities(self, stage):
        return stage.activity_ids.filtered(
            lambda activity: activity.activity_type_id == self.env.ref("custom_crm.mail_activity_stage")
        )


@tagged("post_install", "-at_install")
class TestPassingStages(StageCommon):
    def test_first_stage_is_opened_on_activation(self):
        stage = self.stage
        self.assertRecordValues(
            stage,
            [
                {
                    "stage_id": self.survey.id,
                    "process_id": self.process.id,
                    "name": "Survey",
                    "instruction": "<p>Look around</p>",
                    "user_id": self.executor.id,
                    "partner_id": self.client.id,
                    "company_id": self.company.id,
                    "state": "open",
                    "date_done": False,
                    "progress": 0.0,
                    "date_deadline": self.survey._get_deadline(self.company),
                }
            ],
        )
        self.assertRecordValues(
            stage.item_ids,
            [{"name": "Photos", "mandatory": True}, {"name": "Keys", "mandatory": False}],
        )
        self.assertIn(self.executor.partner_id, stage.message_partner_ids)
        self.assertRecordValues(
            self._activities(stage), [{"user_id": self.executor.id, "date_deadline": stage.date_deadline}]
        )
        self.assertEqual(self.contract.stage_user_id, self.executor)
        self.assertEqual(self.contract.current_process_stage_id, self.survey)

    def test_process_is_started_later(self):
        contract = self._make_active()
        with self.assertRaises(UserError):
            contract.action_start_process()
        contract.process_id = self.process
        contract.with_user(self.manager).action_start_process()
        self.assertEqual(contract.current_stage_id.stage_id, self.survey)
        with self.assertRaisesRegex(UserError, contract.name):
            contract.action_start_process()

    def test_process_is_started_on_active_contracts_only(self):
        draft = self._make_contract(process_id=self.process.id)
        with self.assertRaisesRegex(UserError, draft.name):
            draft.action_start_process()

    def test_process_without_stages_is_not_started(self):
        empty = self.env["crm.process"].create({"name": "Empty", "user_id": self.admin.id})
        contract = self._make_contract(process_id=empty.id)
        with self.assertRaisesRegex(UserError, contract.name):
            contract.action_activate()

    def test_process_is_started_by_managers_only(self):
        contract = self._make_active(user_id=self.executor.id)
        contract.process_id = self.process
        with self.assertRaises(AccessError):
            contract.with_user(self.executor).action_start_process()

    def test_responsible_by_name_role_contract_owner(self):
        get = self.survey._get_responsible
        self.assertEqual(get(self.contract), self.executor, "the member with the role")
        self.survey.user_id = self.other
        self.assertEqual(get(self.contract), self.other, "the name goes before the role")
        self.other.active = False
        self.assertEqual(get(self.contract), self.executor, "an archived user is nobody")
        self.contract.member_ids.unlink()
        self.assertEqual(get(self.contract), self.manager, "the contract's responsible")
        self.manager.active = False
        self.assertEqual(get(self.contract), self.admin, "the process owner")
        # By SQL: Odoo refuses to archive the last one who can be responsible.
        self.env.cr.execute("UPDATE res_users SET active = false WHERE id = %s", [self.admin.id])
        self.env.invalidate_all()
        with self.assertRaisesRegex(UserError, self.contract.name):
            get(self.contract)

    def test_responsible_belongs_to_the_company(self):
        company = self.env["res.company"].create({"name": "Other"})
        self.survey.user_id = self.env["res.users"].create(
            {
                "name": "Foreigner",
                "login": "crm_foreigner",
                "company_id": company.id,
                "company_ids": [Command.set(company.ids)],
            }
        )
        self.assertEqual(self.survey._get_responsible(self.contract), self.executor)

    def test_mandatory_item_stops_completion(self):
        stage = self.stage.with_user(self.executor)
        with self.assertRaisesRegex(UserError, "Photos") as error:
            stage.action_complete()
        self.assertNotIn("Keys", str(error.exception))
        self.photos.with_user(self.executor).is_done = True
        self.assertEqual(stage.progress, 50.0)
        stage.action_complete()
        self.assertRecordValues(stage, [{"state": "done", "done_user_id": self.executor.id}])
        self.assertTrue(stage.date_done)
        self.assertFalse(self._activities(stage))

    def test_next_stage_is_opened_up_to_the_last(self):
        for definition in (self.installation, self.handover):
            stage = self._complete(self.contract)
            self.assertEqual(stage.stage_id, definition)
        self.assertEqual(stage.user_id, self.manager)
        self.assertEqual(self._activities(stage).user_id, self.manager)
        self.assertFalse(self._complete(self.contract, self.manager))
        self.assertEqual(self.contract.stage_ids.mapped("state"), ["done"] * 3)
        self.assertTrue(self.contract.with_user(self.executor).subject is not None, "still seen by who worked on it")

    def test_next_follows_the_order_as_it_is_now(self):
        self.handover.sequence = 0
        self.installation.sequence = 20
        self.assertEqual(self._complete(self.contract).stage_id, self.installation)
        self.assertFalse(self._complete(self.contract))

    def test_process_stays_while_a_stage_is_open(self):
        other = self.process.copy()
        with self.assertRaisesRegex(UserError, self.contract.name):
            self.contract.process_id = other
        self.stage.with_user(self.manager)._cancel_open()
        self.contract.process_id = other
        self.contract._finish(fields.Date.today(), "Over")
        with self.assertRaisesRegex(UserError, self.contract.name):
            self.contract.process_id = self.process

    def test_work_on_a_suspended_contract_goes_on(self):
        self.contract.action_suspend()
        self.assertEqual(self._complete(self.contract).stage_id, self.installation)

    def test_completing_twice_is_refused(self):
        self._complete(self.contract)
        with self.assertRaises(UserError):
            self.stage.action_complete()
        self.assertEqual(len(self.contract.stage_ids), 2)

    def test_completing_while_somebody_else_does(self):
        self.photos.is_done = True

        def locked(_self, **_kwargs):
            raise LockError("locked")

        self.patch(self.registry["crm.contract.stage"], "lock_for_update", locked)
        with self.assertRaisesRegex(UserError, "Somebody else"):
            self.stage.action_complete()
        self.assertEqual(self.stage.state, "open")

    def test_one_open_stage_by_the_database(self):
        vals = {
            "contract_id": self.contract.id,
            "process_id": self.process.id,
            "stage_id": self.installation.id,
            "name": "Forged",
            "user_id": self.manager.id,
        }
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError), self.env.cr.savepoint():
            self.env["crm.contract.stage"].create(vals)
        self.env["crm.contract.stage"].create({**vals, "state": "done"})

    def test_return_opens_the_previous_stage_again(self):
        stage = self._complete(self.contract).with_user(self.executor)
        action = stage.action_return()
        wizard = Form(self.env[action["res_model"]].with_user(self.executor).with_context(**action["context"]))
        wizard.reason = "Photos are <b>dark</b>"
        wizard.save().action_return()
        self.assertRecordValues(stage, [{"state": "returned", "done_user_id": self.executor.id}])
        self.assertIn("Photos are &lt;b&gt;dark", stage.message_ids[0].body)
        again = self.contract.current_stage_id
        self.assertEqual(again.stage_id, self.survey)
        self.assertNotEqual(again, self.stage)
        self.assertIn("dark", again.message_ids.mapped("body")[0])
        self.assertFalse(any(again.item_ids.mapped("is_done")))
        self.assertEqual(self.stage.state, "done", "what was passed stays passed")

    def test_return_only_where_allowed(self):
        with self.assertRaisesRegex(UserError, "first"):
            self.stage.action_return()
        self._complete(self.contract)
        stage = self._complete(self.contract)
        self.assertFalse(stage.can_return)
        with self.assertRaisesRegex(UserError, "Handover"):
            stage.action_return()
        with self.assertRaises(UserError):
            stage._return("x")

    def test_reassign(self):
        self.stage.with_user(self.manager).action_reassign(self.other.id, "Holiday")
        self.assertEqual(self.stage.user_id, self.other)
        self.assertEqual(self._activities(self.stage).user_id, self.other)
        self.assertIn(self.other.partner_id, self.stage.message_partner_ids)
        self.assertTrue(any("Holiday" in body for body in self.stage.message_ids.mapped("body")))

    def test_responsible_changed_on_the_form(self):
        with Form(self.stage.with_user(self.manager)) as form:
            form.user_id = self.other
        self.assertEqual(self._activities(self.stage).user_id, self.other)

    def test_reassign_to_the_active_only(self):
        self.other.active = False
        with self.assertRaises(UserError):
            self.stage.with_user(self.manager).action_reassign(self.other.id)
        with self.assertRaises(UserError):
            self.stage.user_id = False

    def test_finished_contract_cancels_its_stage(self):
        self.contract.with_user(self.manager)._finish(fields.Date.today(), "Moved away")
        self.assertRecordValues(self.stage, [{"state": "cancelled", "done_user_id": self.manager.id}])
        self.assertTrue(self.stage.date_done)
        self.assertFalse(self.stage.activity_ids)
        self.assertFalse(self.contract.current_stage_id)

    def test_server_action_runs_on_entering(self):
        self.installation.server_action_id = self.env["ir.actions.server"].create(
            {
                "name": "Mark",
                "model_id": self.env["ir.model"]._get_id("crm.contract.stage"),
                "state": "code",
                "code": "record.write({'note': 'entered'})",
            }
        )
        self.assertEqual(self._complete(self.contract).note, "entered")

    def test_overdue(self):
        stages = self.stage | self._start().current_stage_id
        Stage = self.env["crm.contract.stage"]
        domain = [("id", "in", stages.ids)]
        self.assertFalse(Stage.search([*domain, ("is_overdue", "=", True)]))
        yesterday = self.company._crm_today() - timedelta(days=1)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE crm_contract_stage SET date_deadline = %s WHERE id = %s", [yesterday, self.stage.id]
        )
        stages.invalidate_recordset()
        self.assertEqual(stages.mapped("is_overdue"), [True, False])
        self.assertEqual(Stage.search([*domain, ("is_overdue", "=", True)]), self.stage)
        self.assertEqual(Stage.search([*domain, ("is_overdue", "!=", True)]), stages - self.stage)
        self.assertEqual(Stage.search([*domain, ("is_overdue", "=", False)]), stages - self.stage)
        self._complete(self.contract)
        self.assertFalse(self.stage.is_overdue)
        self.assertFalse(Stage.search([*domain, ("is_overdue", "=", True)]))

    def test_overdue_by_the_companys_day(self):
        """Midnight has passed in Kamchatka, not in London."""
        deadline = self.stage.date_deadline
        with self.subTest("east"):
            self.company.partner_id.tz = "Asia/Kamchatka"
            self.startPatcher(freeze_time(f"{deadline} 13:00:00"))
            self.assertTrue(self.stage.is_overdue)
            self.assertTrue(self.stage.search([("id", "=", self.stage.id), ("is_overdue", "=", True)]))
        with self.subTest("west"):
            self.company.partner_id.tz = "Europe/London"
            self.stage.invalidate_recordset()
            self.assertFalse(self.stage.is_overdue)
            self.assertFalse(self.stage.search([("id", "=", self.stage.id), ("is_overdue", "=", True)]))

    def test_queries_do_not_grow_with_the_contracts(self):
        """Opening 50 stages takes as many queries as opening 5. Followers are left out: Odoo adds them one by one."""

        def count(number):
            contracts = self.env["crm.contract"].union(
                *(self._make_contract(process_id=self.process.id) for _index in range(number))
            )
            contracts.state = "active"
            contracts = contracts.with_user(self.manager).with_context(tracking_disable=True)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            stages = contracts.env["crm.contract.stage"]._open_first(contracts)
            self.env.flush_all()
            self.assertEqual(len(stages), number)
            return self.env.cr.sql_log_count - before

        count(1)
        self.assertEqual(count(50), count(5))


@tagged("post_install", "-at_install")
class TestStoppingStages(StageCommon):
    """Skip, cancel, hand over: by whom, with a reason, and what the history says afterwards."""

    def _stop(self, stage, method, user, reason="The client moved"):
        """Press the button of the form, give the reason, confirm."""
        action = getattr(stage.with_user(user), method)()
        wizard = Form(self.env[action["res_model"]].with_user(user).with_context(**action["context"]))
        wizard.reason = reason
        return getattr(wizard.save(), method)()

    def test_skip_opens_the_next_stage(self):
        self._stop(self.stage, "action_skip", self.admin, "Done <b>before</b>")
        self.assertRecordValues(
            self.stage,
            [
                {
                    "state": "cancelled",
                    "is_skipped": True,
                    "outcome": "skipped",
                    "close_reason": "Done <b>before</b>",
                    "done_user_id": self.admin.id,
                }
            ],
        )
        self.assertTrue(self.stage.date_done)
        self.assertIn("Done &lt;b&gt;before", self.stage.message_ids[0].body)
        self.assertFalse(self._activities(self.stage))
        self.assertEqual(self.contract.current_stage_id.stage_id, self.installation)
        self.assertEqual(self.contract.current_stage_id.user_id, self.executor)

    def test_skip_the_last_stage_ends_the_process(self):
        self._complete(self.contract)
        last = self._complete(self.contract)
        self._stop(last, "action_skip", self.admin)
        self.assertEqual(last.state, "cancelled")
        self.assertFalse(self.contract.current_stage_id)

    def test_cancel_leaves_the_contract_in_force(self):
        self._stop(self.stage, "action_cancel", self.manager)
        self.assertRecordValues(
            self.stage,
            [
                {
                    "state": "cancelled",
                    "is_skipped": False,
                    "outcome": "cancelled",
                    "close_reason": "The client moved",
                    "done_user_id": self.manager.id,
                }
            ],
        )
        self.assertFalse(self.stage.activity_ids)
        self.assertFalse(self.contract.current_stage_id)
        self.assertEqual(self.contract.state, "active")
        self.assertIn("The client moved", self.contract.message_ids[0].body)
        self.contract.with_user(self.manager).action_start_process()
        self.assertEqual(self.contract.current_stage_id.stage_id, self.survey)
        self.assertEqual(self.contract.stage_ids.sorted("id").mapped("state"), ["cancelled", "open"])

    def test_return_writes_its_reason(self):
        stage = self._complete(self.contract)
        self._stop(stage, "action_return", self.executor, "Wrong cable")
        self.assertEqual(stage.close_reason, "Wrong cable")
        self.assertFalse(self.contract.current_stage_id.close_reason)

    def test_hand_over_many_with_a_wizard(self):
        stages = self.stage | self._start().current_stage_id
        action = stages.with_user(self.manager).action_hand_over()
        wizard = Form(self.env[action["res_model"]].with_user(self.manager).with_context(**action["context"]))
        wizard.user_id = self.other
        wizard.reason = "Holiday"
        wizard.save().action_reassign()
        self.assertEqual(stages.user_id, self.other)
        for stage in stages:
            self.assertEqual(self._activities(stage).user_id, self.other)
            self.assertTrue(any("Holiday" in body for body in stage.message_ids.mapped("body")))

    def test_who_may_skip(self):
        for user in (self.executor, self.manager, self.cashier, self.accountant):
            stage = self.stage.with_user(user)
            self.assertFalse(stage.can_skip)
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                stage.action_skip()
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                stage._skip("x")
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                self._forge_stop(user, "skip")
        self.assertTrue(self.stage.with_user(self.admin).can_skip)
        self.assertEqual(self.stage.state, "open")

    def test_who_may_cancel_and_hand_over(self):
        for user in (self.executor, self.cashier, self.accountant):
            stage = self.stage.with_user(user)
            self.assertFalse(stage.can_reassign)
            for method in ("action_cancel", "action_hand_over"):
                with self.subTest(method, user=user.login), self.assertRaises(AccessError):
                    getattr(stage, method)()
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                stage._cancel("x")
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                self._forge_stop(user, "cancel")
        self.assertEqual(self.stage.state, "open")

    def _forge_stop(self, user, mode):
        """As a client that calls the wizard without the form's button."""
        Wizard = self.env["crm.contract.stage.stop"].with_user(user)
        wizard = Wizard.create({"stage_id": self.stage.id, "mode": mode, "reason": "x"})
        return wizard.action_skip() if mode == "skip" else wizard.action_cancel()

    def test_closed_stage_is_not_stopped(self):
        self._complete(self.contract)
        for method in ("action_skip", "action_cancel", "action_hand_over"):
            with self.subTest(method), self.assertRaises(UserError):
                getattr(self.stage.with_user(self.admin), method)()
        for method in ("_skip", "_cancel"):
            with self.subTest(method), self.assertRaises(UserError):
                getattr(self.stage.with_user(self.admin), method)("x")

    def test_history_numbers(self):
        start = self.stage.date_open
        with freeze_time(start):
            self.assertRecordValues(self.stage, [{"duration": 0.0, "days_overdue": 0, "items_done": "0 / 2"}])
        self.photos.is_done = True
        self.stage.invalidate_recordset()
        with freeze_time(start + timedelta(days=9, hours=12)):
            self.assertEqual(self.stage.duration, 9.5, "so far")
            stage = self.stage.with_context(lang="ru_RU")
            self.assertTrue(stage.time_spent.startswith("10 "), "counted until now while it is open")
            self.stage.action_complete()
            late = (self.company._crm_today() - self.stage.date_deadline).days
        self.assertRecordValues(self.stage, [{"duration": 9.5, "days_overdue": late, "items_done": "1 / 2"}])
        self.assertGreater(late, 0)
        self.assertTrue(stage.time_spent.startswith("10 "))

    def test_days_late_by_the_companys_day(self):
        """Closed at 13:00 UTC on the last day: the next day has begun in Kamchatka."""
        for timezone, late in (("Europe/London", 0), ("Asia/Kamchatka", 1)):
            stage = self._start().current_stage_id
            stage.item_ids.is_done = True
            self.company.partner_id.tz = timezone
            with self.subTest(timezone), freeze_time(f"{stage.date_deadline} 13:00:00"):
                stage.action_complete()
                self.assertEqual(stage.days_overdue, late)


@tagged("post_install", "-at_install")
class TestStageChecklist(StageCommon):
    def test_toggle(self):
        photos = self.photos.with_user(self.executor)
        photos.action_toggle()
        self.assertRecordValues(photos, [{"is_done": True, "done_user_id": self.executor.id}])
        self.assertTrue(photos.done_date)
        self.assertEqual(self.stage.progress, 50.0)
        (self.photos | self.keys).with_user(self.manager).action_toggle()
        self.assertRecordValues(
            self.stage.item_ids,
            [
                {"is_done": False, "done_user_id": False, "done_date": False},
                {"is_done": True, "done_user_id": self.manager.id, "done_date": self.keys.done_date},
            ],
        )

    def test_who_may_toggle(self):
        self.contract.member_ids = [Command.create({"user_id": self.other.id, "role_id": self.engineer.id})]
        for user in (self.other, self.cashier, self.accountant):
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                self.photos.with_user(user).action_toggle()
        self._complete(self.contract)
        with self.assertRaises(UserError):
            self.photos.with_user(self.executor).action_toggle()

    def test_take_over_new_items(self):
        self.assertFalse(self.stage.has_new_items)
        self.survey.item_ids = [
            Command.create({"name": "Video", "sequence": 3}),
            Command.update(self.survey.item_ids[0].id, {"name": "Pictures", "mandatory": False}),
            Command.delete(self.survey.item_ids[1].id),
        ]
        stages = self.stage | self._start().current_stage_id
        self.assertEqual(stages.mapped("has_new_items"), [True, False])
        self.photos.is_done = True
        for _click in range(2):
            stages.with_user(self.manager).action_take_over_items()
        self.assertRecordValues(
            self.stage.item_ids,
            [
                {"name": "Photos", "mandatory": True, "is_done": True},
                {"name": "Keys", "mandatory": False, "is_done": False},
                {"name": "Video", "mandatory": True, "is_done": False},
            ],
        )
        self.assertEqual(stages[1].item_ids.mapped("name"), ["Pictures", "Video"])
        self.assertFalse(any(stages.mapped("has_new_items")))

    def test_item_without_its_definition_is_known_by_name(self):
        self.survey.item_ids.unlink()
        self.assertFalse(self.photos.definition_item_id)
        self.survey.item_ids = [Command.create({"name": "Photos"}), Command.create({"name": "Plan"})]
        self.assertTrue(self.stage.has_new_items)
        self.stage.with_user(self.executor).action_take_over_items()
        self.assertEqual(sorted(self.stage.item_ids.mapped("name")), ["Keys", "Photos", "Plan"])

    def test_take_over_by_those_who_work_on_it(self):
        self.survey.item_ids = [Command.create({"name": "Video"})]
        for user in (self.other, self.cashier, self.accountant):
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                self.stage.with_user(user).action_take_over_items()
        self._complete(self.contract)
        self.assertFalse(self.stage.has_new_items, "what was passed stays")
        with self.assertRaises(UserError):
            self.stage.with_user(self.executor).action_take_over_items()

    def test_item_is_taken_over_once_by_the_database(self):
        vals = {"stage_id": self.stage.id, "name": "Twice", "definition_item_id": self.photos.definition_item_id.id}
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError), self.env.cr.savepoint():
            self.env["crm.contract.stage.item"].create(vals)


@tagged("post_install", "-at_install")
class TestStageHistory(StageCommon):
    """Invariant 8: what was passed no longer changes."""

    FORGED = {
        "state": "done",
        "name": "x",
        "instruction": "x",
        "sequence": 5,
        "date_open": "2020-01-01 00:00:00",
        "date_deadline": "2030-01-01",
        "date_done": "2020-01-01 00:00:00",
        "progress": 100.0,
        "duration": 1.0,
        "days_overdue": 5,
        "day_done": "2020-01-01",
        "is_skipped": True,
        "close_reason": "x",
        "reminded": True,
        "escalated": True,
    }

    def _users(self):
        return self.executor, self.manager, self.admin

    def test_definition_changes_nothing_passed(self):
        self.survey.write({"name": "Inspection", "instruction": "<p>New</p>", "sequence": 7})
        self.survey.item_ids[0].name = "Video"
        self.survey.item_ids[1].unlink()
        self.assertEqual(self.stage.name, "Survey")
        self.assertEqual(self.stage.instruction, "<p>Look around</p>")
        self.assertEqual(self.stage.item_ids.mapped("name"), ["Photos", "Keys"])

    def test_history_survives_its_definition(self):
        self._complete(self.contract)
        self.survey.unlink()
        self.assertRecordValues(self.stage, [{"name": "Survey", "stage_id": False, "state": "done"}])
        self.assertEqual(self._complete(self.contract).stage_id, self.handover)

    def test_protected_fields_are_never_written(self):
        other = self._start()
        forged = {
            **self.FORGED,
            "contract_id": other.id,
            "stage_id": self.handover.id,
            "process_id": self.process.id,
            "partner_id": self.company.partner_id.id,
            "company_id": self.company.id,
            "done_user_id": self.manager.id,
            "returned_from_id": other.current_stage_id.id,
        }
        for closed in (False, True):
            if closed:
                self._complete(self.contract)
            for user in self._users():
                for name, value in forged.items():
                    with self.subTest(name, user=user.login, closed=closed), self.assertRaises(UserError):
                        self.stage.with_user(user).write({name: value})

    def test_item_history_is_never_written(self):
        for user in self._users():
            item = self.photos.with_user(user)
            for vals in (
                {"name": "x"},
                {"mandatory": False},
                {"sequence": 9},
                {"done_user_id": self.manager.id},
                {"is_done": True, "done_date": "2020-01-01 00:00:00"},
                {"stage_id": self._start().current_stage_id.id},
                {"definition_item_id": self.survey.item_ids[1].id},
            ):
                with self.subTest(user=user.login, **vals), self.assertRaises(UserError):
                    item.write(vals)
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                item.unlink()
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                item.create({"stage_id": self.stage.id, "name": "x"})

    def test_stages_are_not_made_or_deleted_by_hand(self):
        for user in self._users():
            with self.assertRaises(AccessError):
                self.stage.with_user(user).unlink()
            with self.assertRaises(AccessError):
                self.env["crm.contract.stage"].with_user(user).create(
                    {
                        "contract_id": self._make_active().id,
                        "process_id": self.process.id,
                        "name": "x",
                        "user_id": user.id,
                    }
                )

    def test_closed_stage_is_frozen(self):
        self._complete(self.contract)
        for user in self._users():
            stage = self.stage.with_user(user)
            for vals in (
                {"note": "x"},
                {"user_id": user.id},
                {"item_ids": [Command.update(self.keys.id, {"is_done": False})]},
            ):
                with self.subTest(user=user.login, **vals), self.assertRaises(UserError):
                    stage.write(vals)
            for method in ("action_complete", "action_return"):
                with self.subTest(method, user=user.login), self.assertRaises(UserError):
                    getattr(stage, method)()
            with self.assertRaises(UserError):
                self.keys.with_user(user).is_done = False
        with self.assertRaises(UserError):
            self.stage.unlink()
        self.stage.with_user(self.executor).message_post(body="A comment still goes")

    def test_ticks_tell_who_and_when(self):
        photos = self.photos.with_user(self.executor)
        photos.is_done = True
        self.assertEqual(photos.done_user_id, self.executor)
        ticked = photos.done_date
        self.assertTrue(ticked)
        (self.photos | self.keys).with_user(self.manager).is_done = True
        self.assertRecordValues(photos, [{"done_user_id": self.executor.id, "done_date": ticked}])
        self.assertEqual(self.keys.done_user_id, self.manager)
        photos.is_done = False
        self.assertRecordValues(photos, [{"done_user_id": False, "done_date": False}])

    def test_defaults_of_the_caller_do_not_get_into_the_next_stage(self):
        stage = self.stage.with_user(self.executor).with_context(
            default_state="done", default_note="x", default_done_user_id=self.manager.id, default_is_done=True
        )
        self.photos.is_done = True
        stage.action_complete()
        self.assertRecordValues(
            self.contract.current_stage_id, [{"state": "open", "note": False, "done_user_id": False}]
        )


@tagged("post_install", "-at_install")
class TestStageAccess(StageCommon):
    """Rights of each role on stages of contracts.

    ============  =====================  ==================  =========
    Role          Read                   Work                Hand over
    ============  =====================  ==================  =========
    Executor      of their contracts     where responsible   no
    Manager       all                    all                 yes
    Cashier       all                    no                  no
    Accountant    all                    no                  no
    ============  =====================  ==================  =========
    """

    def _visible(self, user, records):
        return records.with_user(user).search([("id", "in", records.ids)])

    def test_executor_works_on_own_stages(self):
        stage = self.stage.with_user(self.executor)
        stage.note = "Third floor"
        stage.item_ids.is_done = True
        self.assertTrue(stage.can_work)
        self.assertFalse(stage.can_reassign)
        stage.action_complete()
        self.assertEqual(self.contract.current_stage_id.stage_id, self.installation)

    def test_member_reads_but_does_not_work(self):
        self.contract.member_ids = [Command.create({"user_id": self.other.id, "role_id": self.engineer.id})]
        stage = self.stage.with_user(self.other)
        self.assertEqual(stage.item_ids.mapped("name"), ["Photos", "Keys"])
        self.assertFalse(stage.can_work or stage.can_return)
        stage.message_post(body="A comment")
        self._assert_no_work(self.other)

    def test_stranger_sees_nothing(self):
        self.assertFalse(self._visible(self.other, self.stage))
        self.assertFalse(self._visible(self.other, self.stage.item_ids))
        with self.assertRaises(AccessError):
            self.stage.with_user(self.other).read(["name"])
        self._assert_no_work(self.other)

    def test_cashier_and_accountant_read(self):
        for user in (self.cashier, self.accountant):
            self.assertEqual(self._visible(user, self.stage), self.stage)
            self.assertEqual(self.stage.with_user(user).item_ids.mapped("name"), ["Photos", "Keys"])
            self._assert_no_work(user)

    def _assert_no_work(self, user):
        stage = self.stage.with_user(user)
        with self.assertRaises(AccessError):
            stage.write({"note": "x"})
        with self.assertRaises(AccessError):
            self.photos.with_user(user).write({"is_done": True})
        for method in ("action_complete", "action_return"):
            with self.assertRaises(AccessError):
                getattr(stage, method)()
        with self.assertRaises(AccessError):
            stage._return("x")
        with self.assertRaises(AccessError):
            stage.action_reassign(user.id)

    def test_executor_does_not_hand_over(self):
        with self.assertRaises(AccessError):
            self.stage.with_user(self.executor).action_reassign(self.other.id)
        with self.assertRaises(AccessError):
            self.stage.with_user(self.executor).write({"user_id": self.other.id})

    def test_manager_works_on_all(self):
        stage = self.stage.with_user(self.manager)
        self.assertEqual(self._visible(self.manager, stage), stage)
        self.assertTrue(stage.can_work and stage.can_reassign)
        self._complete(self.contract, self.manager)
        self.assertEqual(self.stage.done_user_id, self.manager)

    def test_other_company_is_hidden(self):
        company = self.env["res.company"].create({"name": "Other"})
        foreigner = self.env["res.users"].create(
            {
                "name": "Foreigner",
                "login": "crm_foreign_manager",
                "company_id": company.id,
                "company_ids": [Command.set(company.ids)],
                "group_ids": [Command.link(self.env.ref("custom_crm.group_manager").id)],
            }
        )
        for records in (self.stage, self.stage.item_ids):
            self.assertFalse(self._visible(foreigner, records))
            with self.assertRaises(AccessError):
                records.with_user(foreigner).read(["name"])
        self._assert_no_work(foreigner)
