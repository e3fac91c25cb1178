from odoo import models


class ResourceResource(models.Model):
    """An employee is archived with its resource."""

    _inherit = "resource.resource"

    # -------------------------------------------------------------------------
    # CRUD
    # -------------------------------------------------------------------------

    def write(self, vals):
        if not {"active", "user_id"} & vals.keys():
            return super().write(vals)
        with (self.user_id | self.env["res.users"].browse(vals.get("user_id") or []))._keep_responsible():
            return super().write(vals)
