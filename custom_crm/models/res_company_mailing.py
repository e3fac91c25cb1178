from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError


class ResCompany(models.Model):
    """How invoices are mailed."""

    _inherit = "res.company"  # pylint: disable=consider-merging-classes-inherited

    # -------------------------------------------------------------------------
    # FIELDS
    # -------------------------------------------------------------------------

    crm_mailing_template_id = fields.Many2one(
        "mail.template",
        string="E-Mail of an Invoice",
        domain="[('model', '=', 'account.move')]",
        default=lambda self: self.env.ref("custom_crm.mail_template_invoice", raise_if_not_found=False),
        help="What is written to the client with an invoice. Empty: Odoo's own e-mail.",
    )
    crm_mailing_per_minute = fields.Integer(
        string="Invoices Mailed per Minute",
        help="A mailing sends no more invoices in a minute, as some mail servers allow no more. 0: as fast as it can.",
    )
    crm_mailing_copy = fields.Boolean(
        string="Copy to the Responsible",
        help="The salesperson of an invoice gets a copy (Cc) of the message to the client.",
    )
    crm_mailing_all_contacts = fields.Boolean(
        string="All Invoice Contacts",
        default=True,
        help="An invoice goes to all contacts of the client of the type «Invoice», not only to the one in the invoice.",
    )

    _crm_mailing_per_minute_positive = models.Constraint(
        "CHECK(crm_mailing_per_minute IS NULL OR crm_mailing_per_minute >= 0)",
        "The number of invoices mailed per minute can't be negative.",
    )

    # -------------------------------------------------------------------------
    # CHECKS
    # -------------------------------------------------------------------------

    @api.constrains("crm_mailing_per_minute")
    def _check_crm_mailing_per_minute(self):
        """What the database keeps as well, in words for the user."""
        if self.filtered(lambda company: company.crm_mailing_per_minute < 0):
            raise ValidationError(
                self.env._("The number of invoices mailed per minute can't be negative. Enter 0 for no limit.")
            )

    @api.constrains("crm_mailing_template_id")
    def _check_crm_mailing_template(self):
        for template in self.crm_mailing_template_id:
            if template.model != "account.move":
                raise ValidationError(
                    self.env._("«%(template)s» is no e-mail for invoices. Choose another one.", template=template.name)
                )

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _get_mailing_allowance(self):
        """How many invoices may be mailed now. One company.

        :rtype: int | float
        """
        if not self.crm_mailing_per_minute:
            return float("inf")
        Line = self.env["crm.invoice.mailing.line"]
        # What workers have taken counts as mailed.
        taken = Line.search_count(
            [("company_id", "=", self.id), ("state", "in", ("queued", "sending")), ("worker", "!=", 0)]
        )
        return max(self.crm_mailing_per_minute - Line.search_count(self._get_mailed_domain()) - taken, 0)

    def _get_mailed_domain(self):
        """Messages of the last minute."""
        since = fields.Datetime.now() - timedelta(minutes=1)
        return [("company_id", "=", self.id), ("date", ">", since), ("message_id", "!=", False)]

    @api.model
    def _init_crm_mailing_template(self):
        """Give the e-mail to the companies that are there when the add-on is installed; those abroad keep Odoo's."""
        companies = self.search([("crm_mailing_template_id", "=", False)]).filtered(
            lambda company: company.country_id.code in (False, "RU")
        )
        companies.crm_mailing_template_id = self.env.ref("custom_crm.mail_template_invoice")
