import operator as operators
import re

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.modules.db import FunctionStatus
from odoo.tools.sql import column_exists, create_column

from ..tools import requisites
from .crm_contract import RUNNING_STATES

ACCOUNT_GROUPS = "account.group_account_invoice,account.group_account_readonly"
CASH_GROUPS = f"{ACCOUNT_GROUPS},custom_crm.group_cashier"
CONTRACT_GROUPS = f"{CASH_GROUPS},custom_crm.group_executor"
# What str.strip takes away and people type or paste.
WHITE_SPACE = " \t\n\r\u00a0"
COMPARISONS = {">": operators.gt, ">=": operators.ge, "<": operators.lt, "<=": operators.le}
INVERSE = {">": "<=", ">=": "<", "<": ">=", "<=": ">"}
# What a user may type with spaces, as it is printed in letters.
COMPACT_FIELDS = ("kpp", "okpo")
# Of other countries these may be words.
COMPACT_NUMBERS = ("vat", "company_registry")


def _trigram(column):
    """The definition of an index for ``column ilike '%…%'``; none where ``hooks.pre_init_hook`` warns of it."""

    def definition(registry):
        if not registry.has_trigram or registry.has_unaccent == FunctionStatus.PRESENT:
            return ""
        return f"USING gin ({registry.unaccent(column)} gin_trgm_ops)"

    return definition


