from odoo.fields import Command, Domain

GROUPS = {
    "custom_crm.group_executor": "helpdesk_mgmt.group_helpdesk_user_team",
    "custom_crm.group_manager": "helpdesk_mgmt.group_helpdesk_user",
    "custom_crm.group_admin": "helpdesk_mgmt.group_helpdesk_manager",
}


def uninstall_hook(env):
    """Take the rights to requests back that our roles brought with them; the requests and their teams stay."""
    for role, rights in GROUPS.items():
        env.ref(role).implied_ids = [Command.unlink(env.ref(rights).id)]
    # Odoo deletes the data of an add-on with it: not the teams that have requests, nor their e-mail aliases.
    used = env["helpdesk.ticket.team"].with_context(active_test=False).search([("ticket_ids", "!=", False)])
    kept = Domain("model", "=", used._name) & Domain("res_id", "in", used.ids)
    kept |= Domain("model", "=", used.alias_id._name) & Domain("res_id", "in", used.alias_id.ids)
    env["ir.model.data"].search(Domain("module", "=", "custom_crm_helpdesk") & kept).unlink()
