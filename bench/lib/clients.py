"""Makes 200,000 clients of the registry by SQL, the same in every run, with Russian names and addresses.

One client in six has «пол» in the name or the address, like «Полимер», Севастополь or ул. Полевая; one in 10,000 has
«меланж» in the name.
"""

from pathlib import Path

from odoo.fields import Command
from odoo.tools import SQL

CLIENTS = 200_000
FREQUENT_WORD, FREQUENT_CLIENTS = "пол", range(32_000, 35_000)
RARE_WORD, RARE_CLIENTS = "меланж", range(20, 21)

# Lists of names. A city goes with its state and the first digits of its postcodes.
WORDS = {
    name: [word.strip() for word in words.split(",")]
    for name, words in (
        block.split(":") for block in (Path(__file__).parent / "words.txt").read_text("utf-8").split("\n\n")
    )
}

# Every figure comes from the client's number, by a hash.
FUNCTIONS = """
CREATE OR REPLACE FUNCTION pg_temp.below(client integer, what text, size integer) RETURNS integer
    IMMUTABLE LANGUAGE sql AS $$
    SELECT abs(hashint8extended(client, hashtext(what)) % size)::integer
$$;
CREATE OR REPLACE FUNCTION pg_temp.pick(client integer, what text, words text[]) RETURNS text
    IMMUTABLE LANGUAGE sql AS $$
    SELECT words[1 + pg_temp.below(client, what, cardinality(words))]
$$;
CREATE OR REPLACE FUNCTION pg_temp.checked(number text, VARIADIC weights integer[]) RETURNS text
    IMMUTABLE LANGUAGE sql AS $$
    SELECT number || sum(substr(number, place::integer, 1)::integer * weight) % 11 % 10
      FROM unnest(weights) WITH ORDINALITY AS weighted(weight, place)
$$;
"""

# The columns of the clients that differ from those of the one that the ORM made.
QUERY = """
WITH parts AS (
    SELECT client, pg_temp.below(client, 'kind', 100) AS kind,
           pg_temp.pick(client, 'first', %(first_parts)s) AS first_part,
           pg_temp.pick(client, 'second', %(second_parts)s) AS second_part,
           concat_ws(' ', pg_temp.pick(client, 'surname', %(surnames)s),
                     pg_temp.pick(client, 'name', %(first_names)s),
                     pg_temp.pick(client, 'patronymic', %(patronymics)s)) AS person,
           string_to_array(pg_temp.pick(client, 'city', %(cities)s), '/') AS place,
           lpad((client * 7919::bigint %% 10000000)::text, 7, '0') AS number
      FROM generate_series(1, %(clients)s) AS client
), clients AS (
    SELECT *, kind < 55 AS is_firm, kind < 75 AS is_business, nextval('res_partner_id_seq') AS id,
           CASE WHEN client %% 10000 = 17 THEN 'ООО «Меланж-' || second_part || '»'
                WHEN kind < 20 THEN format('%%s «%%s%%s»', pg_temp.pick(client, 'form', %(forms)s), first_part,
                                           lower(second_part))
                WHEN kind < 40 THEN format('%%s «%%s-%%s»', pg_temp.pick(client, 'form', %(forms)s), first_part,
                                           second_part)
                WHEN kind < 55 THEN format('%%s «%%s»', pg_temp.pick(client, 'form', %(forms)s), second_part)
                WHEN kind < 75 THEN 'ИП ' || person
                ELSE person END AS full_name,
           format('ул. %%s, д. %%s%%s', pg_temp.pick(client, 'street', %(streets)s),
                  1 + pg_temp.below(client, 'house', 150),
                  CASE WHEN kind >= 55 THEN ', кв. ' || 1 + pg_temp.below(client, 'flat', 200)
                       WHEN kind < 30 THEN ', офис ' || 1 + pg_temp.below(client, 'flat', 600) END) AS line,
           place[3] || lpad(pg_temp.below(client, 'zip', 200)::text, 3, '0') AS postcode,
           '9' || lpad(pg_temp.below(client, 'phone', 100)::text, 2, '0') || number AS phone_number
      FROM parts
)
INSERT INTO res_partner (%(columns)s)
     SELECT %(values)s
       FROM clients
       JOIN res_country country ON country.code = 'RU'
       JOIN res_country_state state ON state.country_id = country.id AND state.code = place[2]
       JOIN res_partner pattern ON pattern.id = %(pattern)s
   ORDER BY client
"""

