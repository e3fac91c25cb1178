"""How PostgreSQL runs a query."""

from odoo.tools import SQL


def show_plan(what, query, indexes=(), *, is_count=False):
    """Print how PostgreSQL runs the query, which has to use one of the indexes, if there are any."""
    cr = query._env.cr
    # As Odoo counts: rows without columns.
    statement = query.select("") if is_count else query.select()
    cr.execute(SQL("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) %s", statement))
    [plan] = cr.fetchone()[0]
    nodes = list(plan_nodes(plan["Plan"]))
    steps = " < ".join(" ".join(filter(None, (node["Node Type"], node.get("Index Name")))) for node in nodes)
    blocks = plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
    print(f"  {what}: {plan['Execution Time']:.1f} ms, {blocks} blocks, {steps}")
    assert not indexes or {node.get("Index Name") for node in nodes} & set(indexes), plan


def plan_nodes(node):
    yield node
    for child in node.get("Plans", ()):
        yield from plan_nodes(child)
