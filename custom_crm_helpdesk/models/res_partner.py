from odoo import api, fields, models

from .crm_contract import GROUP


class ResPartner(models.Model):
    """Client with the requests of the whole company: of itself and of its contacts."""

    _inherit = "res.partner"

    client_ticket_ids = fields.One2many(
        "helpdesk.ticket", "commercial_partner_id", string="Requests of the Client", groups=GROUP
    )
    client_ticket_count = fields.Integer(
        string="Number of Requests", compute="_compute_client_ticket_count", groups=GROUP
    )
    client_open_ticket_count = fields.Integer(
        string="Open Requests", compute="_compute_client_ticket_count", groups=GROUP
    )

    @api.depends("client_ticket_ids.stage_id.closed")
    def _compute_client_ticket_count(self):
        figures = self.env["helpdesk.ticket"]._get_figures("commercial_partner_id", self.commercial_partner_id.ids)
        for partner in self:
            company = partner.commercial_partner_id.id
            partner.client_ticket_count, partner.client_open_ticket_count = figures.get(company, (0, 0))

    def action_view_client_tickets(self):
        """Requests of the client and of its contacts; a new one is the client's."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("custom_crm_helpdesk.action_tickets")
        action["domain"] = [("commercial_partner_id", "=", self.commercial_partner_id.id)]
        action["context"] = self._prepare_ticket_context()
        return action

    def action_new_ticket(self):
        """The form of a new request with the client filled in."""
        self.ensure_one()
        return self.env["helpdesk.ticket"]._get_new_action(self._prepare_ticket_context())

    def _prepare_ticket_context(self):
        return {
            "default_partner_id": self.id,
            "default_partner_name": self.name,
            "default_partner_email": self.email,
        }
