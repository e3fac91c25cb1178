import logging
from ast import literal_eval

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, tagged
from odoo.tools import html2plaintext, mute_logger

from .common import CrmCommon

HAND_OVER = "custom_crm.mail_activity_hand_over"
STAGE = "custom_crm.mail_activity_stage"
WITHOUT = "custom_crm.mail_activity_without_responsible"


class ResponsibleCommon(CrmCommon):
    """The leaver is responsible for contracts and, as an engineer, for their open stages; the owner takes over."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.engineer = cls.env.ref("custom_crm.role_engineer")
        cls.lawyer = cls.env.ref("custom_crm.role_lawyer")
        cls.leaver = cls._make_user("crm_leaver", "custom_crm.group_manager")
        cls.owner = cls._make_user("crm_owner", "custom_crm.group_manager")
        cls.substitute = cls._make_user("crm_substitute", "custom_crm.group_executor")
        cls.process = cls.env["crm.process"].create(
            {
                "name": "Connection",
                "user_id": cls.owner.id,
                "stage_ids": [
                    Command.create({"name": "Survey", "sequence": 1, "role_id": cls.engineer.id}),
                    Command.create({"name": "Installation", "sequence": 2}),
                ],
            }
        )

    @classmethod
    def _make_plain(cls, **vals):
        """A draft of the leaver without a process."""
        return cls._make_contract(**{"user_id": cls.leaver.id, **vals})

    @classmethod
    def _start(cls, **vals):
        """An active contract of the leaver at its first stage, which is the leaver's too."""
        vals.setdefault("member_ids", [cls._member(cls.leaver)])
        return cls._make_active(**{"user_id": cls.leaver.id, "process_id": cls.process.id, **vals})

    @classmethod
    def _member(cls, user, role=None):
        return Command.create({"user_id": user.id, "role_id": (role or cls.engineer).id})

    @classmethod
    def _make_employee(cls, user, **vals):
        return cls.env["hr.employee"].create({"name": user.name, "user_id": user.id, **vals})

    def _activities(self, record, xmlid):
        return record.activity_ids.filtered(lambda activity: activity.activity_type_id == self.env.ref(xmlid))

    def _assert_refused(self, action, *names):
        """The action ends with a message that has the names in it, and all is as before."""
        with self.assertRaises(UserError) as error:
            action()
        for name in names:
            self.assertIn(name, str(error.exception))
        # As at the end of a request.
        self.env.registry.clear_all_caches()

    def _assert_taken_over(self, record, user, xmlid, former=None):
        """A new responsible, one note with both names, one activity, and the right follower."""
        former = former or self.leaver
        self.assertEqual(record.user_id, user)
        self.assertTrue(record.has_responsible)
        notes = record.message_ids.filtered(
            lambda message: html2plaintext(message.body or "").startswith("Responsible: ")
        )
        self.assertEqual(len(notes), 1)
        self.assertIn(former.name, notes.body)
        self.assertIn(user.name, notes.body)
        self.assertRecordValues(self._activities(record, xmlid), [{"user_id": user.id}])
        self.assertIn(user.partner_id, record.message_partner_ids)
        self.assertNotIn(former.partner_id, record.message_partner_ids)
        self.assertFalse(record.activity_ids.filtered(lambda activity: activity.user_id == former))


