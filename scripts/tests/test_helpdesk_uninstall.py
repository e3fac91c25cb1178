"""Uninstalling the requests leaves the tickets of helpdesk_mgmt whole."""

CREATE = """
client = env["res.partner"].create({"name": "ООО «Полюс»", "is_client": True})
product = env["product.product"].create({"name": "Обслуживание", "type": "service"})
contract = env["crm.contract"].create(
    {
        "partner_id": client.id,
        "kind": "subscription",
        "payment_day": 10,
        "user_id": env.ref("base.user_admin").id,
        "line_ids": [(0, 0, {"product_id": product.id})],
    }
)
env["helpdesk.ticket"].create(
    {
        "name": "Нет связи",
        "description": "С утра",
        "contract_id": contract.id,
        "team_id": env.ref("custom_crm_helpdesk.team_support").id,
    }
)
env.cr.commit()
"""
UNINSTALL = """
env["ir.module.module"].search([("name", "=", "custom_crm_helpdesk")]).button_immediate_uninstall()
"""
CHECK = """
[ticket] = env["helpdesk.ticket"].with_context(lang="ru_RU").search([("name", "=", "Нет связи")])
print(ticket.partner_id.name, "|", ticket.team_id.name, "|", ticket.stage_id.name, "|", "contract_id" in ticket._fields)
print("teams:", env["helpdesk.ticket.team"].search_count([]))
print("contracts:", env["crm.contract"].search_count([("partner_id", "=", ticket.partner_id.id)]))
rights = env.ref("custom_crm.group_manager").all_implied_ids & env.ref("helpdesk_mgmt.group_helpdesk_user_own")
print("rights:", len(rights))
"""


def test_tickets_stay(fresh_db, odoo_shell):
    odoo_shell(fresh_db, CREATE)
    odoo_shell(fresh_db, UNINSTALL)
    assert odoo_shell(fresh_db, CHECK).splitlines() == [
        "ООО «Полюс» | Техподдержка | Новое | False",
        "teams: 1",
        "contracts: 1",
        "rights: 0",
    ]
