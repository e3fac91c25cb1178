from collections import Counter

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools.misc import clean_context

from .crm_contract import CLOSED_STATES
from .crm_responsible_mixin import QUIET


class ResUsers(models.Model):
    """What a user is responsible for, shown before it is handed over, and clients, which are handed over as well."""

    # Apart from who can be responsible, which is another matter.
    _inherit = "res.users"  # pylint: disable=consider-merging-classes-inherited

    # -------------------------------------------------------------------------
    # FIELDS
    # -------------------------------------------------------------------------

    crm_contract_count = fields.Integer(
        string="Contracts not Closed",
        compute="_compute_workload",
        groups="custom_crm.group_manager",
        help="Contracts that the user is responsible for, without finished and cancelled ones.",
    )
    crm_stage_count = fields.Integer(
        string="Open Stages of the User",
        compute="_compute_workload",
        groups="custom_crm.group_manager",
        help="Open stages that the user is responsible for.",
    )
    crm_client_count = fields.Integer(
        string="Clients of the User",
        compute="_compute_workload",
        groups="custom_crm.group_manager",
        help="Clients of the registry that the user is responsible for.",
    )

    # -------------------------------------------------------------------------
    # COMPUTES
    # -------------------------------------------------------------------------

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_workload(self):
        for field_name, counts in self._count_workload().items():
            for user in self:
                user[field_name] = counts.get(user.id, 0)

    # -------------------------------------------------------------------------
    # CRUD
    # -------------------------------------------------------------------------

    def write(self, vals):
        result = super().write(vals)
        if vals.get("active") is False:
            # sudo: who administers users needs no rights on clients.
            users = self.sudo().with_context(clean_context(self.env.context))  # pylint: disable=context-overridden
            users._hand_over_clients()
        return result

    # -------------------------------------------------------------------------
    # ACTIONS
    # -------------------------------------------------------------------------

    def action_archive(self):
        """Archive the users and tell who got how much of theirs."""
        # sudo: who administers users is told how much it is, not what.
        before = self.sudo()._get_workload()
        action = super().action_archive()
        taken = [self._count_taken(records) for records in before]
        return action or (self._get_handed_over_notification(*taken) if any(taken) else action)

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    @api.model
    def _get_workload_domains(self):
        """What counts as work of a user that is going on, by field: (model, domain)."""
        return {
            "crm_contract_count": ("crm.contract", Domain("state", "not in", CLOSED_STATES)),
            "crm_stage_count": ("crm.contract.stage", Domain("state", "=", "open")),
            "crm_client_count": ("res.partner", Domain("is_client", "=", True)),
        }

    def _count_workload(self):
        """Numbers by user's id, by field; one query a field."""
        return {
            field_name: {
                user.id: count
                for user, count in self.env[model]._read_group(
                    domain & Domain("user_id", "in", self.ids), ["user_id"], ["__count"]
                )
            }
            for field_name, (model, domain) in self._get_workload_domains().items()
        }

    def _get_workload(self):
        """Contracts, open stages and clients that the users are responsible for."""
        return [
            self.env[model].search(domain & Domain("user_id", "in", self.ids))
            for model, domain in self._get_workload_domains().values()
        ]

    def _count_taken(self, records):
        """How many of the records each user who is not among these has now."""
        return Counter({user: len(taken) for user, taken in records.grouped("user_id").items() if user not in self})

    def _get_handed_over_notification(self, contracts, stages, clients):
        lines = [
            self.env._(
                "%(user)s: contracts %(contracts)s, open stages %(stages)s, clients %(clients)s",
                user=user.name,
                contracts=contracts[user],
                stages=stages[user],
                clients=clients[user],
            )
            for user in contracts | stages | clients
        ]
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "info",
                "sticky": True,
                "title": self.env._("Handed over to others"),
                "message": "\n".join(lines),
                # Reloads the form.
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    def _hand_over_clients(self):
        """Give the clients of the users to the default responsible of the client's company, else of the user's.

        Where there is none, they stay: a client without an active responsible stops nothing. Callers run it with sudo.
        """
        Partner = self.env["res.partner"].with_context(**QUIET)
        clients = Partner.search([("is_client", "=", True), ("user_id", "in", self.ids)])
        get_text = self.env["crm.responsible.mixin"]._get_hand_over_text
        for (company, former), records in clients.grouped(
            lambda client: (client.company_id or client.user_id.company_id, client.user_id)
        ).items():
            successor = company.crm_default_user_id._filter_responsible(company)
            if successor:
                body = get_text(former, successor, former._get_unfit_note(company))
                records.user_id = successor
                records._message_log_batch(dict.fromkeys(records.ids, body))
