from odoo import api, models


class AccountMoveSend(models.AbstractModel):
    _inherit = "account.move.send"

    @api.model
    def _hook_if_success(self, moves_data, from_cron=False):
        # EXTENDS 'account': scheduled actions only queue their e-mails, for up to an hour; send them at once
        result = super()._hook_if_success(moves_data, from_cron=from_cron)
        cron = self.env.ref("mail.ir_cron_mail_scheduler_action", raise_if_not_found=False)
        if from_cron and cron:
            cron._trigger()
        return result
