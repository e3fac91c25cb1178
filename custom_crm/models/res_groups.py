from odoo import models

from .res_users import GROUP_EXECUTOR

MEMBERSHIP_FIELDS = {"all_user_ids", "implied_by_ids", "implied_ids", "user_ids"}


class ResGroups(models.Model):
    """Whoever loses the group of executors by a change of groups hands over."""

    _inherit = "res.groups"

    # -------------------------------------------------------------------------
    # CRUD
    # -------------------------------------------------------------------------

    def write(self, vals):
        if not MEMBERSHIP_FIELDS & vals.keys():
            return super().write(vals)
        with self._get_executors()._keep_responsible():
            return super().write(vals)

    def unlink(self):
        with self._get_executors()._keep_responsible():
            return super().unlink()

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _get_executors(self):
        """All who can be responsible now."""
        executors = self.env.ref(GROUP_EXECUTOR, raise_if_not_found=False)
        if not executors:
            # The groups are being installed.
            return self.env["res.users"]
        # sudo: whoever may change groups need not see all users.
        return executors.sudo().all_user_ids.filtered("active").sudo(self.env.su)
