from odoo import api, fields, models


class CrmContractStop(models.AbstractModel):
    """What ends the service of a contract, for a while or for good: shows what is billed beyond and gives it back.

    A model that inherits it computes ``date_stop``.
    """

    _name = "crm.contract.stop"
    _description = "End of Service"

    contract_id = fields.Many2one("crm.contract", required=True, ondelete="cascade")
    currency_id = fields.Many2one(related="contract_id.currency_id")
    date_stop = fields.Date(compute="_compute_date_stop", help="First day without service.")
    billed_until = fields.Date(compute="_compute_credit", help="Set if days without service are billed already.")
    amount_credited = fields.Monetary(compute="_compute_credit", help="Of the days without service, taxes included.")
    is_credited = fields.Boolean(
        string="Credit Note",
        compute="_compute_is_credited",
        store=True,
        readonly=False,
        precompute=True,
        help="Give back, by days, what is billed beyond the service.",
    )

    def _compute_date_stop(self):
        self.date_stop = False

    @api.depends("contract_id", "date_stop")
    def _compute_credit(self):
        for wizard in self:
            contract, day = wizard.contract_id, wizard.date_stop
            wizard.billed_until = day and contract._get_billed_until(day)
            wizard.amount_credited = contract._get_credit_amount(day) if wizard.billed_until else 0.0

    @api.depends("billed_until")
    def _compute_is_credited(self):
        for wizard in self:
            wizard.is_credited = bool(wizard.billed_until)

    def _credit(self):
        """Credit notes for the days without service, if they are wanted."""
        self.ensure_one()
        return self.contract_id._credit_from(self.date_stop) if self.is_credited else self.env["account.move"]
