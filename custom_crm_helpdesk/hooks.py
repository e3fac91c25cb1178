from odoo.fields import Command

GROUPS = {
    "custom_crm.group_executor": "helpdesk_mgmt.group_helpdesk_user_team",
    "custom_crm.group_manager": "helpdesk_mgmt.group_helpdesk_user",
    "custom_crm.group_admin": "helpdesk_mgmt.group_helpdesk_manager",
}


def uninstall_hook(env):
    """Take the rights to requests back that our roles brought with them; the requests stay."""
    for role, rights in GROUPS.items():
        env.ref(role).implied_ids = [Command.unlink(env.ref(rights).id)]
