from odoo import api, fields, models
from odoo.fields import Domain


class CrmContract(models.Model):
    """What of a contract's debt is late and what is paid in advance, in the contract's currency.

    ``amount_due`` less ``amount_advance`` is what ``crm.receivable.report`` says of the contract.
    """

    # Apart from the terms of a contract, which are another matter.
    _inherit = "crm.contract"  # pylint: disable=consider-merging-classes-inherited

    # -------------------------------------------------------------------------
    # FIELDS
    # -------------------------------------------------------------------------

    amount_overdue = fields.Monetary(
        string="Overdue",
        compute="_compute_receivable",
        compute_sudo=True,
        help="The part of the debt past its due date.",
    )
    amount_advance = fields.Monetary(
        string="Advance",
        compute="_compute_receivable",
        compute_sudo=True,
        help="The part of payments for the contract that no invoice has taken yet.",
    )

    # -------------------------------------------------------------------------
    # COMPUTES
    # -------------------------------------------------------------------------

    @api.depends("company_id", "move_ids.state", "move_ids.amount_residual")
    def _compute_receivable(self):
        overdue = {}
        for company, contracts in self.grouped("company_id").items():
            domain = self.env["res.partner"]._get_overdue_domain(company._crm_today())
            overdue |= contracts._sum_open_items("move_id.contract_id", domain)
        advances = self._sum_open_items("move_id.origin_payment_id.contract_id")
        for contract in self:
            contract.amount_overdue = overdue.get(contract._origin, 0.0)
            # Below zero where more was given back than was paid in advance.
            contract.amount_advance = -advances.get(contract._origin, 0.0)

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _sum_open_items(self, path, domain=Domain.TRUE):
        """What is open in the receivable items that lead to each contract by a path of fields, in one query.

        :return: dict of amounts by contract
        """
        domain &= Domain("account_type", "=", "asset_receivable") & Domain(path, "in", self.ids)
        domain &= Domain("parent_state", "=", "posted") & Domain("reconciled", "=", False)
        amounts = dict.fromkeys(self._origin, 0.0)
        for contract, currency, item_amount, company_amount in self.env["account.move.line"]._read_group(
            domain, [path, "currency_id"], ["amount_residual_currency:sum", "amount_residual:sum"]
        ):
            if currency == contract.currency_id:
                amounts[contract] += item_amount
            else:
                # Paid in another currency than the contract's.
                amounts[contract] += contract._convert_from_company(company_amount)
        return amounts

    def _convert_from_company(self, amount):
        """An amount of the company's currency in the contract's, at the rate of today."""
        company = self.company_id
        return company.currency_id._convert(amount, self.currency_id, company, company._crm_today())
