from odoo import api, models

from .account_move_archive import get_content_fields

# What reconciling and its undoing write on a line; the rest they do by the database itself or compute.
WRITABLE_FIELDS = {"matching_number", "no_followup"}


class AccountMoveLine(models.Model):
    """Lines of invoices in the archive stay as they are; they can be reconciled."""

    # Apart from the reconciliation of chosen amounts.
    _inherit = "account.move.line"  # pylint: disable=consider-merging-classes-inherited

    # -------------------------------------------------------------------------
    # CRUD
    # -------------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        # After the fact, as the invoice could come from the context's defaults too.
        lines.move_id._check_not_archived()
        return lines

    def write(self, vals):
        if get_content_fields(self, vals, WRITABLE_FIELDS):
            self.move_id._check_not_archived()
        if "move_id" in vals:
            self.env["account.move"].browse(vals["move_id"])._check_not_archived()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_archived(self):
        self.move_id._check_not_archived()