@tagged("post_install", "-at_install")
class TestWhoCanBeResponsible(ResponsibleCommon):
    def _assert_able(self, user, expected, company=None):
        """The rule is the same in Python and in the database."""
        company = company or self.company
        Users = self.env["res.users"].with_context(active_test=False)
        found = Users.search([("id", "=", user.id)]) & Users.search(Users._get_responsible_domain(company))
        self.assertEqual(user._can_be_responsible(company), expected)
        self.assertEqual(bool(found), expected)
        # What the selection lists offer.
        offered = Users.search([("id", "=", user.id), ("can_be_responsible", "=", True), *self._works_for(company)])
        self.assertEqual(bool(offered), expected)
        self.assertEqual(user.can_be_responsible, user._can_be_responsible())

    @staticmethod
    def _works_for(company):
        return [("company_ids", "in", company.ids)]

    def test_offered_to_executors_too(self):
        """Who may not read groups and employees may search by the rule."""
        offered = self.env["res.users"].with_user(self.executor).search([("can_be_responsible", "=", True)])
        self.assertIn(self.substitute, offered)
        self.assertNotIn(self.cashier, offered)

    def test_rule_in_python_and_in_the_database(self):
        for user in (self.executor, self.manager, self.admin):
            self._assert_able(user, True)
        for user in (self.cashier, self.accountant, self.env.ref("base.user_root")):
            self._assert_able(user, False)
        portal = self._make_user("crm_portal", "base.group_portal")
        self._assert_able(portal, False)
        self.substitute.active = False
        self._assert_able(self.substitute, False)

    def test_rule_for_employees(self):
        employee = self._make_employee(self.substitute)
        self._assert_able(self.substitute, True)
        employee.active = False
        self._assert_able(self.substitute, False)
        other = self.env["res.company"].create({"name": "Other"})
        self._make_employee(self.substitute, company_id=other.id)
        self._assert_able(self.substitute, True)

    def test_rule_for_companies(self):
        other = self.env["res.company"].create({"name": "Other"})
        self._assert_able(self.substitute, False, other)
        self.substitute.company_ids |= other
        self._assert_able(self.substitute, True, other)
        other.active = False
        self.env.invalidate_all()
        self._assert_able(self.substitute, True, other)

    def test_no_contract_for_who_cannot(self):
        """By the form's values, over RPC (as a manager) and by an import."""
        self.substitute.active = False
        Contract = self.env["crm.contract"].with_user(self.manager)
        contract = self._make_contract().with_user(self.manager)
        for user in (self.substitute, self.cashier, self.accountant):
            with self.subTest(user=user.login):
                self._assert_refused(lambda user=user: self._make_contract(user_id=user.id), user.name)
                self._assert_refused(lambda user=user: contract.write({"user_id": user.id}), contract.name, user.name)
                self._assert_refused(lambda user=user: contract.web_save({"user_id": user.id}, {"user_id": {}}))
        result = Contract.load(
            ["partner_id/.id", "payment_day", "user_id/.id"], [[self.client.id, 10, self.substitute.id]]
        )
        self.assertFalse(result["ids"])
        self.assertIn("can't be responsible", result["messages"][0]["message"])
        self.assertEqual(contract.user_id, self.manager)

    def test_no_stage_for_who_cannot(self):
        stage = self._start().current_stage_id.with_user(self.manager)
        for user in (self.cashier, self.accountant):
            self._assert_refused(lambda user=user: stage.action_reassign(user.id), user.name, stage.name)
            self._assert_refused(lambda user=user: stage.write({"user_id": user.id}), user.name, stage.name)
        self._assert_refused(lambda: stage.write({"user_id": False}), stage.name)
        self.assertEqual(stage.user_id, self.leaver)

    def test_default_responsible_can_be_it(self):
        self._assert_refused(lambda: self.company.write({"crm_default_user_id": self.cashier.id}), "executors")
        self.company.crm_default_user_id = self.substitute

    def test_new_stage_is_for_who_can(self):
        self.process.stage_ids[0].user_id = self.cashier
        self.assertEqual(self._start().stage_user_id, self.leaver, "a cashier named by the definition is passed over")

    def test_company_default_is_the_last_choice_for_a_stage(self):
        contract = self._start()
        definition = self.process.stage_ids[1]
        self.company.crm_default_user_id = self.substitute
        # By SQL, as Odoo would hand over.
        self.env.flush_all()
        gone = tuple((self.leaver | self.owner).ids)
        self.env.cr.execute("UPDATE res_users SET active = false WHERE id IN %s", [gone])
        self.env.invalidate_all()
        self.assertEqual(definition._get_responsible(contract), self.substitute)


