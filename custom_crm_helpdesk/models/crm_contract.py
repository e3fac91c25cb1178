from odoo import api, fields, models

GROUP = "helpdesk_mgmt.group_helpdesk_user_own"


class CrmContract(models.Model):
    """Contract with the requests about it."""

    _inherit = "crm.contract"

    ticket_ids = fields.One2many("helpdesk.ticket", "contract_id", string="Requests", groups=GROUP)
    ticket_count = fields.Integer(string="Number of Requests", compute="_compute_ticket_count", groups=GROUP)
    open_ticket_count = fields.Integer(string="Open Requests", compute="_compute_ticket_count", groups=GROUP)

    @api.depends("ticket_ids.stage_id.closed")
    def _compute_ticket_count(self):
        figures = self.env["helpdesk.ticket"]._get_figures("contract_id", self.ids)
        for contract in self:
            contract.ticket_count, contract.open_ticket_count = figures.get(contract._origin.id, (0, 0))

    @api.constrains("partner_id", "company_id")
    def _check_tickets(self):
        """A contract keeps its client and company once there are requests about it."""
        # sudo: a request counts, seen by the user or not.
        self.sudo().with_context(active_test=False).ticket_ids._check_contract()

    def action_view_tickets(self):
        """Requests about the contract; a new one is about it as well."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("custom_crm_helpdesk.action_tickets")
        action["domain"] = [("contract_id", "=", self.id)]
        action["context"] = self._prepare_ticket_context()
        return action

    def action_new_ticket(self):
        """The form of a new request with the client and the contract filled in."""
        self.ensure_one()
        return self.env["helpdesk.ticket"]._get_new_action(self._prepare_ticket_context())

    def _prepare_ticket_context(self):
        return {
            "default_contract_id": self.id,
            "default_partner_id": self.partner_id.id,
            "default_partner_name": self.partner_id.name,
            "default_partner_email": self.partner_id.email,
            "default_company_id": self.company_id.id,
        }
