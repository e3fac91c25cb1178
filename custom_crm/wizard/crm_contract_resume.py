from odoo import api, fields, models


class CrmContractResume(models.TransientModel):
    """Asks from which day on a suspended contract gives its service again."""

    _name = "crm.contract.resume"
    _description = "Resume a Contract"

    contract_id = fields.Many2one("crm.contract", required=True, ondelete="cascade")
    suspended_from = fields.Date(related="contract_id.suspended_from", string="Suspended From")
    date = fields.Date(
        string="First Day with Service",
        required=True,
        compute="_compute_date",
        store=True,
        readonly=False,
        precompute=True,
        help="Nothing is billed for the days without service.",
    )

    @api.depends("contract_id")
    def _compute_date(self):
        for wizard in self:
            wizard.date = wizard.contract_id.company_id and wizard.contract_id.company_id._crm_today()

    def action_resume(self):
        """Resume the contract."""
        self.ensure_one()
        self.contract_id.action_resume(self.date)
        return {"type": "ir.actions.act_window_close"}
