from odoo import api, fields, models


class ResCompany(models.Model):
    """Whether clients are reminded of overdue invoices."""

    # Apart from the other settings, which are another matter.
    _inherit = "res.company"  # pylint: disable=consider-merging-classes-inherited

    # -------------------------------------------------------------------------
    # FIELDS
    # -------------------------------------------------------------------------

    crm_reminders = fields.Boolean(
        string="Remind Clients of Overdue Invoices",
        help="Once a day a letter goes to each client whose invoices have reached the days of a reminder level.",
    )

    # -------------------------------------------------------------------------
    # CHECKS
    # -------------------------------------------------------------------------

    @api.constrains("crm_reminders")
    def _check_crm_reminders(self):
        """Nobody switches on what scheduled actions that are off would never do.

        :raises UserError: that of the reminders or that of the mail queue is off
        """
        if any(self.mapped("crm_reminders")):
            for xmlid in ("custom_crm.ir_cron_reminders", "mail.ir_cron_mail_scheduler_action"):
                self.env.ref(xmlid)._check_crm_active()
