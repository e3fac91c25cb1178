"""What Odoo's web client sends for a view, built from the view: so a benchmark follows the views as they change."""

from lxml import etree

from odoo.tools.safe_eval import safe_eval

LIST_LIMIT = 80
COUNT_LIMIT = 10_001
X2MANY_LIMIT = 40
MANY2ONE_LIMIT = 8
TRUE = ("True", "1")


class Action:
    """An action as a user opens it: its domain, its search fields and the specifications of what its views read."""

    def __init__(self, env, xmlid):
        self.env = env
        action = env["ir.actions.actions"]._for_xml_id(xmlid)
        self.domain = safe_eval(action["domain"] or "[]", {"uid": env.uid})
        self.context = safe_eval(action["context"] or "{}", {"uid": env.uid})
        self.model = env[action["res_model"]].with_context(**self.context)
        views = [*action["views"], (action["search_view_id"] and action["search_view_id"][0], "search")]
        self.views = self.model.get_views(views)

    def arch(self, view_type):
        return etree.fromstring(self.views["views"][view_type]["arch"])

    def specification(self, view_type):
        return Specification(self.env).of(self.arch(view_type), self.model)

    def search_domain(self, field_name, words):
        """The domain of the action with the words entered in the search box, for the field of the search view."""
        node = self.arch("search").find(f".//field[@name='{field_name}']")
        if node.get("filter_domain"):
            facet = safe_eval(node.get("filter_domain"), {"self": words, "raw_value": words, "uid": self.env.uid})
        else:
            facet = [(field_name, node.get("operator") or "ilike", words)]
        return ["&", *self.domain, *facet] if self.domain else facet


class Specification:
    """Fields to read for the arch of a view, as ``getFieldsSpec`` of the web client collects them."""

    def __init__(self, env):
        self.env = env

    def of(self, arch, model, *, hidden=False):
        specification = {}
        nodes = {}
        for node in arch.xpath("descendant::field[count(ancestor::field) = $level]", level=_level(arch)):
            nodes.setdefault(node.get("name"), []).append(node)
        for name, same in nodes.items():
            field = model._fields.get(name)
            if field is not None:
                specification[name] = self._of_field(same, field, hidden=hidden or all(map(_is_hidden, same)))
        return specification

    def _of_field(self, nodes, field, *, hidden):
        if field.type == "many2one":
            return {"fields": {}} if hidden else {"fields": {"display_name": {}}, "context": _context(nodes[0])}
        if field.type in ("one2many", "many2many") and not hidden:
            return self._of_x2many(next(node for node in nodes if not _is_hidden(node)), field)
        return {}

    def _of_x2many(self, node, field):
        model = self.env[field.comodel_name]
        if (node.get("widget") or "").startswith("many2many_tags"):
            return {"fields": {name: {} for name in ("display_name", "color") if name in model._fields}}
        inline = {child.tag: child for child in node if child.tag in ("list", "kanban", "form")}
        shown = inline.get((node.get("mode") or "list").split(",")[0])
        if shown is None:
            shown = inline.get("kanban")
        if shown is None:
            shown = etree.fromstring(model.get_view(view_type="list")["arch"])
        fields = self.of(shown, model)
        if "form" in inline:
            # So that a line opens at once.
            fields = self.of(inline["form"], model, hidden=True) | fields
        specification = {"fields": fields, "context": _context(node), "limit": int(shown.get("limit") or X2MANY_LIMIT)}
        if shown.get("default_order"):
            specification["order"] = shown.get("default_order")
        return specification


def _level(arch):
    return float(len(list(arch.iterancestors("field"))) + (arch.tag == "field"))


def _is_hidden(node):
    return node.get("invisible") in TRUE or node.get("column_invisible") in TRUE


def _context(node):
    # What depends on the record adds defaults for new lines only.
    try:
        return safe_eval(node.get("context") or "{}")
    except ValueError:
        return {}