@tagged("post_install", "-at_install")
class TestHandOver(ResponsibleCommon):
    """Every way a user can vanish, one by one."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.crm_default_user_id = cls.substitute
        cls.contract = cls._start()
        cls.stage = cls.contract.current_stage_id
        cls.draft = cls._make_plain()

    def _assert_handed_over(self):
        self._assert_taken_over(self.contract, self.owner, HAND_OVER)
        self._assert_taken_over(self.stage, self.owner, STAGE)
        self._assert_taken_over(self.draft, self.substitute, HAND_OVER)

    def test_archive_by_write(self):
        self.leaver.active = False
        self._assert_handed_over()
        self.assertIn("archived", self.contract.message_ids[0].body)

    def test_archive_by_the_button(self):
        """By somebody who administers users and has no rights on contracts; mail deletes activities of the user."""
        self.contract.activity_schedule(user_id=self.leaver.id, summary="Call")
        erp_manager = self._make_user("crm_users", "base.group_erp_manager")
        self.leaver.with_user(erp_manager).action_archive()
        self.assertFalse(self.leaver.active)
        self._assert_handed_over()
        self.assertEqual(self.contract.activity_ids.filtered("summary").mapped("user_id"), self.owner)
        self.assertIn("Call", self.contract.activity_ids.mapped("summary"))

    def test_removed_from_the_group_on_the_user(self):
        self.leaver.group_ids = self.env.ref("base.group_user")
        self._assert_handed_over()
        self.assertIn("executors", self.contract.message_ids[0].body)

    def test_removed_from_the_group_on_the_group(self):
        self.env.ref("custom_crm.group_manager").user_ids -= self.leaver
        self._assert_handed_over()

    def test_removed_from_the_implied_users_of_the_group(self):
        self.env.ref("custom_crm.group_manager").all_user_ids -= self.leaver
        self._assert_handed_over()

    def test_group_no_longer_implies(self):
        group = self.env["res.groups"].create(
            {"name": "Engineers", "implied_ids": [Command.link(self.env.ref("custom_crm.group_executor").id)]}
        )
        self.leaver.group_ids = self.env.ref("base.group_user") | group
        self.assertEqual(self.contract.user_id, self.leaver, "still an executor")
        group.implied_ids = [Command.clear()]
        self._assert_handed_over()

    def test_group_is_no_longer_implied(self):
        """The same from the other side."""
        group = self.env["res.groups"].create({"name": "Engineers"})
        group.implied_ids = self.env.ref("custom_crm.group_executor")
        self.leaver.group_ids = self.env.ref("base.group_user") | group
        self.env.ref("custom_crm.group_executor").implied_by_ids -= group
        self._assert_handed_over()

    def test_group_is_deleted(self):
        group = self.env["res.groups"].create({"name": "Engineers"})
        group.implied_ids = self.env.ref("custom_crm.group_executor")
        self.leaver.group_ids = self.env.ref("base.group_user") | group
        group.unlink()
        self._assert_handed_over()

    def test_becomes_a_portal_user(self):
        self.leaver.group_ids = self.env.ref("base.group_portal")
        self._assert_handed_over()
        self.assertIn("not an internal user", self.contract.message_ids[0].body)

    def test_leaves_the_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.leaver.write({"company_ids": [Command.set(other.ids)], "company_id": other.id})
        self._assert_handed_over()
        self.assertIn(f"no access to {self.company.name}", self.contract.message_ids[0].body)

    def test_is_taken_out_of_the_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.leaver.write({"company_ids": [Command.link(other.id)], "company_id": other.id})
        self.company.write({"user_ids": [Command.unlink(self.leaver.id)]})
        self._assert_handed_over()

    def test_leaves_one_of_two_companies(self):
        """What the user has in the other company stays."""
        other = self.env["res.company"].create({"name": "Other"})
        (self.leaver | self.admin).company_ids |= other
        contract = self.env["crm.contract"].create(
            {
                "partner_id": self.client.id,
                "company_id": other.id,
                "currency_id": self.company.currency_id.id,
                "payment_day": 1,
                "user_id": self.leaver.id,
            }
        )
        contract.message_subscribe(self.leaver.partner_id.ids)
        self.leaver.write({"company_id": other.id, "company_ids": [Command.set(other.ids)]})
        self._assert_handed_over()
        self.assertEqual(contract.user_id, self.leaver)
        self.assertIn(self.leaver.partner_id, contract.message_partner_ids)
        self._assert_refused(lambda: self.leaver.write({"active": False}), contract.name)
        other.crm_default_user_id = self.admin
        self.leaver.active = False
        self._assert_taken_over(contract, self.admin, HAND_OVER)

    def test_employee_is_archived(self):
        employee = self._make_employee(self.leaver)
        self.assertEqual(self.contract.user_id, self.leaver)
        officer = self._make_user("crm_hr", "hr.group_hr_manager")
        employee.with_user(officer).action_archive()
        self._assert_handed_over()
        self.assertTrue(self.leaver.active)
        self.assertIn("left as an employee", self.contract.message_ids[0].body)

    def test_employee_departs(self):
        employee = self._make_employee(self.leaver)
        action = employee.action_archive()
        self._assert_handed_over()
        self.env["hr.departure.wizard"].with_context(active_ids=employee.ids, **action["context"]).create(
            {"remove_related_user": True}
        ).action_register_departure()
        self._assert_handed_over()

    def test_employee_and_user_depart_at_once(self):
        employee = self._make_employee(self.leaver)
        wizard = self.env["hr.departure.wizard"].with_context(active_ids=employee.ids, employee_termination=True)
        wizard.create({"remove_related_user": True}).action_register_departure()
        self.assertFalse(self.leaver.active or employee.active)
        self._assert_handed_over()

    def test_employee_is_archived_by_the_resource(self):
        self._make_employee(self.leaver).resource_id.active = False
        self._assert_handed_over()

    def test_active_employee_is_deleted(self):
        other = self.env["res.company"].create({"name": "Other"})
        self._make_employee(self.leaver, company_id=other.id).active = False
        self._assert_handed_over()

    def test_only_the_archived_employee_is_left(self):
        other = self.env["res.company"].create({"name": "Other"})
        employee = self._make_employee(self.leaver)
        self._make_employee(self.leaver, company_id=other.id).active = False
        self.assertEqual(self.contract.user_id, self.leaver)
        employee.unlink()
        self._assert_handed_over()

    def test_employee_gets_another_user(self):
        other = self.env["res.company"].create({"name": "Other"})
        employee = self._make_employee(self.leaver)
        self._make_employee(self.leaver, company_id=other.id).active = False
        employee.user_id = False
        self._assert_handed_over()

    def test_archived_employee_is_made(self):
        self._make_employee(self.leaver, active=False)
        self._assert_handed_over()

    def test_new_user_of_an_employee_without_one_stays(self):
        """Losing the employee is no vanishing."""
        self._make_employee(self.leaver).user_id = False
        self.assertEqual(self.contract.user_id, self.leaver)

    def test_other_changes_of_a_user_change_nothing(self):
        self.leaver.write({"name": "Leaver", "group_ids": [Command.link(self.env.ref("base.group_system").id)]})
        self.leaver.group_ids -= self.env.ref("base.group_system")
        self.assertEqual((self.contract | self.draft).user_id | self.stage.user_id, self.leaver)
        self.assertFalse(self.contract.activity_ids)

    def test_contracts_of_all_states_go_over(self):
        finished, cancelled = self._make_plain(), self._make_plain()
        finished.action_activate()
        finished.sudo().write({"state": "finished", "date_end": "2026-03-31"})
        cancelled.sudo().state = "cancelled"
        self.leaver.active = False
        for contract in finished | cancelled:
            self.assertEqual(contract.user_id, self.substitute)
            self.assertTrue(contract.has_responsible)
            self.assertIn(self.leaver.name, contract.message_ids[0].body)
            # There is nothing to do on it.
            self.assertFalse(contract.activity_ids)

    def test_what_a_user_holds_is_counted(self):
        clients = self.client | self.env["res.partner"].create({"name": "Second", "is_client": True})
        clients.user_id = self.leaver
        self.assertRecordValues(
            self.leaver.with_user(self.manager),
            [{"crm_contract_count": 2, "crm_stage_count": 1, "crm_client_count": 2}],
        )
        with self.assertQueryCount(6):
            self.env.invalidate_all()
            (self.leaver | self.owner | self.substitute).mapped("crm_contract_count")

    def test_archiving_tells_what_was_handed_over(self):
        erp_manager = self._make_user("crm_users", "base.group_erp_manager")
        self.client.user_id = self.leaver
        action = self.leaver.with_user(erp_manager).action_archive()
        self.assertEqual(action["tag"], "display_notification")
        # The owner of the process takes the contract with its stage, the default responsible what has no process.
        self.assertEqual(
            set(action["params"]["message"].splitlines()),
            {
                f"{self.owner.name}: contracts 1, open stages 1, clients 0",
                f"{self.substitute.name}: contracts 1, open stages 0, clients 1",
            },
        )
        # Somebody without anything is archived as ever.
        self.assertFalse(self._make_user("crm_idle", "custom_crm.group_executor").action_archive())

    def test_clients_of_an_archived_user_go_over(self):
        person = self.env["res.partner"].create({"name": "No client", "user_id": self.leaver.id})
        self.client.user_id = self.leaver
        self.leaver.group_ids -= self.env.ref("custom_crm.group_manager")
        self.assertEqual(self.client.user_id, self.leaver, "still at work, just not an executor any more")
        self.leaver.active = False
        self.assertEqual(self.client.user_id, self.substitute)
        self.assertIn(self.leaver.name, self.client.message_ids[0].body)
        self.assertEqual(person.user_id, self.leaver)

    def test_clients_go_to_the_default_of_their_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        successor = self._make_user("crm_other", "custom_crm.group_executor")
        successor.company_ids |= other
        other.crm_default_user_id = successor
        there = self.env["res.partner"].create(
            {"name": "There", "is_client": True, "company_id": other.id, "user_id": self.leaver.id}
        )
        archived = self.env["res.partner"].create({"name": "Gone", "is_client": True, "user_id": self.leaver.id})
        archived.active = False
        self.client.user_id = self.leaver
        self.leaver.active = False
        self.assertEqual((there.user_id, self.client.user_id), (successor, self.substitute))
        self.assertEqual(archived.user_id, self.leaver, "as the counts before say")

    def test_nobody_is_written_to_for_each_client(self):
        """With all of Odoo's notes and messages, which tests leave out otherwise."""

        def archive(number):
            user = self._make_user(f"crm_clients_{number}", "custom_crm.group_executor")
            clients = self.env["res.partner"].create(
                [{"name": f"Client {index}", "is_client": True, "user_id": user.id} for index in range(number)]
            )
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            user.with_context(tracking_disable=False).active = False
            self.env.flush_all()
            told = self.env["mail.message"].search(
                [("model", "=", "res.partner"), ("res_id", "in", clients.ids), ("partner_ids", "!=", False)]
            )
            self.assertFalse(told)
            return self.env.cr.sql_log_count - before

        archive(1)
        few, many = archive(2), archive(42)
        self.assertLess(many - few, 40)

    def test_client_stays_where_nobody_takes_over(self):
        idle = self._make_user("crm_idle", "custom_crm.group_executor")
        self.client.user_id = idle
        self.company.crm_default_user_id = False
        idle.active = False
        self.assertEqual(self.client.user_id, idle)

    def test_closed_stages_stay_history(self):
        self.stage.action_complete()
        following = self.contract.current_stage_id
        self.leaver.active = False
        self.assertEqual(self.stage.user_id, self.leaver)
        self._assert_taken_over(following, self.owner, STAGE)

    def test_lost_activity_of_a_stage_is_made_anew(self):
        self.stage.activity_ids.unlink()
        self.leaver.active = False
        self._assert_handed_over()

    def test_owner_leaves(self):
        """The process goes to the default responsible, and so do later contracts of it."""
        self.owner.active = False
        self.assertEqual(self.process.user_id, self.substitute)
        self.leaver.active = False
        self._assert_taken_over(self.contract, self.substitute, HAND_OVER)

    def test_owner_and_responsible_leave_together(self):
        (self.leaver | self.owner).write({"active": False})
        self._assert_taken_over(self.contract, self.substitute, HAND_OVER)
        self._assert_taken_over(self.stage, self.substitute, STAGE)

    def test_default_responsible_leaves(self):
        """With nothing in their hands they may go. The setting is empty then, and the company's contact says why."""
        self.substitute.active = False
        self.assertFalse(self.company.crm_default_user_id)
        self.assertIn(self.substitute.name, self.company.partner_id.message_ids[0].body)

    def test_working_groups_keep_who_left(self):
        contract = self._start(user_id=self.manager.id)
        self.leaver.active = False
        self.assertEqual(contract.member_ids.user_id, self.leaver, "history")
        self.assertNotIn(self.leaver.partner_id, contract.message_partner_ids)
        self.assertEqual(contract.stage_user_id, self.owner)
        self.assertFalse(contract.copy().member_ids)


