"""No add-on uses a name that Odoo 19 no longer knows.

Most of them do no harm that a linter or an installation would show: the constraint, the
attribute or the restriction is just silently not there.
"""

import re
from typing import NamedTuple

import pytest
from dbtools import ROOT


class Removed(NamedTuple):
    suffixes: str
    pattern: str
    instead: str
    sample: str


REMOVED = [
    Removed("py", r"\b_sql_constraints\b", "models.Constraint", "_sql_constraints = []"),
    Removed("py", r"\bgroup_operator\b", "aggregator", "fields.Float(group_operator='sum')"),
    Removed("py", r"\bodoo\.osv\b|from odoo import .*\bosv\b", "odoo.fields.Domain", "from odoo.osv import expression"),
    Removed("py", r"\bauto_join\s*=", "bypass_search_access", "fields.Many2one('x', auto_join=True)"),
    Removed("py", r"\.read_group\(", "_read_group, formatted_read_group", "self.read_group([], [], [])"),
    Removed("py xml", r"\btoggle_active\b", "action_archive, action_unarchive", "self.toggle_active()"),
    Removed("py", r"\bself\._(cr|uid|context)\b", "self.env", "self._cr.execute('')"),
    Removed("py", r"\b_notify_progress\b", "_commit_progress", "cron._notify_progress(done=1)"),
    Removed("py", r"""\btype\s*=\s*["']json["']""", 'type="jsonrpc"', "@http.route('/x', type='json')"),
    Removed("py xml csv", r"\bgroups_id\b", "group_ids", '<field name="groups_id" />'),
    Removed("py xml", r"\b(numbercall|doall)\b", "nothing", '<field name="numbercall">-1</field>'),
    Removed("xml", r'<field name="users"', "user_ids", '<field name="users" eval="[]" />'),
    Removed("py xml", r"<tree\b|</tree>", "<list>", '<tree string="x">'),
    Removed("py xml", r"""\b(view_)?mode["']?\s*[>=:]\s*["']?[\w,]*\btree\b""", "list", 'view_mode">tree,form<'),
    Removed("xml", r"\battrs\s*=", "invisible, readonly, required", """<field name="x" attrs="{}" />"""),
    Removed("xml", r"\bstates\s*=", "invisible", '<button states="draft" />'),
    Removed("xml", r"\bt-(esc|raw)\b", "t-out", '<span t-esc="x" />'),
    Removed("xml", r"<group\b[^>]*\bexpand\s*=", "<group>", '<group expand="0"><filter /></group>'),
    Removed("xml", r"\boe_chatter\b", "<chatter />", '<div class="oe_chatter" />'),
]


def removed_names(suffix, text):
    """What a file of this kind says that Odoo 19 no longer knows: (line, words, what to say instead)."""
    for removed in REMOVED:
        if suffix in removed.suffixes.split():
            for match in re.finditer(removed.pattern, text):
                yield text.count("\n", 0, match.start()) + 1, match.group(), removed.instead


def test_add_ons_use_no_removed_name():
    found = [
        f"{path.relative_to(ROOT)}:{line}: {words!r}, now: {instead}"
        for path in ROOT.glob("custom_crm*/**/*")
        if path.suffix in {".py", ".xml", ".csv"}
        for line, words, instead in removed_names(path.suffix[1:], path.read_text())
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("removed", REMOVED, ids=lambda removed: removed.sample)
def test_the_check_finds(removed):
    for suffix in removed.suffixes.split():
        found = list(removed_names(suffix, f"first line\n{removed.sample}\n"))
        assert (2, removed.instead) in [(line, instead) for line, _words, instead in found]


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        ("py", "self._read_group([], ['x'])"),
        ("py", "self.web_read_group()"),
        ("py", "fields.Json()"),
        ("py", "self.env.cr.execute('')"),
        ("xml", '<field name="group_ids" /><field name="user_ids" />'),
        ("xml", '<field name="view_mode">list,form</field>'),
        ("xml", '<group string="Totals"><field name="x" /></group>'),
        ("xml", '<div t-att-class="x" t-attf-class="y" />'),
    ],
)
def test_the_check_lets_pass(suffix, text):
    assert not list(removed_names(suffix, text))
