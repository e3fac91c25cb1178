from odoo import api, models


class MailMail(models.Model):
    _inherit = "mail.mail"

    # -------------------------------------------------------------------------
    # CRUD
    # -------------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        # EXTENDS 'mail': what a mailing sends, it sends by itself, so Odoo's queue must not take it in between
        if self.env.context.get("crm_mailing"):
            vals_list = [
                {**vals, **self._prepare_held_vals()} if vals.get("mail_message_id") else vals for vals in vals_list
            ]
        return super().create(vals_list)

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    @api.model
    def _prepare_held_vals(self):
        return {
            "state": "exception",
            "failure_reason": self.env._("In a mailing of invoices, which sends it by itself."),
            # The mailing deletes what it has sent, all at once.
            "auto_delete": False,
        }