@tagged("post_install", "-at_install")
class TestRefusal(ResponsibleCommon):
    """Where nobody can take over nothing changes."""

    def test_only_responsible(self):
        contract = self._make_plain()
        self._assert_refused(lambda: self.leaver.write({"active": False}), self.leaver.name, contract.name, "Settings")
        self.assertTrue(self.leaver.active)
        self.assertEqual(contract.user_id, self.leaver)
        self.assertFalse(contract.activity_ids)

    def test_every_door_is_shut(self):
        contract = self._make_plain()
        employee = self._make_employee(self.leaver)
        other = self.env["res.company"].create({"name": "Other"})
        self.leaver.company_ids |= other
        managers = self.env.ref("custom_crm.group_manager")
        for action in (
            self.leaver.action_archive,
            lambda: self.leaver.write({"group_ids": [Command.unlink(managers.id)]}),
            lambda: managers.write({"user_ids": [Command.unlink(self.leaver.id)]}),
            lambda: managers.write({"implied_ids": [Command.clear()]}),
            lambda: self.leaver.write({"company_id": other.id, "company_ids": [Command.set(other.ids)]}),
            employee.action_archive,
            employee.resource_id.action_archive,
        ):
            self._assert_refused(action, self.leaver.name, contract.name)
        self.assertTrue(self.leaver._can_be_responsible(self.company))
        self.assertTrue(employee.active)

    def test_long_lists_are_counted(self):
        for _number in range(13):
            self._make_plain()
        self._assert_refused(lambda: self.leaver.write({"active": False}), "and 3 more")

    def test_successor_must_be_able(self):
        """An owner or a default responsible that left by SQL is no successor."""
        contract = self._start()
        self.env.flush_all()
        self.env.cr.execute("UPDATE res_users SET active = false WHERE id = %s", [self.owner.id])
        self.env.invalidate_all()
        self._assert_refused(
            lambda: self.leaver.write({"active": False}), contract.name, contract.current_stage_id.name
        )

    def test_nothing_half_done(self):
        """One contract could be handed over, the other one can't."""
        contract, draft = self._start(), self._make_plain()
        self._assert_refused(lambda: self.leaver.write({"active": False}), draft.name)
        self.assertEqual((contract | draft).user_id, self.leaver)
        self.assertEqual(contract.stage_user_id, self.leaver)
        self.assertTrue(self.leaver.active)

    @mute_logger("odoo.sql_db")
    def test_responsible_user_is_not_deleted(self):
        contract = self._make_plain()
        self._assert_refused(self.leaver.unlink, self.leaver.name, contract.name, "Archive")
        contract.user_id = self.manager
        self.leaver.unlink()


