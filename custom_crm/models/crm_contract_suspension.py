from odoo import fields, models


class CrmContractSuspension(models.Model):
    """Days on which a contract gives no service and is not billed: from the first to the last one, inclusive.

    Written by ``action_suspend`` and ``action_resume`` of the contract only. The last day is empty while the suspension
    lasts. A contract has at most one such suspension, and its suspensions share no day.
    """

    _name = "crm.contract.suspension"
    _description = "Suspension of a Contract"
    _order = "date_from desc, id desc"
    _check_company_auto = True

    contract_id = fields.Many2one("crm.contract", required=True, readonly=True, ondelete="cascade", index=True)
    company_id = fields.Many2one(related="contract_id.company_id", store=True, precompute=True, index=True)
    date_from = fields.Date(string="First Day without Service", required=True, readonly=True)
    date_to = fields.Date(string="Last Day without Service", readonly=True)
    reason = fields.Char(readonly=True)

    _dates_in_order = models.Constraint(
        "CHECK(date_to IS NULL OR date_to >= date_from)", "A suspension can't end before it begins."
    )
    # A range of one number instead of "=": that would need the extension btree_gist.
    _no_overlap = models.Constraint(
        "EXCLUDE USING gist (int4range(contract_id, contract_id, '[]') WITH &&, "
        "daterange(date_from, date_to, '[]') WITH &&)",
        "The contract is suspended on these days already.",
    )

    def _get_spans(self):
        """(first day, last day or None) of each, as ``tools.periods`` takes them."""
        return [(suspension.date_from, suspension.date_to or None) for suspension in self]
