from datetime import date

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged

from .common import CrmCommon


@tagged("post_install", "-at_install")
class TestAccess(CrmCommon):
    """Rights of each role on contracts, their ledger and billing runs.

    ============  ==========  =================  ============
    Role          Contracts   Periods            Billing runs
    ============  ==========  =================  ============
    Executor      own, read   own, read          none
    Manager       all         all                all
    Cashier       read        read               none
    Accountant    read        read               read
    ============  ==========  =================  ============
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contract = cls._make_active()
        cls.own = cls._make_active(
            member_ids=[
                Command.create({"user_id": cls.executor.id, "role_id": cls.env.ref("custom_crm.role_engineer").id})
            ]
        )
        (cls.contract | cls.own)._ensure_periods(date(2026, 1, 1))
        cls.billing_run = cls.env["crm.billing.run"].create({"date": date(2026, 1, 1)})

    def _visible(self, user, records):
        return records.with_user(user).search([("id", "in", records.ids)])

    def test_executor_sees_own_contracts_only(self):
        contracts = self.contract | self.own
        self.assertEqual(self._visible(self.executor, contracts), self.own)
        self.assertEqual(self._visible(self.executor, contracts.line_ids), self.own.line_ids)
        self.assertEqual(self._visible(self.executor, contracts.period_ids), self.own.period_ids)
        self.assertEqual(self._visible(self.executor, contracts.member_ids), self.own.member_ids)
        with self.assertRaises(AccessError):
            self.contract.with_user(self.executor).subject  # noqa: B018 - reading is the test
        self.assertEqual(self.own.with_user(self.executor).move_count, 0)

    def test_executor_changes_nothing(self):
        own = self.own.with_user(self.executor)
        for vals in ({"subject": "x"}, {"state": "finished"}, {"user_id": self.executor.id}):
            with self.assertRaises(AccessError):
                own.write(vals)
        for method in ("action_activate", "action_invoice"):
            with self.assertRaises(AccessError):
                getattr(self._make_contract(user_id=self.executor.id).with_user(self.executor), method)()
        with self.assertRaises(AccessError):
            own.line_ids.price_unit = 1
        with self.assertRaises(AccessError):
            own.period_ids.unlink()

    def test_executor_comments(self):
        self.own.with_user(self.executor).message_post(body="Done")

    def test_executor_sees_no_runs(self):
        with self.assertRaises(AccessError):
            self.env["crm.billing.run"].with_user(self.executor).search([])

    def test_manager_does_all(self):
        contracts = self.contract | self.own
        self.assertEqual(self._visible(self.manager, contracts), contracts)
        contract = self._make_contract().with_user(self.manager)
        contract.action_activate()
        contract.action_invoice()
        self.billing_run.with_user(self.manager).action_prepare()
        self.assertTrue(self.billing_run.period_ids)

    def test_cashier_and_accountant_read(self):
        for user in (self.cashier, self.accountant):
            contract = self.contract.with_user(user)
            self.assertTrue(contract.subject is not None and contract.line_ids.price_unit)
            for record, vals in ((contract, {"subject": "x"}), (contract.line_ids, {"price_unit": 1})):
                with self.assertRaises(AccessError):
                    record.write(vals)
            with self.assertRaises(AccessError):
                contract.action_finish().get("res_model") and self.env["crm.contract.finish"].with_user(user).create(
                    {"contract_id": contract.id, "date_end": date(2026, 2, 1), "reason": "x"}
                )

    def test_runs_by_role(self):
        with self.assertRaises(AccessError):
            self.billing_run.with_user(self.cashier).read(["name"])
        run = self.billing_run.with_user(self.accountant)
        self.assertTrue(run.name)
        for method in ("action_start", "action_prepare", "action_retry_failed", "action_send", "action_undo"):
            with self.assertRaises(AccessError):
                getattr(run, method)()

    def test_ledger_is_not_written_by_hand(self):
        """Even a manager can't forge what became of a period over RPC."""
        period = self.own.period_ids.with_user(self.manager)
        with self.assertRaises(AccessError):
            period.write({"state": "billed"})
        self.own.with_user(self.manager).action_invoice()
        move = self.own.move_ids.with_user(self.manager)
        for vals in ({"period_id": False}, {"period_id": self.contract.period_ids.id}):
            with self.assertRaises(UserError):
                move.write(vals)
        with self.assertRaises(ValidationError):
            move.write({"contract_id": self.contract.id})
        forged = {"move_type": "out_invoice", "partner_id": self.client.id, "contract_id": self.contract.id}
        period_id = self.contract.period_ids.id
        Move = self.env["account.move"].with_user(self.manager)
        for vals, context in (({"period_id": period_id}, {}), ({}, {"default_period_id": period_id})):
            with self.assertRaises(UserError):
                Move.with_context(**context).create({**forged, **vals})

    def test_state_is_not_written_by_hand(self):
        draft = self._make_contract(lines=[]).with_user(self.manager)
        for vals in ({"state": "active"}, {"next_billing_date": "2099-01-01"}):
            with self.assertRaises(UserError):
                draft.write(vals)
        with self.assertRaises(UserError):
            draft.copy({"state": "active"})
        with self.assertRaises(UserError):
            draft._finish(date(2026, 2, 1), "x")
        run = self.billing_run.with_user(self.manager)
        for vals in ({"state": "done"}, {"is_automatic": True}):
            with self.assertRaises(UserError):
                run.write(vals)
            with self.assertRaises(UserError):
                run.copy(vals) if "state" in vals else run.create(vals)

    def test_lines_stay_with_their_contract(self):
        """Not into another company's contract either, which the rules would not stop."""
        line = self.own.line_ids.with_user(self.manager)
        with self.assertRaises(UserError):
            line.contract_id = self.contract
        with self.assertRaises(UserError):
            self.own.member_ids.with_user(self.manager).contract_id = self.contract
