from odoo import fields, models
from odoo.exceptions import UserError


class CrmContractMember(models.Model):
    """Member of a contract's working group: who works on it, and as what."""

    _name = "crm.contract.member"
    _description = "Member of a Working Group"
    _rec_name = "user_id"
    _check_company_auto = True

    contract_id = fields.Many2one("crm.contract", required=True, ondelete="cascade", index=True)
    company_id = fields.Many2one(related="contract_id.company_id", store=True, precompute=True, index=True)
    user_id = fields.Many2one(
        "res.users",
        string="Employee",
        required=True,
        ondelete="restrict",
        index=True,
        check_company=True,
        domain="[('share', '=', False)]",
    )
    role_id = fields.Many2one("crm.contract.role", required=True, ondelete="restrict")

    _member_unique = models.Constraint(
        "UNIQUE(contract_id, user_id, role_id)",
        "This employee already has this role in the working group of the contract.",
    )

    # -------------------------------------------------------------------------
    # CRUD
    # -------------------------------------------------------------------------

    def write(self, vals):
        if any(member.contract_id.id != vals["contract_id"] for member in self if "contract_id" in vals):
            raise UserError(self.env._("What belongs to a contract can't be moved to another one. Add it there anew."))
        return super().write(vals)