VALUES = {
    "id": "clients.id",
    "commercial_partner_id": "clients.id",
    "name": "full_name",
    "complete_name": "full_name",
    "commercial_company_name": "CASE WHEN is_business THEN full_name END",
    "is_company": "is_business",
    "ref": "CASE WHEN client %% 3 = 0 THEN 'К-' || number END",
    "vat": """CASE WHEN is_firm THEN pg_temp.checked('77' || number, 2, 4, 10, 3, 5, 9, 4, 6, 8)
                   ELSE pg_temp.checked(pg_temp.checked('770' || number, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8),
                                        3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8) END""",
    "company_registry": """CASE WHEN is_firm THEN '10277' || number || ('10277' || number)::bigint %% 11 %% 10
                                WHEN is_business THEN '3047700' || number || ('3047700' || number)::bigint %% 13 %% 10
                           END""",
    "country_id": "country.id",
    "state_id": "state.id",
    "zip": "postcode",
    "city": "place[1]",
    "street": "line",
    "phone": "regexp_replace(phone_number, '(...)(...)(..)(..)', '+7 \\1 \\2-\\3-\\4')",
    "phone_sanitized": "'+7' || phone_number",
    "email": "'office@client' || client || '.example'",
    "email_normalized": "'office@client' || client || '.example'",
    "user_id": "(%(users)s)[1 + pg_temp.below(client, 'user', cardinality(%(users)s))]",
}
# These are there when custom_crm is installed.
OUR_VALUES = {
    "is_client": "true",
    "actual_address": "concat_ws(', ', postcode, state.name, place[1], line)",
    "kpp": "CASE WHEN is_firm THEN '770' || substr(number, 1, 1) || '01001' END",
}


def make_users(env, count=20):
    """Users who may do what a manager of clients may, or only employees without custom_crm."""
    manager = env.ref("custom_crm.group_manager", raise_if_not_found=False) or env.ref("base.group_partner_manager")
    groups = [Command.link(env.ref("base.group_user").id), Command.link(manager.id)]
    return env["res.users"].create(
        [{"name": f"Менеджер {i}", "login": f"manager{i}", "group_ids": groups} for i in range(count)]
    )


def make_clients(env, users, clients=CLIENTS):
    """Make the clients, shared among the users who are responsible for them; commits."""
    pattern = env["res.partner"].create({"name": "Pattern"})
    env.flush_all()
    values = VALUES | (OUR_VALUES if "is_client" in pattern else {})
    env.cr.execute(FUNCTIONS)
    parameters = {"pattern": pattern.id, "users": users.ids, "clients": clients, **WORDS}
    insert_like(env.cr, "res_partner", QUERY, values, parameters)
    env.invalidate_all()
    pattern.unlink()
    vacuum(env.cr, "res_partner")


def insert_like(cr, table, query, values, parameters):
    """Run an INSERT … SELECT that copies all columns of the row ``pattern`` but those in ``values``."""
    cr.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s", [table]
    )
    columns = {f'"{name}"': values.get(name, f'pattern."{name}"') for (name,) in cr.fetchall()}
    query = query.replace("%(columns)s", ", ".join(columns)).replace("%(values)s", ", ".join(columns.values()))
    cr.execute(query, parameters)


def vacuum(cr, *tables):
    """Commit, then do what autovacuum does after some minutes."""
    # VACUUM marks rows as visible to all only once their commit is written, for which commits here do not wait.
    cr.execute("SET synchronous_commit = on")
    cr.commit()
    cr._cnx.autocommit = True
    for table in tables:
        cr.execute(SQL("VACUUM ANALYZE %s", SQL.identifier(table)))
    cr.execute("RESET synchronous_commit")
    cr._cnx.autocommit = False
