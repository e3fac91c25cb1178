import logging

import psycopg2

from odoo.modules.db import FunctionStatus, has_trigram
from odoo.tools import SQL

from .tools.regions import REGIONS

_logger = logging.getLogger(__name__)

EXTENSION = "pg_trgm"
VAT_LABEL = "ИНН"
ADDRESS_FORMAT = "%(zip)s, %(state_name)s, %(city)s\n%(street)s\n%(street2)s\n%(country_name)s"


def pre_init_hook(env):
    """Make the database ready for Russian addresses and for the indexes that search clients by a part of their name.

    Where an index can't be had, the log says why and what to do.
    """
    _create_trigram_extension(env)
    _check_cyrillic(env)
    _name_regions(env)
    _set_country(env)
    _add_delivery_state(env)


def uninstall_hook(env):
    """Give Russia back its format of addresses and label, the names of regions with Odoo's next update.

    The sequences of contract numbers, one a company, were not made from data files, so they go here.
    """
    env["ir.sequence"].with_context(active_test=False).search([("code", "=", "crm.contract")]).unlink()
    russia = env.ref("base.ru")
    if russia.address_format == ADDRESS_FORMAT:
        russia.address_format = env["res.partner"]._get_default_address_format()
    if russia.vat_label == VAT_LABEL:
        russia.vat_label = False
    _keep_regions(env, False)


def _create_trigram_extension(env):
    # Odoo creates pg_trgm in the databases that it creates; others, such as restored ones, may lack it.
    if env.registry.has_trigram:
        return
    try:
        with env.cr.savepoint(flush=False):
            env.cr.execute(SQL("CREATE EXTENSION IF NOT EXISTS %s", SQL.identifier(EXTENSION)))
    except psycopg2.Error as error:
        _logger.warning(
            "Searching many clients will be slow: PostgreSQL's extension %s could not be created (%s). "
            "Create it as the database's owner or superuser and update the module custom_crm.",
            EXTENSION,
            str(error).strip(),
        )
    env.registry.has_trigram = has_trigram(env.cr)


def _check_cyrillic(env):
    env.cr.execute("SELECT 'Ж' ILIKE 'ж'")
    if not env.cr.fetchone()[0]:
        _logger.warning(
            "Searching in Russian will tell capital from small letters: this database has LC_CTYPE C. "
            "Restore it into one made with a UTF-8 locale, such as C.UTF-8."
        )
    if env.registry.has_unaccent == FunctionStatus.PRESENT:
        _logger.warning(
            "Searching many clients will be slow: PostgreSQL's function unaccent is not immutable here, "
            "so that no index can serve the search. Make it immutable and update the module custom_crm."
        )


def _name_regions(env):
    """Give Russia's regions their Russian names, in which Odoo has no translations; names of the company's own stay.

    By SQL before the contacts get their address in one line, which a change of a region's name would compute anew one
    by one. An update of Odoo would bring the English names back, so the records are closed to it.
    """
    for key, name in REGIONS.items():
        env.cr.execute(
            """UPDATE res_country_state region SET name = %s
                 FROM ir_model_data data
                WHERE data.module = 'base' AND data.name = %s AND data.model = 'res.country.state'
                  AND region.id = data.res_id AND region.name !~ '[А-Яа-яЁё]'""",
            [name, f"state_ru_{key}"],
        )
    _keep_regions(env, True)
    env["res.country.state"].invalidate_model(["name"])


def _keep_regions(env, keep):
    env.cr.execute(
        "UPDATE ir_model_data SET noupdate = %s WHERE module = 'base' AND name IN %s",
        [keep, tuple(f"state_ru_{key}" for key in REGIONS)],
    )


def _set_country(env):
    """Russia's label of the tax number and order of an address, where nobody has set others."""
    russia = env.ref("base.ru")
    if russia.address_format == env["res.partner"]._get_default_address_format():
        russia.address_format = ADDRESS_FORMAT
    if not russia.vat_label:
        russia.vat_label = VAT_LABEL


def _add_delivery_state(env):
    """What stands on every invoice there is, without writing each of them anew."""
    env.cr.execute("ALTER TABLE account_move ADD COLUMN IF NOT EXISTS delivery_state varchar NOT NULL DEFAULT 'none'")
    env.cr.execute("ALTER TABLE account_move ALTER COLUMN delivery_state DROP DEFAULT")
