from collections import defaultdict

from odoo import api, fields, models
from odoo.modules.db import FunctionStatus
from odoo.tools.sql import column_exists, create_column


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

    is_client = fields.Boolean(string="Client", index=True, tracking=True, help="Shown in the client registry.")
    actual_address = fields.Char(
        compute="_compute_actual_address", store=True, index="trigram", help="The address in one line."
    )
    legal_address = fields.Char(tracking=True, help="As in the register of legal entities.")
    mailing_address = fields.Char(help="For letters, if it is another than the actual one.")
    kpp = fields.Char(string="KPP", tracking=True, help="9 characters, companies only.")
    okpo = fields.Char(string="OKPO")
    director_name = fields.Char(string="Director")
    director_position = fields.Char(string="Director's Position")
    director_basis = fields.Char(string="Acts on the Basis of", help="As in «acting on the basis of …».")
    identity_document = fields.Char(help="Name, number, date and place of issue.")

    contract_ids = fields.One2many("crm.contract", "partner_id", string="Contracts")
    contract_count = fields.Integer(
        string="Contracts in Force", compute="_compute_contract_count", help="Active and suspended contracts."
    )
    contract_line_ids = fields.Many2many(
        "crm.contract.line", string="Services in Force", compute="_compute_contract_line_ids"
    )
    client_move_ids = fields.One2many(
        "account.move",
        "partner_id",
        string="Invoices to the Client",
        domain=[("move_type", "in", ("out_invoice", "out_refund"))],
        groups="account.group_account_invoice,account.group_account_readonly",
    )
    receivable_overdue = fields.Monetary(
        string="Overdue",
        compute="_compute_receivable_overdue",
        groups="account.group_account_invoice,account.group_account_readonly,custom_crm.group_cashier",
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

    @api.depends("contract_ids.state")
    def _compute_contract_count(self):
        counts = dict(
            self.env["crm.contract"]._read_group(
                [("partner_id", "in", self.ids), ("state", "in", ("active", "suspended"))], ["partner_id"], ["__count"]
            )
        )
        for partner in self:
            partner.contract_count = counts.get(partner._origin, 0)

    @api.depends("contract_ids.line_ids", "contract_ids.state")
    def _compute_contract_line_ids(self):
        today = self.env.company._crm_today()
        lines = self.env["crm.contract.line"].search(
            [("contract_id.partner_id", "in", self.ids), ("contract_id.state", "=", "active")]
        )
        by_partner = lines._in_force(today, today).grouped("partner_id")
        for partner in self:
            partner.contract_line_ids = by_partner.get(partner._origin, False)

    @api.depends_context("company")
    def _compute_receivable_overdue(self):
        """One query for all: unpaid receivable items past their day, of the clients and of their contacts."""
        today = self.env.company._crm_today()
        overdue = defaultdict(float)
        # sudo: cashiers see what a client owes, but not the journal items behind it.
        for partner, residual in (
            self.env["account.move.line"]
            .sudo()
            ._read_group(
                [
                    ("company_id", "=", self.env.company.id),
                    ("partner_id.commercial_partner_id", "in", self.commercial_partner_id.ids),
                    ("account_type", "=", "asset_receivable"),
                    ("parent_state", "=", "posted"),
                    ("reconciled", "=", False),
                    ("date_maturity", "<", today),
                ],
                ["partner_id.commercial_partner_id"],
                ["amount_residual:sum"],
            )
        ):
            overdue[partner.id] += residual
        for partner in self:
            partner.receivable_overdue = overdue[partner.commercial_partner_id.id]

    # -------------------------------------------------------------------------
    # CRUD
    # -------------------------------------------------------------------------

    def _auto_init(self):
        # On a database in use: fill the columns at once and before they are indexed, or every contact would be
        # computed, one by one.
        if not column_exists(self.env.cr, "res_partner", "actual_address"):
            create_column(self.env.cr, "res_partner", "actual_address", "varchar")
            create_column(self.env.cr, "res_partner", "is_client", "boolean")
            self._fill_actual_address()
            self._fill_is_client()
        return super()._auto_init()

    def _fill_actual_address(self):
        """Write ``actual_address`` of all contacts by SQL, as ``_compute_actual_address`` would."""
        self.env.cr.execute(
            """UPDATE res_partner SET actual_address = address.line
                 FROM (SELECT partner.id, NULLIF(concat_ws(', ',
                              NULLIF(trim(partner.zip), ''), NULLIF(trim(state.name), ''),
                              NULLIF(trim(partner.city), ''), NULLIF(trim(partner.street), ''),
                              NULLIF(trim(partner.street2), '')), '') AS line
                         FROM res_partner partner
                    LEFT JOIN res_country_state state ON state.id = partner.state_id) address
                WHERE address.id = res_partner.id AND address.line IS NOT NULL"""
        )

    def _fill_is_client(self):
        """Take everybody into the registry who has been invoiced before, by SQL."""
        self.env.cr.execute(
            """UPDATE res_partner SET is_client = true
                WHERE id IN (SELECT commercial_partner_id FROM account_move
                              WHERE move_type IN ('out_invoice', 'out_refund') AND state <> 'cancel')"""
        )

    # -------------------------------------------------------------------------
    # ACTIONS
    # -------------------------------------------------------------------------

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
            ("commercial_partner_id", "=", self.commercial_partner_id.id),
            ("move_type", "in", ("out_invoice", "out_refund")),
        ]
        action["context"] = {"default_move_type": "out_invoice", "default_partner_id": self.id}
        return action
