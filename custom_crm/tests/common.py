from datetime import date

from odoo.fields import Command
from odoo.tests import new_test_user

from odoo.addons.base.tests.common import BaseCommon


class CrmCommon(BaseCommon):
    """A company with a chart of accounts, users in each role, a client and a service."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.env.company
        # The system tells what it does by itself in the company's language, which may be another one.
        cls.company.partner_id.lang = "en_US"
        if not cls.company.chart_template:
            cls.env["account.chart.template"].try_loading("generic_coa", company=cls.company, install_demo=False)
        cls.admin = cls._make_user("crm_admin", "custom_crm.group_admin")
        cls.manager = cls._make_user("crm_manager", "custom_crm.group_manager")
        cls.executor = cls._make_user("crm_executor", "custom_crm.group_executor")
        cls.cashier = cls._make_user("crm_cashier", "custom_crm.group_cashier")
        cls.accountant = cls._make_user("crm_accountant", "account.group_account_invoice")
        cls.client = cls.env["res.partner"].create(
            {"name": "Polyus LLC", "is_company": True, "email": "office@polyus.example", "is_client": True}
        )
        cls.product = cls.env["product.product"].create(
            {"name": "Maintenance", "type": "service", "list_price": 1000.0, "taxes_id": [Command.clear()]}
        )

    @classmethod
    def _make_user(cls, login, groups):
        return new_test_user(cls.env, login=login, groups=groups, company_id=cls.company.id, lang="en_US")

    @classmethod
    def _make_contract(cls, **vals):
        """A monthly subscription of the client for 1,000 from 1 January 2026, the manager responsible; a draft."""
        lines = vals.pop("lines", [{}])
        defaults = {
            "partner_id": cls.client.id,
            "kind": "subscription",
            "payment_day": 10,
            "date_start": date(2026, 1, 1),
            "user_id": cls.manager.id,
            "line_ids": [Command.create({"product_id": cls.product.id, **line}) for line in lines],
        }
        return cls.env["crm.contract"].create({**defaults, **vals})

    @classmethod
    def _make_active(cls, **vals):
        contract = cls._make_contract(**vals)
        contract.action_activate()
        return contract
