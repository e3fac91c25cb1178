{
    "name": "Clients and Contracts: Requests",
    "summary": "Requests of clients to technical support, accounting and lawyers on the client card and the contract",
    "version": "19.0.1.0.0",
    "category": "Sales/CRM",
    "author": "custom_crm contributors",
    "website": "https://custom-crm.example",
    "license": "AGPL-3",
    "depends": ["custom_crm", "helpdesk_mgmt"],
    "data": [
        "security/helpdesk_ticket_security.xml",
        "data/helpdesk_ticket_team_data.xml",
        "views/helpdesk_ticket_views.xml",
        "views/crm_contract_views.xml",
        "views/res_partner_views.xml",
        "views/menus.xml",
    ],
    "demo": ["demo/helpdesk_ticket_demo.xml"],
    "assets": {
        "web.assets_tests": ["custom_crm_helpdesk/static/tests/tours/**/*"],
    },
    "uninstall_hook": "uninstall_hook",
    "auto_install": True,
}
