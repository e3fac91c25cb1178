from odoo import api, models

# What an attachment holds and whose it is. Printing and mailing add attachments, but change none.
CONTENT_FIELDS = {
    "checksum",
    "datas",
    "db_datas",
    "mimetype",
    "name",
    "raw",
    "res_field",
    "res_id",
    "res_model",
    "store_fname",
    "type",
    "url",
}


class IrAttachment(models.Model):
    """Attachments of invoices in the archive, such as their PDF, stay as they are; others can be added."""

    _inherit = "ir.attachment"

    # -------------------------------------------------------------------------
    # CRUD
    # -------------------------------------------------------------------------

    def write(self, vals):
        if CONTENT_FIELDS & vals.keys():
            self._check_invoice_not_archived()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_archived_invoice(self):
        self._check_invoice_not_archived()

    def _check_invoice_not_archived(self):
        """
        :raises UserError: one belongs to an invoice in the archive
        """
        # sudo: an attachment stays, whoever may see its invoice.
        ids = {row.res_id for row in self.sudo() if row.res_model == "account.move" and row.res_id}
        if ids:
            self.env["account.move"].browse(ids).exists()._check_not_archived()
