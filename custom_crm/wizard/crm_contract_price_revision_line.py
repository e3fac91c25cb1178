from markupsafe import Markup

from odoo import api, fields, models
from odoo.tools import format_amount, format_date


class CrmContractPriceRevisionLine(models.TransientModel):
    """One line of a contract in the preview of a price revision: the price as it is and as it will be."""

    _name = "crm.contract.price.revision.line"
    _description = "Line of a Price Revision"

    revision_id = fields.Many2one("crm.contract.price.revision", required=True, ondelete="cascade", index=True)
    contract_line_id = fields.Many2one("crm.contract.line", required=True, readonly=True, ondelete="cascade")
    contract_id = fields.Many2one(related="contract_line_id.contract_id")
    partner_id = fields.Many2one(related="contract_line_id.partner_id")
    product_id = fields.Many2one(related="contract_line_id.product_id")
    currency_id = fields.Many2one(related="contract_line_id.currency_id")
    old_price = fields.Float(related="contract_line_id.price_unit", string="Old Price")
    new_price = fields.Float(digits="Product Price", required=True)
    difference = fields.Float(compute="_compute_difference", digits="Product Price")
    billed_until = fields.Date(
        compute="_compute_billed_until", help="These days are billed at the old price, and stay so."
    )

    @api.depends("old_price", "new_price")
    def _compute_difference(self):
        for line in self:
            line.difference = line.new_price - line.old_price

    @api.depends("contract_line_id", "revision_id.date_from")
    def _compute_billed_until(self):
        last_days = dict(
            self.env["crm.contract.period"]._read_group(
                [("contract_id", "in", self.contract_id.ids), ("move_id", "!=", False)],
                ["contract_id"],
                ["date_end:max"],
            )
        )
        for line in self:
            last, date_from = last_days.get(line.contract_id), line.revision_id.date_from
            line.billed_until = last if last and date_from and last >= date_from else False

    def _get_note(self, date_from):
        """What changes, for the history of the contract that the lines belong to."""
        items = Markup().join(
            Markup("<li>%s: %s → %s</li>")
            % (
                line.product_id.display_name,
                format_amount(self.env, line.old_price, line.currency_id),
                format_amount(self.env, line.new_price, line.currency_id),
            )
            for line in self
        )
        title = self.env._("New prices from %(date)s:", date=format_date(self.env, date_from))
        return Markup("<p>%s</p><ul>%s</ul>") % (title, items)
