from odoo import fields, models


class CrmContractRole(models.Model):
    """Role in the working group of a contract, such as lawyer or engineer."""

    _name = "crm.contract.role"
    _description = "Role in a Working Group"
    _order = "sequence, name"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