@tagged("post_install", "-at_install")
class TestManyContracts(ResponsibleCommon):
    def _count_queries(self, count):
        """Statements that it takes to archive somebody with so many contracts and as many open stages."""
        user = self._make_user(f"crm_busy_{count}", "custom_crm.group_manager")
        contracts = self.env["crm.contract"].union(
            *(self._start(user_id=user.id, member_ids=[self._member(user)]) for _number in range(count))
        )
        self.assertEqual(contracts.current_stage_id.user_id, user)
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.cr.sql_log_count
        user.active = False
        self.env.flush_all()
        queries = self.cr.sql_log_count - before
        self.assertEqual((contracts | contracts).user_id, self.owner)
        self.assertEqual(contracts.current_stage_id.user_id, self.owner)
        self.assertEqual(len(contracts.activity_ids), count)
        return queries

    def test_queries_do_not_grow_with_the_contracts(self):
        self._count_queries(1)
        few, many = self._count_queries(5), self._count_queries(30)
        self.assertLessEqual(many - few, 10, f"{few} queries for 5 contracts, {many} for 30")


@tagged("post_install", "-at_install")
class TestNightlyCheck(ResponsibleCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contract = cls._start()
        cls.stage = cls.contract.current_stage_id
        cls.draft = cls._make_plain()
        cls.cron = cls.env.ref("custom_crm.ir_cron_check_responsible")

    def _break(self, user=None):
        """Somebody archives the user past Odoo."""
        self.env.flush_all()
        self.env.cr.execute("UPDATE res_users SET active = false WHERE id = %s", [(user or self.leaver).id])
        self.env.invalidate_all()

    def _check(self, level):
        with (
            self.enter_registry_test_mode(),
            self.assertLogs("odoo.addons.custom_crm", level) as log,
        ):
            self.cron.method_direct_trigger()
        self.env.invalidate_all()
        return log.output[-1]

    def _list(self, user=None):
        action = self.env.ref("custom_crm.action_contracts_without_responsible")
        return self.env["crm.contract"].with_user(user or self.manager).search(literal_eval(action.domain))

    def test_log_proves_it(self):
        self.assertIn("none without an active responsible", self._check(logging.INFO))

    def test_broken_records_are_listed_and_handed_over(self):
        self.company.crm_default_user_id = self.substitute
        self.assertFalse(self._list())
        self._break()
        self.assertEqual(self._list() & (self.contract | self.draft), self.contract | self.draft)
        self.assertFalse(self.contract.has_responsible or self.stage.has_responsible)
        self.assertIn("2 contracts, 1 stages were without", self._check(logging.WARNING))
        self._assert_taken_over_at_night(self.contract, self.owner)
        self._assert_taken_over_at_night(self.stage, self.owner)
        self._assert_taken_over_at_night(self.draft, self.substitute)
        self.assertFalse(self._list())
        self.assertIn("none without", self._check(logging.INFO))

    def test_night_speaks_the_language_of_who_takes_over(self):
        self.owner.lang = "ru_RU"
        self._break()
        self._check(logging.WARNING)
        notes = [html2plaintext(message.body or "") for message in self.contract.message_ids]
        self.assertEqual(len([note for note in notes if note.startswith("Ответственный: ")]), 1)
        self.assertNotIn("handed over", self.contract.activity_ids.summary)

    def _assert_taken_over_at_night(self, record, user):
        self.assertEqual(record.user_id, user)
        self.assertTrue(record.has_responsible)
        self.assertEqual(record.activity_ids.user_id, user)

    def test_contract_of_a_stage_without_responsible_is_listed(self):
        self.stage.user_id = self.substitute
        self._break(self.substitute)
        self.assertEqual(self._list(), self.contract)
        self.assertFalse(self.contract.has_responsible)
        Stage = self.env["crm.contract.stage"].with_user(self.manager)
        self.assertEqual(Stage.search([("has_responsible", "=", False)]), self.stage)
        self.assertIn(self.contract, self.env["crm.contract"].search([("has_responsible", "!=", False)]) | self._list())
        self.assertNotIn(self.contract, self.env["crm.contract"].search([("has_responsible", "=", True)]))

    def test_administrator_is_told_once(self):
        self._break()
        for _night in range(2):
            self.assertIn("but 1 contracts, 0 stages", self._check(logging.WARNING))
        activity = self._activities(self.draft, WITHOUT)
        self.assertEqual(len(activity), 1)
        self.assertTrue(activity.user_id.has_group("custom_crm.group_admin"))
        self.assertEqual(self.draft.user_id, self.leaver)

    def test_closed_stages_are_not_listed(self):
        self.stage.action_complete()
        self.contract.current_stage_id.user_id = self.substitute
        self.contract.user_id = self.substitute
        self.draft.user_id = self.substitute
        self._break()
        self.assertFalse(self._list())
        self.assertTrue(self.stage.has_responsible)

    def test_check_is_not_public(self):
        menu = self.env.ref("custom_crm.menu_contracts_without_responsible")
        self.assertIn(menu.id, self.env["ir.ui.menu"].with_user(self.manager)._visible_menu_ids())
        self.assertNotIn(menu.id, self.env["ir.ui.menu"].with_user(self.executor)._visible_menu_ids())


@tagged("post_install", "-at_install")
class TestWorkingGroup(ResponsibleCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contract = cls._make_contract()

    def _followers(self, contract=None):
        return (contract or self.contract).message_partner_ids

    def test_members_follow(self):
        """Added, changed, removed one of two roles, removed the last one: on the form, as a manager."""
        contract = self.contract.with_user(self.manager)
        contract.member_ids = [self._member(self.executor), self._member(self.executor, self.lawyer)]
        self.assertIn(self.executor.partner_id, self._followers())
        contract.member_ids[0].user_id = self.substitute
        self.assertLessEqual((self.executor | self.substitute).partner_id, self._followers())
        contract.member_ids[1].unlink()
        self.assertNotIn(self.executor.partner_id, self._followers())
        self.assertIn(self.substitute.partner_id, self._followers())
        contract.member_ids = [Command.clear()]
        self.assertNotIn(self.substitute.partner_id, self._followers())

    def test_responsible_goes_on_following(self):
        self.contract.member_ids = [self._member(self.manager)]
        self.contract.member_ids.unlink()
        self.assertIn(self.manager.partner_id, self._followers())

    def test_responsible_for_the_stage_goes_on_following(self):
        contract = self._start(member_ids=[self._member(self.executor, self.lawyer)])
        contract.current_stage_id.user_id = self.executor
        contract.member_ids.unlink()
        self.assertIn(self.executor.partner_id, self._followers(contract))

    def test_members_of_a_copy_follow_it(self):
        self.contract.member_ids = [self._member(self.executor)]
        copy = self.contract.with_user(self.manager).copy()
        self.assertEqual(copy.member_ids.user_id, self.executor)
        self.assertIn(self.executor.partner_id, self._followers(copy))

    def test_form(self):
        with Form(self.contract.with_user(self.manager)) as form, form.member_ids.new() as member:
            member.user_id = self.executor
            member.role_id = self.engineer
        self.assertIn(self.executor.partner_id, self._followers())

    def test_members_are_active_employees_of_the_company(self):
        self.substitute.active = False
        portal = self._make_user("crm_portal", "base.group_portal")
        for user in (self.substitute, portal):
            self._assert_refused(lambda user=user: self.contract.write({"member_ids": [self._member(user)]}), user.name)
        other = self.env["res.company"].create({"name": "Other"})
        foreigner = self._make_user("crm_foreigner", "custom_crm.group_executor")
        foreigner.write({"company_id": other.id, "company_ids": [Command.set(other.ids)]})
        self._assert_refused(lambda: self.contract.write({"member_ids": [self._member(foreigner)]}))

    def test_leaving_the_group_hands_the_stage_over(self):
        """To the next member with the role, else to the contract's responsible."""
        contract = self._start(
            user_id=self.manager.id, member_ids=[self._member(self.leaver), self._member(self.executor)]
        )
        stage = contract.current_stage_id
        self.assertEqual(stage.user_id, self.leaver)
        first, second = contract.with_user(self.manager).member_ids.sorted("id")
        first.unlink()
        self.assertEqual(stage.user_id, self.executor)
        self.assertIn("working group", stage.message_ids[0].body)
        self.assertEqual(stage.activity_ids.user_id, self.executor)
        second.unlink()
        self.assertEqual(stage.user_id, self.manager)
        self.assertRecordValues(self._activities(stage, STAGE), [{"user_id": self.manager.id}])

    def test_changed_member_takes_the_stage_over(self):
        contract = self._start(user_id=self.manager.id)
        stage = contract.current_stage_id
        contract.member_ids.with_user(self.manager).user_id = self.executor
        self.assertEqual(stage.user_id, self.executor)
        contract.member_ids.with_user(self.manager).role_id = self.lawyer
        self.assertEqual(stage.user_id, self.manager)

    def test_other_roles_leave_the_stage(self):
        contract = self._start(
            user_id=self.manager.id, member_ids=[self._member(self.leaver), self._member(self.leaver, self.lawyer)]
        )
        contract.member_ids.filtered(lambda member: member.role_id == self.lawyer).unlink()
        self.assertEqual(contract.stage_user_id, self.leaver)

    def test_responsible_of_the_contract_keeps_the_stage(self):
        contract = self._start()
        contract.member_ids.unlink()
        self.assertEqual(contract.stage_user_id, self.leaver)

    def test_members_see_the_contract_and_others_do_not(self):
        contract = self._start(user_id=self.manager.id)
        contract._ensure_periods(fields.Date.to_date("2026-03-01"))
        parts = {
            "crm.contract": contract,
            "crm.contract.line": contract.line_ids,
            "crm.contract.member": contract.member_ids,
            "crm.contract.period": contract.period_ids,
            "crm.contract.stage": contract.stage_ids,
        }
        self.assertTrue(all(parts.values()))

        def seen(user):
            return [bool(self.env[model].with_user(user).search([("id", "in", rs.ids)])) for model, rs in parts.items()]

        for records in parts.values():
            with self.assertRaises(AccessError):
                records.with_user(self.executor).read(["display_name"])
        self.assertEqual(seen(self.executor), [False] * 5)
        contract.member_ids = [self._member(self.executor, self.lawyer)]
        self.assertEqual(seen(self.executor), [True] * 5)
        self.assertEqual(seen(self.substitute), [False] * 5)
        contract.with_user(self.executor).message_post(body="I look into it.")
        with self.assertRaises(AccessError):
            contract.with_user(self.executor).subject = "x"
        with self.assertRaises(AccessError):
            contract.member_ids.with_user(self.executor).unlink()
        contract.member_ids.filtered(lambda member: member.user_id == self.executor).unlink()
        self.assertEqual(seen(self.executor), [False] * 5)
