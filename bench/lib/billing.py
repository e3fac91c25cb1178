"""The sides of the billing benchmark: each has a contract with each client for the same services, and bills them.

A side makes contracts, gets ready to bill those that begin on a day, and bills them; only the last step is timed. The
steps are taken in processes of their own, so what they share is in the database.
"""

import time

from odoo.fields import Command

from lib.clients import make_clients, make_users
from lib.invoices import load_accounts

# Of the first, second and third service; and the percentage that the sales tax of each adds to it.
PRICES, TAX = (1000, 500, 250), 15
# As our runs do unless the company wants it otherwise.
CHUNK = 100


def total(lines):
    """What an invoice for the first so many services comes to."""
    return sum(PRICES[:lines]) * (100 + TAX) / 100


def make_base(env, clients):
    """What all sides have in common: accounts, a sales tax, services and clients; commits."""
    load_accounts(env)
    # The clients are no foreigners: they pay the tax.
    env["account.fiscal.position"].search([("country_id", "!=", False)]).country_id = env.ref("base.ru")
    tax = env.company.account_sale_tax_id
    assert (tax.amount, tax.price_include) == (TAX, False), tax.read()
    env["product.product"].create(
        [{"name": f"Услуга {i}", "type": "service", "list_price": price} for i, price in enumerate(PRICES, 1)]
    )
    make_clients(env, make_users(env), clients)


def get_clients(env):
    return env["res.partner"].search([("email", "like", "office@client")], order="id")


def get_services(env, lines):
    return env["product.product"].search([("name", "like", "Услуга")], order="id", limit=lines)


class Side:
    addons = ()

    def make_contracts(self, env, clients, services, first, last=False):
        """Contracts from the first day to the last, billed by the month in advance."""

    def get_ready(self, env, day):
        """What a user does before billing, and what is not timed."""

    def bill(self, env, day, clients, services):
        """Create and post the invoices of the contracts that begin on the day; commits."""
        raise NotImplementedError


class Ours(Side):
    """A billing run, which the scheduled action bills."""

    addons = ("custom_crm",)

    def make_contracts(self, env, clients, services, first, last=False):
        contracts = env["crm.contract"].create(
            [
                {
                    "partner_id": client.id,
                    "kind": "subscription",
                    "payment_day": 10,
                    "date_start": first,
                    "date_end": last,
                    "user_id": env.ref("base.user_admin").id,
                    "line_ids": [Command.create({"product_id": service.id}) for service in services],
                }
                for client in clients
            ]
        )
        contracts.action_activate()
        env["crm.billing.run"].create({"date": first}).action_prepare()

    def get_ready(self, env, day):
        env["crm.billing.run"].search([("date", "=", day)]).action_start()

    def bill(self, env, day, clients, services):
        due = [("run_id.date", "=", day), ("state", "=", "due")]
        env["crm.billing.run"]._cron_bill()
        while env["crm.contract.period"].search_count(due, limit=1):
            # The other process has the last ones in hand.
            env.cr.commit()
            time.sleep(0.02)
            env["crm.billing.run"]._cron_bill()


class Oca(Side):
    """The scheduled action of OCA ``contract``, which makes drafts, and then Odoo's button to post them."""

    addons = ("contract",)

    def make_contracts(self, env, clients, services, first, last=False):
        env["contract.contract"].create(
            [
                {
                    "name": f"Договор {client.id}",
                    "partner_id": client.id,
                    "date_start": first,
                    "date_end": last,
                    "user_id": env.ref("base.user_admin").id,
                    "contract_line_ids": [
                        Command.create(
                            {
                                "product_id": service.id,
                                "name": service.name,
                                "price_unit": service.list_price,
                                "date_start": first,
                                "recurring_next_date": first,
                            }
                        )
                        for service in services
                    ],
                }
                for client in clients
            ]
        )

    def bill(self, env, day, clients, services):
        env["contract.contract"].cron_recurring_create_invoice(day)
        env.cr.commit()
        env["account.move"].search([("invoice_date", "=", day), ("state", "=", "draft")]).action_post()
        env.cr.commit()


class Odoo(Side):
    """Neither add-on and no contracts: the same invoices in chunks of the size of ours."""

    def bill(self, env, day, clients, services):
        for first in range(0, len(clients), CHUNK):
            chunk = clients[first : first + CHUNK]
            env["account.move"].create(
                [self._prepare_invoice_vals(client, day, services) for client in chunk]
            ).action_post()
            env.cr.commit()

    def _prepare_invoice_vals(self, client, day, services):
        return {
            "move_type": "out_invoice",
            "partner_id": client.id,
            "invoice_date": day,
            "invoice_date_due": day.replace(day=10),
            "invoice_user_id": client.env.ref("base.user_admin").id,
            "invoice_line_ids": [
                Command.create({"product_id": service.id, "price_unit": service.list_price}) for service in services
            ],
        }


SIDES = {"ours": Ours(), "oca": Oca(), "odoo": Odoo()}
