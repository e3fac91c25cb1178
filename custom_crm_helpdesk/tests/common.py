from odoo.addons.custom_crm.tests.common import CrmCommon


class HelpdeskCommon(CrmCommon):
    """The company of ``CrmCommon`` with a contract of the client and a team that answers requests."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contract = cls._make_active()
        cls.team = cls.env.ref("custom_crm_helpdesk.team_support")
        cls.accounting = cls.env.ref("custom_crm_helpdesk.team_accounting")
        cls.stranger = cls.env["res.partner"].create({"name": "Stranger", "is_client": True})

    @classmethod
    def _make_ticket(cls, **vals):
        defaults = {"name": "No connection", "description": "Since the morning", "team_id": cls.team.id}
        return cls.env["helpdesk.ticket"].create({**defaults, **vals})
