from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tools import float_round, format_date

from ..models.crm_contract import CLOSED_STATES


class CrmContractPriceRevision(models.TransientModel):
    """Gives the services of one or many contracts new prices from a day on, after a look at all of them."""

    _name = "crm.contract.price.revision"
    _description = "Price Revision"

    contract_ids = fields.Many2many(
        "crm.contract", string="Contracts", required=True, default=lambda self: self._get_contracts()
    )
    date_from = fields.Date(
        string="New Prices From",
        required=True,
        default=lambda self: fields.Date.add(self.env.company._crm_today(), months=1, day=1),
        help="First day of the new prices. What is billed already stays as it is.",
    )
    method = fields.Selection(
        [("percent", "Percent"), ("price", "New Price")], string="Change By", required=True, default="percent"
    )
    percent = fields.Float(string="Change, %", digits=(6, 2), help="10 makes prices a tenth higher, -10 lower.")
    price = fields.Float(string="New Price", digits="Product Price", help="In the currency of each contract.")
    rounding = fields.Float(
        string="Round To", digits=(12, 2), default=0.01, help="1 for whole units of the currency, 10 for tens of them."
    )
    product_ids = fields.Many2many(
        "product.product",
        string="Services",
        domain="[('id', 'in', available_product_ids)]",
        help="Empty: all services.",
    )
    available_product_ids = fields.Many2many("product.product", compute="_compute_available_product_ids")
    line_ids = fields.One2many(
        "crm.contract.price.revision.line",
        "revision_id",
        string="Preview",
        compute="_compute_line_ids",
        store=True,
        readonly=False,
    )
    closed_count = fields.Integer(compute="_compute_closed_count")

    # -------------------------------------------------------------------------
    # DEFAULTS AND COMPUTES
    # -------------------------------------------------------------------------

    @api.model
    def _get_contracts(self):
        if self.env.context.get("active_model") != "crm.contract":
            return False
        return self.env["crm.contract"].browse(self.env.context.get("active_ids", []))

    @api.depends("contract_ids")
    def _compute_available_product_ids(self):
        for revision in self:
            revision.available_product_ids = revision.contract_ids.line_ids.product_id

    @api.depends("contract_ids")
    def _compute_closed_count(self):
        for revision in self:
            revision.closed_count = len(revision.contract_ids._origin - revision._get_open_contracts())

    @api.depends("contract_ids", "date_from", "product_ids", "method", "percent", "price", "rounding")
    def _compute_line_ids(self):
        for revision in self:
            lines = revision._get_lines() if revision.date_from else self.env["crm.contract.line"]
            revision.line_ids = [
                Command.clear(),
                *(
                    Command.create({"contract_line_id": line.id, "new_price": revision._get_new_price(line)})
                    for line in lines
                ),
            ]

    # -------------------------------------------------------------------------
    # CHECKS
    # -------------------------------------------------------------------------

    @api.constrains("rounding")
    def _check_rounding(self):
        if any(revision.rounding <= 0 for revision in self):
            raise ValidationError(self.env._("Prices are rounded to something above zero."))

    # -------------------------------------------------------------------------
    # ACTIONS
    # -------------------------------------------------------------------------

    def action_apply(self):
        """Give the services their new prices and note it on the contracts.

        :raises UserError: no price changes, or the contracts are closed
        """
        self.ensure_one()
        changes = self.line_ids.filtered("difference")
        if not changes:
            raise UserError(self.env._("No price changes. Enter a percentage or new prices first."))
        lines = changes.contract_line_id
        lines._revise_prices({change.contract_line_id: change.new_price for change in changes}, self.date_from)
        for_contract = changes.grouped("contract_id")
        lines.contract_id._log_each(lambda contract: for_contract[contract]._get_note(self.date_from))
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._(
                    "New prices from %(date)s: services %(services)s, contracts %(contracts)s.",
                    date=format_date(self.env, self.date_from),
                    services=len(lines),
                    contracts=len(lines.contract_id),
                ),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _get_open_contracts(self):
        """Contracts that are not closed; of one-off ones those that begin by then and are not billed."""
        return self.contract_ids._origin.filtered(
            lambda contract: (
                contract.state not in CLOSED_STATES
                and (contract.kind == "subscription" or self._is_for_one_off(contract))
            )
        )

    def _is_for_one_off(self, contract):
        begins_later = not self.date_from or contract.date_start >= self.date_from
        return begins_later and not contract.period_ids.filtered("move_id")

    def _get_lines(self):
        """Lines of the contracts that are in force on the first day of the new prices or later."""
        lines = self._get_open_contracts().line_ids._in_force(self.date_from, fields.Date.to_date("9999-12-31"))
        chosen = self.product_ids._origin
        return lines.filtered(lambda line: line.product_id in chosen) if chosen else lines

    def _get_new_price(self, line):
        price = line.price_unit * (1 + self.percent / 100) if self.method == "percent" else self.price
        return float_round(price, precision_rounding=self.rounding or 0.01)
