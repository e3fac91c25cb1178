from odoo import api, models
from odoo.fields import Command

# What changes the journal items of an invoice in ways that are left to Odoo.
OTHER_WAYS = {"fiscal_position_id", "invoice_cash_rounding_id", "invoice_payment_term_id", "line_ids"}
LINE_FIELDS = {
    "discount",
    "name",
    "price_unit",
    "product_id",
    "product_uom_id",
    "quantity",
    "sequence",
    "service_date_from",
    "service_date_to",
    "tax_ids",
}


class AccountMove(models.Model):
    """All journal items of a plain invoice at once, as Odoo would make them out of its lines.

    Odoo takes items that are given complete as they are; otherwise it writes each line again, with its amount, and adds
    the others afterwards. The amounts are those of Odoo's own tax engine.
    """

    # Apart from what an invoice is.
    _inherit = "account.move"  # pylint: disable=consider-merging-classes-inherited

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    @api.model
    def _complete_items(self, vals_list):
        """Values of customer invoices of the current company, with all journal items where these are plain.

        Plain is an invoice in the company's currency that is due at once, whose lines have no more than price and
        taxes. Others keep their lines, and Odoo adds the items.
        """
        if self.env["account.analytic.distribution.model"].search_count([], limit=1):
            return vals_list
        if any(self.default_get(list(OTHER_WAYS)).values()):
            return vals_list
        return [self._prepare_complete_vals(vals) if self._is_plain(vals) else vals for vals in vals_list]

    @api.model
    def _is_plain(self, vals):
        lines = [command[2] for command in vals["invoice_line_ids"]]
        return (
            vals["currency_id"] == self.env.company.currency_id.id
            and not any(vals.get(name) for name in OTHER_WAYS)
            and all(line.keys() == LINE_FIELDS for line in lines)
            and all(command[0] == Command.SET for line in lines for command in line["tax_ids"])
            and all(self._get_taxes(line)._have_own_accounts() for line in lines)
        )

    @api.model
    def _get_taxes(self, line_vals):
        return self.env["account.tax"].browse(id_ for command in line_vals["tax_ids"] for id_ in command[2])

    @api.model
    def _prepare_complete_vals(self, vals):
        partner = self.env["res.partner"].browse(vals["partner_id"]).commercial_partner_id
        items = self._prepare_items(vals, partner)
        # The client owes the rest of the entry.
        total = -sum(item["balance"] for item in items)
        items.append(
            {
                "display_type": "payment_term",
                "date_maturity": vals["invoice_date_due"],
                "discount_date": False,
                "discount_balance": 0.0,
                "discount_amount_currency": 0.0,
                "balance": total,
                "amount_currency": total,
            }
        )
        completed = {name: value for name, value in vals.items() if name != "invoice_line_ids"}
        return {**completed, "line_ids": [Command.create({**item, "partner_id": partner.id}) for item in items]}

    @api.model
    def _prepare_items(self, vals, partner):
        """Items of the lines and of the taxes of an invoice."""
        Tax, company = self.env["account.tax"], self.env.company
        lines = [command[2] for command in vals["invoice_line_ids"]]
        base_lines = [self._prepare_base_line(line, partner) for line in lines]
        Tax._add_tax_details_in_base_lines(base_lines, company)
        Tax._round_base_lines_tax_details(base_lines, company)
        Tax._add_accounting_data_in_base_lines_tax_details(base_lines, company)
        result = Tax._prepare_tax_lines(base_lines, company)
        amounts = [amounts for _base_line, amounts in result["base_lines_to_update"]]
        items = [{**line, "display_type": "product", **own} for line, own in zip(lines, amounts, strict=True)]
        return items + [{**tax, "display_type": "tax"} for tax in result["tax_lines_to_add"]]

    @api.model
    def _prepare_base_line(self, line, partner):
        return self.env["account.tax"]._prepare_base_line_for_taxes_computation(
            None,
            product_id=self.env["product.product"].browse(line["product_id"]),
            product_uom_id=self.env["uom.uom"].browse(line["product_uom_id"]),
            tax_ids=self._get_taxes(line),
            price_unit=line["price_unit"],
            quantity=line["quantity"],
            discount=line["discount"],
            currency_id=self.env.company.currency_id,
            partner_id=partner,
            # Income is credited.
            sign=-1,
            analytic_distribution=False,
        )
