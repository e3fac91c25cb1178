from odoo import models
from odoo.exceptions import UserError


class IrCron(models.Model):
    _inherit = "ir.cron"

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _check_crm_active(self):
        """Nothing is handed to a scheduled action that would never do it.

        :raises UserError: it is switched off
        """
        # sudo: managers may not read scheduled actions, but must be told when one that they need is off.
        cron = self.sudo()
        if not cron.active:
            raise UserError(
                self.env._(
                    "The scheduled action «%(cron)s» is switched off, so nothing would happen. Ask an administrator to "
                    "switch it on in Settings → Technical → Scheduled Actions.",
                    cron=cron.name,
                )
            )