class ResPartner(models.Model):
    """Client of the registry and its requisites.

    The native address fields hold the actual address; ИНН is ``vat``, ОГРН ``company_registry``.
    """

    _inherit = "res.partner"

    is_client = fields.Boolean(
        string="Client",
        index=True,
        tracking=True,
        default_export_compatible=True,
        help="Shown in the client registry.",
    )
    actual_address = fields.Char(
        compute="_compute_actual_address", store=True, index="trigram", help="The address in one line."
    )
    legal_address = fields.Char(
        default_export_compatible=True, tracking=True, help="As in the register of legal entities."
    )
    mailing_address = fields.Char(
        default_export_compatible=True, help="For letters, if it is another than the actual one."
    )
    kpp = fields.Char(default_export_compatible=True, string="KPP", tracking=True, help="9 characters, companies only.")
    okpo = fields.Char(default_export_compatible=True, string="OKPO")
    director_name = fields.Char(default_export_compatible=True, string="Director")
    director_position = fields.Char(default_export_compatible=True, string="Director's Position")
    director_basis = fields.Char(
        default_export_compatible=True, string="Acts on the Basis of", help="As in «acting on the basis of …»."
    )
    identity_document = fields.Char(default_export_compatible=True, help="Name, number, date and place of issue.")

    # What an export in the form of an import offers at once, besides the name.
    is_company = fields.Boolean(default_export_compatible=True)
    vat = fields.Char(default_export_compatible=True)
    company_registry = fields.Char(default_export_compatible=True)
    zip = fields.Char(default_export_compatible=True)
    city = fields.Char(default_export_compatible=True)
    street = fields.Char(default_export_compatible=True)
    phone = fields.Char(default_export_compatible=True)
    email = fields.Char(default_export_compatible=True)

    is_entrepreneur = fields.Boolean(
        compute="_compute_is_entrepreneur", help="A sole proprietor: a business with the 12-digit INN of a person."
    )
    duplicate_partner_id = fields.Many2one(
        "res.partner",
        string="Duplicate",
        compute="_compute_duplicate_partner_id",
        help="Another contact with the same INN and the same KPP, or with no KPP.",
    )
    requisites_warning = fields.Char(compute="_compute_requisites_warning")

    contract_ids = fields.One2many("crm.contract", "partner_id", string="Contracts", groups=CONTRACT_GROUPS)
    contract_count = fields.Integer(
        string="Contracts in Force",
        compute="_compute_contract_count",
        groups=CONTRACT_GROUPS,
        help="Active and suspended contracts.",
    )
    contract_line_ids = fields.Many2many(
        "crm.contract.line",
        string="Services in Force",
        compute="_compute_contract_line_ids",
        groups=CONTRACT_GROUPS,
    )
    client_move_ids = fields.One2many(
        "account.move",
        "commercial_partner_id",
        string="Invoices to the Client",
        domain=[("move_type", "in", ("out_invoice", "out_refund"))],
        groups=ACCOUNT_GROUPS,
    )
    client_move_count = fields.Integer(
        string="Number of Invoices", compute="_compute_client_moves", groups=ACCOUNT_GROUPS
    )
    client_invoiced = fields.Monetary(
        string="Invoiced",
        compute="_compute_client_moves",
        groups=ACCOUNT_GROUPS,
        help="Posted invoices less credit notes, taxes included, in the company's currency.",
    )
    client_payment_count = fields.Integer(
        string="Number of Payments", compute="_compute_client_payments", groups=ACCOUNT_GROUPS
    )
    client_paid = fields.Monetary(
        string="Paid",
        compute="_compute_client_payments",
        groups=ACCOUNT_GROUPS,
        help="Payments received less those returned, in the company's currency.",
    )
    receivable_total = fields.Monetary(
        string="Debt",
        compute="_compute_receivable_total",
        search="_search_receivable_total",
        groups=CASH_GROUPS,
        help="Unpaid receivables of the client less advances, in the company's currency.",
    )
    receivable_overdue = fields.Monetary(
        string="Overdue",
        compute="_compute_receivable_overdue",
        search="_search_receivable_overdue",
        groups=CASH_GROUPS,
        help="Unpaid receivables of the client past their due date, in the company's currency.",
    )

    # An OR is as fast as its slowest branch: the search of the registry takes name and address, the box of a many2one
    # all of _rec_names_search. The B-trees that these columns have already serve sorting and "=".
    _name_trigram = models.Index(_trigram("name"))
    _complete_name_trigram = models.Index(_trigram("complete_name"))
    _email_trigram = models.Index(_trigram("email"))
    _ref_trigram = models.Index(_trigram("ref"))
    _vat_trigram = models.Index(_trigram("vat"))
    _company_registry_trigram = models.Index(_trigram("company_registry"))

    # -------------------------------------------------------------------------
    # COMPUTES
    # -------------------------------------------------------------------------

    @api.depends("zip", "state_id.name", "city", "street", "street2")
    def _compute_actual_address(self):
        for partner in self:
            parts = (partner.zip, partner.state_id.name, partner.city, partner.street, partner.street2)
            partner.actual_address = ", ".join(part.strip() for part in parts if part and part.strip()) or False

    @api.depends("is_company", "vat", "country_id")
    @api.depends_context("company")
    def _compute_is_entrepreneur(self):
        for partner in self:
            partner.is_entrepreneur = partner.is_company and len(partner.vat or "") == 12 and partner._is_russian()

    @api.depends("vat", "kpp", "parent_id", "country_id")
    @api.depends_context("company")
    def _compute_duplicate_partner_id(self):
        """The first other contact with the same INN, unless the KPP tells them apart as branches."""
        same_vat = self.with_context(active_test=False).search(
            # One character, such as «/», says that there is no number.
            [("vat", "in", [vat for vat in self.mapped("vat") if vat and len(vat) > 1]), ("parent_id", "=", False)],
            order="id",
        )
        by_vat = same_vat.grouped("vat")
        for partner in self:
            checked = not partner.parent_id and partner._is_russian()
            others = checked and by_vat.get(partner.vat, self.browse()) - partner._origin
            partner.duplicate_partner_id = (
                others
                and others.filtered(lambda other, kpp=partner.kpp: not kpp or not other.kpp or other.kpp == kpp)[:1]
            )

    @api.depends("bank_ids.is_treasury")
    def _compute_requisites_warning(self):
        for partner in self:
            treasury = partner.bank_ids.filtered("is_treasury")
            partner.requisites_warning = bool(treasury) and self.env._(
                "Treasury accounts have no key to check: compare %(accounts)s with the client's letter.",
                accounts=", ".join(treasury.mapped("acc_number")),
            )

    @api.depends("contract_ids.state")
    def _compute_contract_count(self):
        counts = dict(
            self.env["crm.contract"]._read_group(
                [("partner_id", "in", self.ids), ("state", "in", RUNNING_STATES)], ["partner_id"], ["__count"]
            )
        )
        self.contract_count = 0
        for partner in self.filtered(lambda partner: partner._origin in counts):
            partner.contract_count = counts[partner._origin]

    @api.depends("contract_ids.line_ids", "contract_ids.state")
    @api.depends_context("company")
    def _compute_contract_line_ids(self):
        today = self.env.company._crm_today()
        # By the contracts themselves: the card shows them as well, so it reads all of them once.
        for partner in self:
            active = partner.contract_ids.filtered(lambda contract: contract.state == "active")
            partner.contract_line_ids = active.line_ids._in_force(today, today)

    @api.depends("commercial_partner_id")
    @api.depends_context("company")
    def _compute_client_moves(self):
        figures = {
            client: (count, total)
            for client, count, total in self.env["account.move"]._read_group(
                [
                    ("company_id", "=", self.env.company.id),
                    ("commercial_partner_id", "in", self.commercial_partner_id.ids),
                    ("move_type", "in", ("out_invoice", "out_refund")),
                    ("state", "=", "posted"),
                ],
                ["commercial_partner_id"],
                ["__count", "amount_total_signed:sum"],
            )
        }
        for partner in self:
            partner.client_move_count, partner.client_invoiced = figures.get(partner.commercial_partner_id, (0, 0.0))

    @api.depends("commercial_partner_id")
    @api.depends_context("company")
    def _compute_client_payments(self):
        figures = {
            client: (count, total)
            for client, count, total in self.env["account.payment"]._read_group(
                [
                    ("company_id", "=", self.env.company.id),
                    ("partner_id.commercial_partner_id", "in", self.commercial_partner_id.ids),
                    ("partner_type", "=", "customer"),
                    ("state", "in", ("in_process", "paid")),
                ],
                ["partner_id.commercial_partner_id"],
                ["__count", "amount_company_currency_signed:sum"],
            )
        }
        for partner in self:
            partner.client_payment_count, partner.client_paid = figures.get(partner.commercial_partner_id, (0, 0.0))

    @api.depends("commercial_partner_id")
    @api.depends_context("company")
    def _compute_receivable_total(self):
        amounts = self._get_receivable(self._get_receivable_domain())
        self.receivable_total = 0.0
        for partner in self.filtered(lambda partner: partner.commercial_partner_id in amounts):
            partner.receivable_total = amounts[partner.commercial_partner_id]

    @api.depends("commercial_partner_id")
    @api.depends_context("company")
    def _compute_receivable_overdue(self):
        amounts = self._get_receivable(self._get_receivable_domain(overdue=True))
        self.receivable_overdue = 0.0
        for partner in self.filtered(lambda partner: partner.commercial_partner_id in amounts):
            partner.receivable_overdue = amounts[partner.commercial_partner_id]

    def _get_receivable_domain(self, overdue=False):
        """Unpaid receivable items of the company, all of them or those past their day."""
        domain = Domain("company_id", "=", self.env.company.id)
        domain &= Domain("account_type", "=", "asset_receivable")
        domain &= Domain("parent_state", "=", "posted") & Domain("reconciled", "=", False)
        if overdue:
            domain &= self._get_overdue_domain(self.env.company._crm_today())
        return domain

    @api.model
    def _get_overdue_domain(self, today):
        """Journal items past their day on that one. Advances are not overdue, however old."""
        undated = Domain("date_maturity", "=", False) & Domain("date", "<", today)
        return Domain("amount_residual", ">", 0) & (Domain("date_maturity", "<", today) | undated)

    def _get_receivable(self, domain):
        """The sum of journal items by client, in one query: theirs and those of their contacts."""
        # sudo: cashiers see what a client owes, but not the journal items behind it.
        items = self.env["account.move.line"].sudo()
        domain &= Domain("partner_id.commercial_partner_id", "in", self.commercial_partner_id.ids)
        return {
            client.with_env(self.env): amount
            for client, amount in items._read_group(
                domain, ["partner_id.commercial_partner_id"], ["amount_residual:sum"]
            )
        }

    # -------------------------------------------------------------------------
    # SEARCHES
    # -------------------------------------------------------------------------

    def _search_receivable_total(self, operator, value):
        return self._search_receivable("receivable_total", self._get_receivable_domain(), operator, value)

    def _search_receivable_overdue(self, operator, value):
        return self._search_receivable("receivable_overdue", self._get_receivable_domain(overdue=True), operator, value)

    def _search_receivable(self, name, domain, operator, value):
        """Clients by their sum of journal items; whoever has none counts as 0."""
        # Odoo checks the right to a field that it reads, but not to one that it searches by a method.
        self._check_field_access(self._fields[name], "read")
        if operator == "in":
            value = tuple(value)
            zero_matches, inverse = not all(value), "not in"
        elif operator in COMPARISONS:
            zero_matches, inverse = COMPARISONS[operator](0, value), INVERSE[operator]
        else:
            return NotImplemented
        # sudo: as in _get_receivable.
        groups = (
            self.env["account.move.line"]
            .sudo()
            ._read_group(
                domain & Domain("partner_id", "!=", False),
                ["partner_id.commercial_partner_id"],
                having=[("amount_residual:sum", inverse if zero_matches else operator, value)],
            )
        )
        ids = [client.id for (client,) in groups]
        return Domain("commercial_partner_id", "not in" if zero_matches else "in", ids)

    # -------------------------------------------------------------------------
    # CHECKS
    # -------------------------------------------------------------------------

    # One check a number: what an old database holds in one of them must not stop a change of another.

    @api.constrains("vat", "country_id")
    def _check_vat_without_country(self):
        # base_vat looks at contacts with a country only.
        for partner in self._filter_russian():
            if not partner.country_id and (partner.vat or "").isdigit() and requisites.inn_error(partner.vat):
                raise ValidationError(self._build_vat_error_message("RU", partner.vat, partner.name or ""))

    @api.constrains("company_registry", "country_id")
    def _check_company_registry(self):
        for partner in self._filter_russian().filtered("company_registry"):
            number = partner.company_registry
            values = {"client": partner.name or "", "number": number}
            error = requisites.ogrn_error(number)
            # The ИНН tells a company from a sole proprietor.
            if partner.is_company and partner.vat and (len(number) == 15) != partner.is_entrepreneur:
                error = requisites.FORMAT
            if error == requisites.FORMAT:
                raise ValidationError(
                    self.env._(
                        "%(client)s: OGRN %(number)s must have 13 digits, or 15 for a sole proprietor.", **values
                    )
                )
            if error:
                raise ValidationError(
                    self.env._(
                        "%(client)s: the last digit of OGRN %(number)s does not fit the others. Look for a typo.",
                        **values,
                    )
                )

    @api.constrains("kpp", "is_company", "country_id")
    def _check_kpp(self):
        for partner in self._filter_russian().filtered("kpp"):
            values = {"client": partner.name or "", "number": partner.kpp}
            if not partner.is_company or partner.is_entrepreneur:
                raise ValidationError(
                    self.env._(
                        "%(client)s: only companies have a KPP, persons and sole proprietors don't. Remove %(number)s.",
                        **values,
                    )
                )
            if requisites.kpp_error(partner.kpp):
                raise ValidationError(
                    self.env._(
                        "%(client)s: KPP %(number)s must be 4 digits, 2 digits or Latin capital letters, and 3 digits.",
                        **values,
                    )
                )

    @api.constrains("okpo", "country_id")
    def _check_okpo(self):
        for partner in self._filter_russian().filtered("okpo"):
            if requisites.okpo_error(partner.okpo):
                raise ValidationError(
                    self.env._(
                        "%(client)s: OKPO %(number)s must have 8 digits, or 10 for a sole proprietor.",
                        client=partner.name or "",
                        number=partner.okpo,
                    )
                )

    def _filter_russian(self):
        """Contacts of Russia that answer for their numbers: the people of a company carry copies of the company's."""
        return self.filtered(lambda partner: partner.commercial_partner_id == partner and partner._is_russian())

    def _is_russian(self):
        """Whether Russian rules hold: by the country, without one by that of the company."""
        self.ensure_one()
        return (self.country_id or self.env.company.country_id).code == "RU"

    @api.model
    def check_vat_ru(self, vat):
        """Tell whether an ИНН is right; called by ``base_vat``, whose own check rejects every sixth 12-digit one."""
        return not requisites.inn_error(vat)

    @api.model
    def format_vat_ru(self, vat):
        """The ИНН as it is stored, without spaces; called by ``base_vat``."""
        return requisites.compact(vat)

    @api.model
    def _build_vat_error_message(self, country_code, wrong_vat, record_label):
        # EXTENDS 'base_vat'
        if country_code.upper() != "RU":
            return super()._build_vat_error_message(country_code, wrong_vat, record_label)
        if requisites.inn_error(wrong_vat) == requisites.CHECK:
            return self.env._(
                "INN %(number)s of %(record)s: the check digits at the end do not fit the others. Look for a typo.",
                number=wrong_vat,
                record=record_label,
            )
        return self.env._(
            "INN %(number)s of %(record)s: must have 10 digits for a company or 12 for a person.",
            number=wrong_vat,
            record=record_label,
        )

    @api.constrains("active")
    def _check_contracts_before_archiving(self):
        self.filtered(lambda partner: not partner.active)._check_no_contract(
            Domain("state", "in", RUNNING_STATES),
            self.env._("%(client)s has contracts in force and can't be archived. Finish or cancel them first:"),
        )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_contracts(self):
        self._check_no_contract(
            Domain.TRUE, self.env._("%(client)s has contracts and can't be deleted. Archive the client instead:")
        )

    def _check_no_contract(self, domain, message):
        # sudo: contracts of another company or of other people hold the client as well; their numbers stay unsaid.
        contracts = self.env["crm.contract"].sudo().search(domain & Domain("partner_id", "in", self.ids))
        for client, held in contracts.grouped("partner_id").items():
            seen = held.sudo(False)._filtered_access("read")
            names = seen.mapped("display_name")
            if len(seen) < len(held):
                names.append(self.env._("contracts that you don't see: %s", len(held) - len(seen)))
            raise UserError("\n".join([message % {"client": client.display_name}, *names]))

    def _become_customers(self):
        """Let Odoo count clients with a contract among its customers, as their first invoice would.

        Of several first invoices that are made at once all would write the client, and wait for each other.
        """
        # sudo: whoever may put a contract into force makes its client a customer, right on contacts or not.
        clients = (self | self.commercial_partner_id).sudo()
        clients.filtered(lambda client: not client.customer_rank).customer_rank = 1

    def _touch(self):
        """Write the rows anew, unchanged, so that whoever archives a client at this moment fails and tries again.

        The archive can't see contracts that are being put into force; the database sees that both write the client.
        """
        self.flush_recordset(["active"])
        if self:
            self.env.cr.execute("UPDATE res_partner SET active = active WHERE id IN %s", [self._ids])

    # -------------------------------------------------------------------------
    # CRUD
    # -------------------------------------------------------------------------

    @api.model
    def default_get(self, fields):
        # A new client of the registry lives in the company's country, unless somebody says otherwise: its rules for
        # requisites and addresses hold.
        values = super().default_get(fields)
        if self.env.context.get("default_is_client") and "country_id" in fields:
            values.setdefault("country_id", self.env.company.country_id.id)
        return values

    @api.model_create_multi
    def create(self, vals_list):
        # People of a client are made with the context of the registry, which means the client by its defaults.
        person = {"is_client": False, "is_company": False} if self.env.context.get("default_is_client") else {}
        vals_list = [{**person, **vals} if vals.get("parent_id") else vals for vals in vals_list]
        return super().create([self._compact_vals(vals) for vals in vals_list])

    def write(self, vals):
        return super().write(self._compact_vals(vals))

    @api.model
    def _compact_vals(self, vals):
        numbers = {
            name: requisites.compact(str(vals[name])) for name in (*COMPACT_FIELDS, *COMPACT_NUMBERS) if vals.get(name)
        }
        numbers = {name: number for name, number in numbers.items() if name not in COMPACT_NUMBERS or number.isdigit()}
        return {**vals, **numbers} if numbers else vals

    @api.model
    def get_import_templates(self):
        # EXTENDS 'base'
        if not self.env.context.get("default_is_client"):
            return super().get_import_templates()
        language = "_ru" if (self.env.lang or "").startswith("ru") else ""
        return [
            {
                "label": self.env._("Import Template for Clients"),
                "template": f"/custom_crm/static/xls/clients_import_template{language}.xlsx",
            }
        ]

    def _display_address(self, without_company=False):
        # EXTENDS 'base': the Russian format has commas, also where a field before or after them is empty.
        address = super()._display_address(without_company=without_company)
        if self.country_id.code != "RU":
            return address
        lines = (re.sub(r"(,\s*)+", ", ", line).strip(" ,") for line in address.splitlines())
        return "\n".join(line for line in lines if line)

    def _auto_init(self):
        # On a database in use: fill the columns at once and before they are indexed, or every contact would be
        # computed, one by one.
        if not column_exists(self.env.cr, "res_partner", "actual_address"):
            create_column(self.env.cr, "res_partner", "actual_address", "varchar")
            create_column(self.env.cr, "res_partner", "is_client", "boolean")
            self._fill_registry()
        return super()._auto_init()

    def _fill_registry(self):
        """Write by SQL ``actual_address`` of all contacts, as the ORM would compute it, and who was invoiced.

        In one statement, as each would write a new version of most rows.
        """
        self.env.cr.execute(
            """UPDATE res_partner SET actual_address = known.line, is_client = known.invoiced
                 FROM (SELECT partner.id, invoiced.id IS NOT NULL AS invoiced, NULLIF(concat_ws(', ',
                              NULLIF(btrim(partner.zip, %(space)s), ''), NULLIF(btrim(state.name, %(space)s), ''),
                              NULLIF(btrim(partner.city, %(space)s), ''), NULLIF(btrim(partner.street, %(space)s), ''),
                              NULLIF(btrim(partner.street2, %(space)s), '')), '') AS line
                         FROM res_partner partner
                    LEFT JOIN res_country_state state ON state.id = partner.state_id
                    LEFT JOIN (SELECT DISTINCT commercial_partner_id AS id FROM account_move
                                WHERE move_type IN ('out_invoice', 'out_refund') AND state <> 'cancel') invoiced
                           ON invoiced.id = partner.id) known
                WHERE known.id = res_partner.id AND (known.line IS NOT NULL OR known.invoiced)""",
            {"space": WHITE_SPACE},
        )

    # -------------------------------------------------------------------------
    # ACTIONS
    # -------------------------------------------------------------------------

    def action_copy_address(self):
        """Copy one address of the client to another, named by ``address_from`` and ``address_to`` in the context."""
        self.ensure_one()
        source, target = self.env.context.get("address_from"), self.env.context.get("address_to")
        if source not in ("actual_address", "legal_address") or target not in ("legal_address", "mailing_address"):
            raise UserError(self.env._("Choose which address to copy."))
        if not self[source]:
            raise UserError(self.env._("%s: there is no address to copy yet.", self.display_name))
        self[target] = self[source]

    def action_view_contracts(self):
        """Contracts of the client; a new one is the client's."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("custom_crm.action_contracts")
        action["domain"] = [("partner_id", "child_of", self.commercial_partner_id.id)]
        action["context"] = {"default_partner_id": self.id}
        return action

    def action_view_client_moves(self):
        """Invoices of the client; a new one is the client's."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("custom_crm.action_invoices")
        action["domain"] = [
            ("company_id", "=", self.env.company.id),
            ("commercial_partner_id", "=", self.commercial_partner_id.id),
            ("move_type", "in", ("out_invoice", "out_refund")),
        ]
        action["context"] = {"default_move_type": "out_invoice", "default_partner_id": self.id}
        return action

    def action_view_client_debt(self):
        """Invoices of the client that are not paid in full."""
        action = self.action_view_client_moves()
        action["domain"] += [("state", "=", "posted"), ("payment_state", "in", ("not_paid", "partial"))]
        return action

    def action_view_client_payments(self):
        """Payments of the client in cash and by bank, received and returned."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("account.action_account_payments")
        action["domain"] = [
            ("company_id", "=", self.env.company.id),
            ("partner_id", "child_of", self.commercial_partner_id.id),
            ("partner_type", "=", "customer"),
        ]
        action["context"] = {
            "default_payment_type": "inbound",
            "default_partner_type": "customer",
            "default_partner_id": self.id,
        }
        return action

    def action_new_contract(self):
        """The form of a new contract with the client filled in."""
        return self._get_new_action("crm.contract", self.env._("New Contract"))

    def action_new_invoice(self):
        """The form of a new customer invoice with the client filled in, and the contract if only one is in force."""
        contract = self.contract_ids.filtered(
            lambda contract: contract.state in RUNNING_STATES and contract.company_id == self.env.company
        )
        if len(contract) == 1:
            return contract.action_new_invoice()
        return self._get_new_action("account.move", self.env._("New Invoice"), default_move_type="out_invoice")

    def _get_new_action(self, model, name, **context):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": model,
            "view_mode": "form",
            "context": {"default_partner_id": self.id, **context},
        }
