from odoo import fields, models


class CrmProcess(models.Model):
    """Definition of a business process: the stages that a contract passes one after the other."""

    _name = "crm.process"
    _description = "Business Process"
    _order = "name, id"

    name = fields.Char(required=True)
    active = fields.Boolean(default=True)
    user_id = fields.Many2one(
        "res.users",
        string="Owner",
        required=True,
        ondelete="restrict",
        index=True,
        domain="[('share', '=', False)]",
        default=lambda self: self.env.user,
        help="Becomes responsible for a stage when nobody else can.",
    )
    company_id = fields.Many2one(
        "res.company", ondelete="restrict", index="btree_not_null", help="Empty: for contracts of all companies."
    )
    stage_ids = fields.One2many("crm.process.stage", "process_id", string="Stages", copy=True)
