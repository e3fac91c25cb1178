from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain


class HelpdeskTicket(models.Model):
    """Request of a client, also about one of the client's contracts."""

    _inherit = "helpdesk.ticket"

    partner_id = fields.Many2one(compute="_compute_partner_id", store=True, readonly=False)
    # The client card counts and lists by it.
    commercial_partner_id = fields.Many2one(index="btree_not_null")
    contract_id = fields.Many2one(
        "crm.contract",
        index="btree_not_null",
        tracking=True,
        domain="commercial_partner_id and [('company_id', '=', company_id), "
        "('partner_id.commercial_partner_id', '=', commercial_partner_id)] or [('company_id', '=', company_id)]",
        help="The contract of the client that the request is about.",
    )

    @api.depends("contract_id")
    def _compute_partner_id(self):
        for ticket in self:
            ticket.partner_id = ticket.partner_id or ticket.contract_id.partner_id

    @api.depends("name", "number")
    def _compute_display_name(self):
        # EXTENDS 'helpdesk_mgmt': it has no words for a request that is not saved yet
        result = super()._compute_display_name()
        self.filtered(lambda ticket: not ticket._origin).display_name = self.env._("New Request")
        return result

    @api.constrains("contract_id", "partner_id", "company_id")
    def _check_contract(self):
        """A request is about a contract of its own client and company."""
        for ticket in self.filtered("contract_id"):
            # sudo: whoever works on a request need not see the contract that it is about.
            contract = ticket.contract_id.sudo()
            values = {"request": ticket.display_name, "contract": contract.name}
            if ticket.partner_id.commercial_partner_id != contract.partner_id.commercial_partner_id:
                raise ValidationError(
                    self.env._(
                        "%(request)s: contract %(contract)s is another client's. "
                        "Choose a contract of the client or none.",
                        **values,
                    )
                )
            if ticket.company_id != contract.company_id:
                raise ValidationError(self.env._("%(request)s: contract %(contract)s is another company's.", **values))

    @api.model
    def _get_figures(self, name, ids):
        """How many requests there are and how many of them are open, by the field ``name``: {id: (all, open)}."""
        figures = {}
        for record, closed, count in self._read_group(Domain(name, "in", ids), [name, "stage_id.closed"], ["__count"]):
            total, opened = figures.get(record.id, (0, 0))
            figures[record.id] = (total + count, opened + (0 if closed else count))
        return figures

    @api.model
    def _get_new_action(self, context):
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New Request"),
            "res_model": "helpdesk.ticket",
            "view_mode": "form",
            "context": context,
        }
