"""Posted customer invoices in great number: copies by SQL of one that Odoo itself posted."""

from datetime import date

from odoo.fields import Command

from lib.clients import insert_like, vacuum

NEW_MOVES = """
CREATE TEMPORARY TABLE new_moves ON COMMIT DROP AS
SELECT nextval('account_move_id_seq')::integer AS id, number, partner.id AS partner, partner.commercial_partner_id,
       format('INV/2026/%%s', lpad((pattern.sequence_number + number)::text, 6, '0')) AS name,
       pattern.sequence_number + number AS sequence_number
  FROM generate_series(1, %(count)s) AS number
  JOIN res_partner partner ON partner.id = (%(partners)s)[1 + (number - 1) %% cardinality(%(partners)s)]
  JOIN account_move pattern ON pattern.id = %(pattern)s
"""
MOVES = """
INSERT INTO account_move (%(columns)s)
     SELECT %(values)s FROM new_moves JOIN account_move pattern ON pattern.id = %(pattern)s
"""
MOVE_VALUES = {
    "id": "new_moves.id",
    "name": "new_moves.name",
    "payment_reference": "new_moves.name",
    "sequence_number": "new_moves.sequence_number",
    "partner_id": "partner",
    "partner_shipping_id": "partner",
    "commercial_partner_id": "new_moves.commercial_partner_id",
    "access_token": "NULL",
}
LINES = """
INSERT INTO account_move_line (%(columns)s)
     SELECT %(values)s FROM new_moves JOIN account_move_line pattern ON pattern.move_id = %(pattern)s
"""
LINE_VALUES = {
    "id": "nextval('account_move_line_id_seq')",
    "move_id": "new_moves.id",
    "move_name": "new_moves.name",
    "partner_id": "new_moves.commercial_partner_id",
}


def load_accounts(env):
    """A chart of accounts for the company, unless it has one."""
    if not env.company.chart_template:
        env["account.chart.template"].try_loading("generic_coa", company=env.company, install_demo=False)


def make_invoice(env, partner, invoice_date=date(2026, 3, 1)):
    """An invoice over 1,000, posted by Odoo."""
    move = env["account.move"].create(
        {
            "move_type": "out_invoice",
            "partner_id": partner.id,
            "invoice_date": invoice_date,
            "invoice_line_ids": [
                Command.create(
                    {"name": "Обслуживание", "quantity": 1, "price_unit": 1000, "tax_ids": [Command.clear()]}
                )
            ],
        }
    )
    move.action_post()
    return move


def copy_invoice(env, pattern, partners, count, **values):
    """Make so many copies of an invoice, the last of its journal, for the partners in turn; commits.

    Further columns of the invoices are SQL, in which ``number`` counts the copies from 1.
    """
    env.flush_all()
    parameters = {"count": count, "partners": partners.ids, "pattern": pattern.id}
    env.cr.execute(NEW_MOVES, parameters)
    insert_like(env.cr, "account_move", MOVES, MOVE_VALUES | values, parameters)
    insert_like(env.cr, "account_move_line", LINES, LINE_VALUES, parameters)
    env.invalidate_all()
    vacuum(env.cr, "account_move", "account_move_line")
