from odoo import api, fields, models
from odoo.exceptions import ValidationError


class CrmReminderLevel(models.Model):
    """After how many days a client is reminded of overdue invoices, and by which letter."""

    _name = "crm.reminder.level"
    _description = "Reminder Level"
    _order = "days, sequence, id"

    # -------------------------------------------------------------------------
    # FIELDS
    # -------------------------------------------------------------------------

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    days = fields.Integer(
        string="Days Overdue",
        required=True,
        default=1,
        help="The letter goes out this number of days after the due date.",
    )
    template_id = fields.Many2one(
        "mail.template",
        string="Letter",
        required=True,
        ondelete="restrict",
        domain="[('model', '=', 'res.partner')]",
        default=lambda self: self.env.ref("custom_crm.mail_template_reminder", raise_if_not_found=False),
        help="Written to the client; the default one lists the overdue invoices.",
    )
    company_id = fields.Many2one("res.company", ondelete="cascade", help="Empty: for all companies.")
    error = fields.Text(readonly=True, copy=False, help="Why the last letters could not be made.")

    _days_positive = models.Constraint("CHECK(days > 0)", "A reminder goes out one day after the due date or later.")
    _days_unique = models.UniqueIndex(
        "(COALESCE(company_id, 0), days) WHERE active", "Another level of the company has this number of days already."
    )

    # -------------------------------------------------------------------------
    # CHECKS
    # -------------------------------------------------------------------------

    @api.constrains("days")
    def _check_days(self):
        """What the database keeps as well, in words for the user."""
        for level in self:
            if level.days < 1:
                raise ValidationError(
                    self.env._("%(level)s: a reminder goes out one day after the due date or later.", level=level.name)
                )

    @api.constrains("template_id")
    def _check_template(self):
        for level in self:
            if level.template_id.model != "res.partner":
                raise ValidationError(
                    self.env._("%(level)s: choose a letter that is written to contacts.", level=level.name)
                )
