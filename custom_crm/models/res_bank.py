from odoo import fields, models


class ResBank(models.Model):
    _inherit = "res.bank"

    corr_account = fields.Char(string="Correspondent Account", help="20 digits, held at the central bank.")
