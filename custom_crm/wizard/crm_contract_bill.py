from odoo import api, fields, models
from odoo.exceptions import UserError


class CrmContractBill(models.TransientModel):
    """Shows what is billed before the oldest unbilled period of a contract is."""

    _name = "crm.contract.bill"
    _description = "Bill the Oldest Period"

    contract_id = fields.Many2one("crm.contract", required=True, ondelete="cascade")
    currency_id = fields.Many2one(related="contract_id.currency_id")
    date_start = fields.Date(
        compute="_compute_date_start", store=True, precompute=True, help="First day of the period that is shown."
    )
    period_title = fields.Char(string="Period", compute="_compute_period")
    amount = fields.Monetary(compute="_compute_period", help="Taxes included.")
    is_early = fields.Boolean(compute="_compute_period", help="The period is not due yet.")
    is_posted = fields.Boolean(related="contract_id.company_id.crm_billing_post")

    @api.depends("contract_id")
    def _compute_date_start(self):
        for wizard in self:
            wizard.date_start = wizard.contract_id._preview_next().date_start

    @api.depends("contract_id")
    def _compute_period(self):
        for wizard in self:
            period = wizard.contract_id._preview_next()
            wizard.period_title = period._get_title(self.env.lang) if period else False
            wizard.amount = period.amount_total
            contract = wizard.contract_id
            wizard.is_early = bool(period) and not contract._is_due(period, contract.company_id._crm_today())

    def action_bill(self):
        """Make the invoice and show it.

        :raises UserError: nothing is left to bill, or the period that was shown is billed meanwhile
        """
        self.ensure_one()
        if self.contract_id._preview_next().date_start != self.date_start:
            raise UserError(
                self.env._(
                    "%(contract)s: this period is billed meanwhile. Close the window and look again.",
                    contract=self.contract_id.display_name,
                )
            )
        return self.contract_id.action_invoice()
