from odoo import fields, models


class CrmContractFinishReason(models.Model):
    """Why contracts end, such as a move of the client; to choose from and to count."""

    _name = "crm.contract.finish.reason"
    _description = "Reason to Finish a Contract"
    _order = "sequence, name"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
