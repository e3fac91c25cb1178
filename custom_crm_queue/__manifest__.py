{
    "name": "Clients and Contracts: Many Workers",
    "summary": "Batch invoicing and mailing on many workers and machines, as jobs of OCA's queue",
    "version": "19.0.1.0.0",
    "category": "Sales/CRM",
    "author": "custom_crm contributors",
    "website": "https://custom-crm.example",
    "license": "LGPL-3",
    "depends": ["custom_crm", "queue_job"],
    "data": ["data/queue_job_data.xml"],
    "uninstall_hook": "uninstall_hook",
    "auto_install": True,
}
