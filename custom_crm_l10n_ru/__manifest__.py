{
    "name": "Clients and Contracts: Russia",
    "summary": "QR code for payment on invoices",
    "version": "19.0.1.0.0",
    "category": "Accounting/Localizations",
    "author": "custom_crm contributors",
    "website": "https://custom-crm.example",
    "license": "LGPL-3",
    "countries": ["ru"],
    "depends": ["custom_crm"],
    "external_dependencies": {"python": ["qrcode"]},
    "post_init_hook": "post_init_hook",
}
