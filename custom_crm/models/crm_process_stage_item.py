from odoo import fields, models


class CrmProcessStageItem(models.Model):
    """Definition of one line of a stage's checklist."""

    _name = "crm.process.stage.item"
    _description = "Checklist Item of a Business Process"
    _order = "sequence, id"

    name = fields.Char(required=True)
    sequence = fields.Integer(required=True, default=10)
    stage_id = fields.Many2one("crm.process.stage", required=True, ondelete="cascade", index=True)
    mandatory = fields.Boolean(default=True, help="The stage can't be completed without it.")
