from odoo import api, models

EMPLOYMENT_FIELDS = {"active", "resource_id", "user_id"}


class HrEmployee(models.Model):
    """Whoever leaves as an employee hands over, though the user stays active."""

    _inherit = "hr.employee"

    # -------------------------------------------------------------------------
    # CRUD
    # -------------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        users = self.env["res.users"].browse(vals["user_id"] for vals in vals_list if vals.get("user_id"))
        with users._keep_responsible():
            return super().create(vals_list)

    def write(self, vals):
        if not EMPLOYMENT_FIELDS & vals.keys():
            return super().write(vals)
        with (self.user_id | self.env["res.users"].browse(vals.get("user_id") or []))._keep_responsible():
            return super().write(vals)

    def unlink(self):
        with self.user_id._keep_responsible():
            return super().unlink()
