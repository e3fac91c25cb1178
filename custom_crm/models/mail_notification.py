from odoo import models

DELIVERY_STATES = {"sent": "sent", "exception": "failed", "bounce": "failed"}


class MailNotification(models.Model):
    _inherit = "mail.notification"

    # -------------------------------------------------------------------------
    # CRUD
    # -------------------------------------------------------------------------

    def write(self, vals):
        # EXTENDS 'mail': an invoice shows what became of its e-mail, whoever sent it, and when it came back
        result = super().write(vals)
        state = DELIVERY_STATES.get(vals.get("notification_status"))
        if state and not self.env.context.get("crm_mailing"):
            self._follow_deliveries(state)
        return result

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _follow_deliveries(self, state):
        emails = self.filtered(lambda row: row.notification_type == "email")
        if not emails:
            return
        # sudo: the state of the mail is told on the invoice, whoever the mail server's answer comes to.
        moves = self.env["account.move"].sudo().search([("delivery_message_id", "in", emails.mail_message_id.ids)])
        for move in moves:
            own = emails.filtered(lambda row, move=move: row.mail_message_id == move.delivery_message_id)
            error = state == "failed" and own[0].format_failure_reason()
            if state == "sent" and move.delivery_message_id.notification_ids.filtered(
                lambda row: row.notification_status in ("exception", "bounce")
            ):
                # Another recipient did not get it.
                continue
            move._set_delivery(state, error)
