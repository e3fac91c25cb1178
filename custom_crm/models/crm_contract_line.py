from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command

from ..tools.periods import ONE_DAY


class CrmContractLine(models.Model):
    """Service or goods of a contract, with its price of one billing, in force from one day to another (inclusive)."""

    _name = "crm.contract.line"
    _description = "Contract Line"
    _inherit = ["crm.terms.mixin"]
    _order = "contract_id, sequence, id"
    _check_company_auto = True
    _terms_fields = ("date_from", "date_to", "product_id", "quantity")

    contract_id = fields.Many2one("crm.contract", required=True, ondelete="cascade", index=True)
    company_id = fields.Many2one(related="contract_id.company_id", store=True, precompute=True, index=True)
    currency_id = fields.Many2one(related="contract_id.currency_id")
    partner_id = fields.Many2one(related="contract_id.partner_id")
    next_invoice_date = fields.Date(related="contract_id.next_invoice_date")
    sequence = fields.Integer(default=10)
    product_id = fields.Many2one(
        "product.product",
        string="Service",
        required=True,
        ondelete="restrict",
        check_company=True,
        domain="[('sale_ok', '=', True)]",
    )
    name = fields.Text(
        string="Description",
        compute="_compute_name",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
    )
    quantity = fields.Float(default=1.0, required=True, digits="Product Unit")
    product_uom_id = fields.Many2one(
        "uom.uom",
        string="Unit",
        compute="_compute_product_uom_id",
        store=True,
        readonly=False,
        precompute=True,
        ondelete="restrict",
    )
    price_unit = fields.Float(
        string="Price",
        compute="_compute_price_unit",
        store=True,
        readonly=False,
        precompute=True,
        digits="Product Price",
    )
    discount = fields.Float(string="Discount, %", digits="Discount")
    tax_ids = fields.Many2many(
        "account.tax",
        string="Taxes",
        compute="_compute_tax_ids",
        store=True,
        readonly=False,
        precompute=True,
        check_company=True,
        # As on invoices: an archived tax must not vanish from the price unnoticed.
        context={"active_test": False},
        domain="[('type_tax_use', '=', 'sale'), ('active', '=', True)]",
    )
    price_subtotal = fields.Monetary(string="Untaxed Amount", compute="_compute_amounts", store=True, precompute=True)
    price_total = fields.Monetary(string="Amount", compute="_compute_amounts", store=True, precompute=True)
    price_reduce = fields.Float(
        string="Amount before Taxes",
        compute="_compute_price_reduce",
        help="Price times quantity less the discount, with those taxes that the price includes.",
    )
    date_from = fields.Date(
        string="In Force From", copy=False, help="First day; empty: from the first day of the contract."
    )
    date_to = fields.Date(string="In Force Until", copy=False, help="Last day; empty: until the contract ends.")

    _dates_in_order = models.Constraint(
        "CHECK(date_to IS NULL OR date_from IS NULL OR date_to >= date_from)",
        "A contract line can't end before it begins.",
    )
    _quantity_positive = models.Constraint("CHECK(quantity > 0)", "The quantity of a contract line must be above zero.")

    # -------------------------------------------------------------------------
    # COMPUTES
    # -------------------------------------------------------------------------

    @api.depends("product_id")
    def _compute_name(self):
        for line in self:
            if line.product_id:
                product = line.product_id.with_context(lang=line.partner_id.lang or self.env.lang)
                line.name = product.get_product_multiline_description_sale()

    @api.depends("product_id")
    def _compute_product_uom_id(self):
        for line in self:
            line.product_uom_id = line.product_id.uom_id

    @api.depends("product_id", "contract_id.currency_id")
    def _compute_price_unit(self):
        for line in self:
            if line.product_id:
                company = line.company_id or self.env.company
                line.price_unit = line.product_id.currency_id._convert(
                    line.product_id.lst_price, line.currency_id or company.currency_id, company, round=False
                )

    @api.depends("product_id", "contract_id.partner_id", "contract_id.company_id")
    def _compute_tax_ids(self):
        for line in self:
            company = line.company_id or self.env.company
            taxes = line.product_id.with_company(company).taxes_id._filter_taxes_by_company(company)
            position = self.env["account.fiscal.position"].with_company(company)._get_fiscal_position(line.partner_id)
            line.tax_ids = position.map_tax(taxes)

    @api.depends("quantity", "price_unit", "discount")
    def _compute_price_reduce(self):
        for line in self:
            line.price_reduce = line.quantity * line.price_unit * (1 - line.discount / 100)

    @api.depends("quantity", "price_unit", "discount", "tax_ids", "currency_id", "company_id")
    def _compute_amounts(self):
        """Amounts by Odoo's tax engine, as on an invoice line."""
        AccountTax = self.env["account.tax"]
        for line in self:
            company = line.company_id or self.env.company
            base_line = AccountTax._prepare_base_line_for_taxes_computation(line, partner_id=line.partner_id)
            AccountTax._add_tax_details_in_base_line(base_line, company)
            AccountTax._round_base_lines_tax_details([base_line], company)
            line.price_subtotal = base_line["tax_details"]["total_excluded_currency"]
            line.price_total = base_line["tax_details"]["total_included_currency"]

    # -------------------------------------------------------------------------
    # CHECKS
    # -------------------------------------------------------------------------

    @api.constrains("quantity", "date_from", "date_to")
    def _check_terms(self):
        # EXTENDS 'crm.terms.mixin'
        for line in self:
            if line.quantity <= 0:
                raise ValidationError(
                    self.env._("%(service)s: the quantity must be above zero.", service=line.product_id.display_name)
                )
            if line.date_from and line.date_to and line.date_to < line.date_from:
                raise ValidationError(
                    self.env._(
                        "%(service)s: the last day in force is before the first one.",
                        service=line.product_id.display_name,
                    )
                )

    # -------------------------------------------------------------------------
    # CRUD
    # -------------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        lines.contract_id._check_changeable()
        return lines

    def write(self, vals):
        self.contract_id._check_changeable()
        if any(line.contract_id.id != vals["contract_id"] for line in self if "contract_id" in vals):
            raise UserError(self.env._("What belongs to a contract can't be moved to another one. Add it there anew."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_closed(self):
        self.contract_id._check_changeable()

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _revise_prices(self, prices, date_from):
        """Give lines new prices from a day on: each ends the day before, another one with the new price goes on.

        A line that begins on that day or later just gets the price, and so does that of a one-off contract: it has one
        billing.

        :param dict prices: new price by line, in the currency of its contract
        :param date date_from: first day of the new prices
        :return: the lines that have the new prices
        """
        later = self.filtered(
            lambda line: (
                line.contract_id.kind == "one_off" or (line.date_from or line.contract_id.date_start) >= date_from
            )
        )
        for line in later:
            line.price_unit = prices[line]
        ending = self - later
        vals_list = [
            {**vals, "date_from": date_from, "date_to": line.date_to, "price_unit": prices[line]}
            for line, vals in zip(ending, ending.copy_data(), strict=True)
        ]
        ending.date_to = date_from - ONE_DAY
        return later | self.create(vals_list)

    def _prepare_invoice_line_vals(self):
        """Values of an invoice line for one billing of the service. To be extended."""
        self.ensure_one()
        return {
            "sequence": self.sequence,
            "product_id": self.product_id.id,
            "product_uom_id": self.product_uom_id.id,
            "name": self.name,
            "quantity": self.quantity,
            "price_unit": self.price_unit,
            "discount": self.discount,
            "tax_ids": [Command.set(self.tax_ids.ids)],
        }

    def _in_force(self, date_start, date_end):
        """Lines in force on some day of the span (dates inclusive)."""
        return self.filtered(
            lambda line: (
                (not line.date_from or line.date_from <= date_end) and (not line.date_to or line.date_to >= date_start)
            )
        )
