"""The Russian translation of each add-on is complete, and only of what is there.

`make i18n` brings the catalogues up to date.
"""

import functools
import sysconfig
from pathlib import Path

import catalogues
from dbtools import ROOT


def terms(entries):
    return {entry.msgid for entry in entries if not entry.obsolete}


def test_templates_and_translations_have_the_terms_of_the_add_ons(installed_db, addons):
    for addon in addons:
        expected = terms(catalogues.export(installed_db, addon))
        for path in (catalogues.template(addon), catalogues.catalogue(addon)):
            found = terms(catalogues.read(path))
            assert not expected - found, f"{path.name} of {addon} lacks terms: run `make i18n`"
            assert not found - expected, f"{path.name} of {addon} has old terms: run `make i18n`"


def test_every_term_is_translated(addons):
    for addon in addons:
        po = catalogues.read(catalogues.catalogue(addon))
        missing = [entry.msgid for entry in po if not entry.translated()]
        assert not missing, f"{addon}/i18n/ru.po does not translate: {missing}"
        assert not po.obsolete_entries(), f"{addon}/i18n/ru.po has entries that are out of use"


def test_words_for_other_modules_are_what_they_say():
    """A word in i18n_extra that its module no longer says in that place would silently stay in English."""
    for path in ROOT.glob("custom_crm*/i18n_extra/ru.po"):
        for entry in catalogues.read(path):
            module = entry.comment.removeprefix("module: ")
            say = said(module).get(entry.msgid, set())
            assert {place for place, _line in entry.occurrences} <= say, (
                f"{path}: {module} does not say {entry.msgid!r}"
            )
            assert entry.translated(), f"{path} does not translate {entry.msgid!r}"


@functools.cache
def said(module):
    """What an installed add-on of OCA says and in which places: {term: {place}}."""
    template = Path(sysconfig.get_path("purelib"), "odoo", "addons", module, "i18n", f"{module}.pot")
    return {entry.msgid: {place for place, _line in entry.occurrences} for entry in catalogues.read(template)}
