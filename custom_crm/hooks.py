import logging

import psycopg2

from odoo.modules.db import FunctionStatus, has_trigram

_logger = logging.getLogger(__name__)


def pre_init_hook(env):
    """Make ready for the indexes that search clients by a part of their name, or say in the log why that can't be."""
    _create_trigram_extension(env)
    _check_cyrillic(env)


def _create_trigram_extension(env):
    # Odoo creates pg_trgm in the databases that it creates; others, such as restored ones, may lack it.
    if env.registry.has_trigram:
        return
    try:
        with env.cr.savepoint(flush=False):
            env.cr.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except psycopg2.Error as error:
        _logger.warning(
            "Searching many clients will be slow: PostgreSQL's extension pg_trgm could not be created (%s). "
            "Create it as the database's owner or superuser and update the module custom_crm.",
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
