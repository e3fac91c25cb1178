"""The Russian translation of each add-on is complete, and only of what is there.

`make i18n` brings the catalogues up to date.
"""

import catalogues


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
