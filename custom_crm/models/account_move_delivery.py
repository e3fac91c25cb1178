from odoo import api, fields, models
from odoo.exceptions import UserError

# What Odoo writes on an invoice when it mails it.
NOTES = {"access_token", "is_move_sent", "message_main_attachment_id", "sending_data"}


class AccountMove(models.Model):
    """What became of the e-mail of an invoice, and to whom it goes."""

    _inherit = "account.move"  # pylint: disable=consider-merging-classes-inherited

    # -------------------------------------------------------------------------
    # FIELDS
    # -------------------------------------------------------------------------

    delivery_state = fields.Selection(
        [
            ("none", "Not Mailed"),
            ("queued", "Being Mailed"),
            ("sent", "Mailed"),
            ("failed", "Mailing Failed"),
            ("no_address", "No E-Mail Address"),
        ],
        string="Delivery",
        required=True,
        readonly=True,
        copy=False,
        default="none",
        help="What became of the last e-mail with this invoice to the client.",
    )
    mailed_date = fields.Datetime(string="Mailed On", readonly=True, copy=False)
    delivery_error = fields.Text(readonly=True, copy=False)
    delivery_message_id = fields.Many2one(
        "mail.message", string="Message", readonly=True, copy=False, ondelete="set null", index="btree_not_null"
    )
    crm_mailing_line_ids = fields.One2many("crm.invoice.mailing.line", "move_id", string="Mailings")

    _delivery_state_index = models.Index("(delivery_state) WHERE delivery_state IN ('queued', 'failed', 'no_address')")

    # -------------------------------------------------------------------------
    # CRUD
    # -------------------------------------------------------------------------

    def write(self, vals):
        # EXTENDS 'account': notes of a mailing change nothing that account would have to compute anew, for long
        if self.env.context.get("crm_mailing") and vals.keys() <= NOTES:
            return models.Model.write(self, vals)
        return super().write(vals)

    # -------------------------------------------------------------------------
    # ACTIONS
    # -------------------------------------------------------------------------

    def action_crm_mailing(self):
        """Mail the chosen invoices: opens a mailing of them that is prepared, for the user to look at and start.

        :raises UserError: there is no customer invoice among them
        """
        moves = self.filtered(lambda move: move.is_sale_document())
        if not moves:
            raise UserError(self.env._("Choose customer invoices: nothing else is mailed."))
        return self.env["crm.invoice.mailing"]._make_selection(moves)._get_records_action()

    def button_draft(self):
        # EXTENDS 'account': what the client has is no longer what the invoice is
        result = super().button_draft()
        self._set_delivery("none", delivery_message_id=False)
        return result

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    @api.model
    def _get_unmailed_domain(self):
        """Posted invoices that were not mailed yet, neither by us nor by Odoo before us, and that nobody is mailing."""
        return fields.Domain(
            [
                ("move_type", "=", "out_invoice"),
                ("state", "=", "posted"),
                ("delivery_state", "not in", ("sent", "queued")),
            ]
        ) & (fields.Domain("is_move_sent", "=", False) | fields.Domain("delivery_state", "!=", "none"))

    def _set_delivery(self, state, error=False, **vals):
        """Tell what became of the e-mail.

        :param str state: one of ``delivery_state``
        :param str error: why it failed
        """
        vals = {
            **vals,
            "delivery_state": state,
            "delivery_error": error,
            "mailed_date": state not in ("none", "queued") and fields.Datetime.now(),
        }
        if state == "failed":
            # Odoo says so as soon as it has made the PDF.
            vals["is_move_sent"] = False
        # The document itself does not change: nothing that account guards, notes or computes on a write is for this.
        # sudo: users come here by buttons and by sending only, which have checked what they may do.
        models.Model.write(self.sudo(), vals)

    def _get_mail_template(self):
        # EXTENDS 'account': the company's own e-mail, by the button «Send» and in mailings alike
        template = self.company_id[:1].crm_mailing_template_id
        if template and all(move.move_type == "out_invoice" for move in self):
            return template
        return super()._get_mail_template()

    def _get_delivery_partners(self):
        """Who gets the invoice by e-mail: the contact in it (or its company, if that has the address), and more
        contacts for invoices if the company wants it so."""
        self.ensure_one()
        partner = self.partner_id
        if not partner.email:
            partner = self.commercial_partner_id
        if self.company_id.crm_mailing_all_contacts:
            partner |= self.commercial_partner_id.child_ids.filtered(lambda contact: contact.type == "invoice")
        return partner.filtered("email")

    def _message_post_after_hook(self, message, msg_vals):
        # EXTENDS 'mail': before it is sent, so that its result finds the invoice
        if self.env.context.get("crm_delivery"):
            self._set_delivery("queued", delivery_message_id=message.id)
        return super()._message_post_after_hook(message, msg_vals)

    # A mailing sends one message for each invoice, whoever gets it.

    def _notify_get_recipients(self, message, msg_vals=False, **kwargs):
        # EXTENDS 'mail': of a mailing in one language, so that it is one e-mail
        recipients = super()._notify_get_recipients(message, msg_vals, **kwargs)
        if self.env.context.get("crm_mailing"):
            for recipient in recipients:
                recipient["lang"] = recipients[0]["lang"]
        return recipients

    def _notify_get_recipients_classify(self, message, recipients_data, model_description, msg_vals=False):
        # EXTENDS 'mail': the contacts of the client get one e-mail, with the link that Odoo gives to further contacts
        groups = super()._notify_get_recipients_classify(message, recipients_data, model_description, msg_vals=msg_vals)
        if self.env.context.get("crm_mailing"):
            for group in groups[1:]:
                for key in ("recipients_data", "recipients_ids", "recipients_emails"):
                    groups[0][key] += group[key]
            groups = groups[:1]
        return groups

    def _notify_by_email_get_final_mail_values(self, recipient_ids, mail_values, additional_values=None):
        # EXTENDS 'mail': all addresses in one e-mail, instead of one e-mail for each partner
        values = super()._notify_by_email_get_final_mail_values(recipient_ids, mail_values, additional_values)
        if self.env.context.get("crm_mailing"):
            partners = self.env["res.partner"].browse(recipient_ids)
            values.update(recipient_ids=False, **self._prepare_address_vals(partners))
        return values

    def _prepare_address_vals(self, partners):
        """To whom an e-mail of a mailing goes."""
        self.ensure_one()
        to = partners._get_mail_addresses()
        copy = self.invoice_user_id.partner_id if self.company_id.crm_mailing_copy else partners.browse()
        return {
            "email_to": ", ".join(to.values()),
            "email_cc": ", ".join(address for email, address in copy._get_mail_addresses().items() if email not in to),
        }
