"""Contracts at a stage of a business process in great number: copies by SQL of some that Odoo itself started."""

from datetime import date

from odoo.fields import Command

from lib.clients import insert_like, vacuum

# Each copy of a contract takes the client, the responsible and the open stage of its pattern, in turns.
NEW_CONTRACTS = """
CREATE TEMPORARY TABLE new_contracts ON COMMIT DROP AS
SELECT nextval('crm_contract_id_seq')::integer AS id, nextval('crm_contract_stage_id_seq')::integer AS open_id, number,
       (%(patterns)s)[1 + number %% cardinality(%(patterns)s)] AS contract,
       (%(clients)s)[1 + number %% cardinality(%(clients)s)] AS client,
       (%(users)s)[1 + number %% cardinality(%(users)s)] AS responsible
  FROM generate_series(1, %(count)s) AS number
"""
CONTRACTS = """
INSERT INTO crm_contract (%(columns)s)
     SELECT %(values)s FROM new_contracts JOIN crm_contract pattern ON pattern.id = contract
"""
CONTRACT_VALUES = {
    "id": "new_contracts.id",
    "name": "'B-' || new_contracts.id",
    "partner_id": "client",
    "user_id": "responsible",
    "current_stage_id": "NULL",
}
STAGES = """
INSERT INTO crm_contract_stage (%(columns)s)
     SELECT %(values)s
       FROM new_contracts
       JOIN crm_contract_stage pattern ON pattern.contract_id = contract
 CROSS JOIN generate_series(1, CASE WHEN pattern.state = 'open' THEN 1 ELSE %(passed)s END)
"""
# One open stage in twenty is overdue.
STAGE_VALUES = {
    "id": "CASE WHEN pattern.state = 'open' THEN open_id ELSE nextval('crm_contract_stage_id_seq') END",
    "contract_id": "new_contracts.id",
    "partner_id": "client",
    "user_id": "responsible",
    "date_deadline": "%(today)s::date + CASE WHEN number %% 20 = 0 THEN -1 - number %% 30 ELSE number %% 30 END",
}
ITEMS = """
INSERT INTO crm_contract_stage_item (%(columns)s)
     SELECT %(values)s
       FROM new_contracts
       JOIN crm_contract_stage stage ON stage.contract_id = contract AND stage.state = 'open'
       JOIN crm_contract_stage_item pattern ON pattern.stage_id = stage.id
"""
ITEM_VALUES = {"id": "nextval('crm_contract_stage_item_id_seq')", "stage_id": "open_id"}
CURRENT = """
UPDATE crm_contract SET current_stage_id = open_id FROM new_contracts WHERE new_contracts.id = crm_contract.id
"""


def make_process(env, stages=5, items=5):
    return env["crm.process"].create(
        {
            "name": "Подключение",
            "stage_ids": [
                Command.create(
                    {
                        "name": f"Этап {stage}",
                        "sequence": stage,
                        "item_ids": [Command.create({"name": f"Пункт {item}"}) for item in range(items)],
                    }
                )
                for stage in range(stages)
            ],
        }
    )


def make_patterns(env, process, client, product):
    """A contract at each stage of the process, the stages before it completed."""
    contracts = env["crm.contract"].create(
        [
            {
                "partner_id": client.id,
                "kind": "subscription",
                "payment_day": 10,
                "date_start": date(2026, 3, 1),
                "process_id": process.id,
                "line_ids": [Command.create({"product_id": product.id})],
            }
            for _stage in process.stage_ids
        ]
    )
    contracts.action_activate()
    for place, contract in enumerate(contracts):
        for _passed in range(place):
            contract.current_stage_id.item_ids.is_done = True
            contract.current_stage_id.action_complete()
    return contracts


def copy_contracts(env, patterns, clients, users, count, passed):
    """Make so many copies of the contracts with their stages, each passed one so many times; commits."""
    env.flush_all()
    parameters = {
        "count": count,
        "passed": passed,
        "patterns": patterns.ids,
        "clients": clients.ids,
        "users": users.ids,
        # The company's day, which is not the database's around midnight.
        "today": env.company._crm_today(),
    }
    env.cr.execute(NEW_CONTRACTS, parameters)
    insert_like(env.cr, "crm_contract", CONTRACTS, CONTRACT_VALUES, parameters)
    insert_like(env.cr, "crm_contract_stage", STAGES, STAGE_VALUES, parameters)
    insert_like(env.cr, "crm_contract_stage_item", ITEMS, ITEM_VALUES, parameters)
    env.cr.execute(CURRENT)
    env.invalidate_all()
    vacuum(env.cr, "crm_contract", "crm_contract_stage", "crm_contract_stage_item")
