from odoo import api, models
from odoo.fields import Domain
from odoo.tools import format_amount
from odoo.tools.mail import email_normalize_all


class ResPartner(models.Model):
    """What letters that remind of overdue invoices need to know of a client."""

    # Apart from the card of a client, which is another matter.
    _inherit = "res.partner"  # pylint: disable=consider-merging-classes-inherited

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    @api.model
    def _get_reminder_domain(self):
        """Overdue items of the company's invoices of which clients may be reminded.

        Not of what is blocked, excluded from follow-up or about to be paid, nor clients in the archive.
        """
        return (
            Domain("company_id", "=", self.env.company.id)
            & Domain("account_type", "=", "asset_receivable")
            & Domain("parent_state", "=", "posted")
            & Domain("reconciled", "=", False)
            & Domain("no_followup", "=", False)
            & Domain("move_id.move_type", "=", "out_invoice")
            & Domain("move_id.payment_state", "in", ("not_paid", "partial"))
            & Domain("move_id.commercial_partner_id.active", "=", True)
            & self._get_overdue_domain(self.env.company._crm_today())
        )

    def _get_reminder_address(self):
        """The contact for invoices, if it has a valid e-mail address, else the client; empty without an address."""
        self.ensure_one()
        contacts = self.browse(self.address_get(["invoice"])["invoice"]) | self
        return contacts.filtered(lambda contact: contact.active and email_normalize_all(contact.email or ""))[:1]

    def _get_reminder_items(self):
        """The items that a letter to the client lists, oldest first: all that are overdue, when it is a preview."""
        self.ensure_one()
        items = self.env["account.move.line"]
        ids = self.env.context.get("reminder_item_ids")
        if ids is None:
            items = items.search(self._get_reminder_domain() & Domain("move_id.commercial_partner_id", "=", self.id))
        else:
            items = items.browse(ids).filtered(lambda item: item.move_id.commercial_partner_id == self)
        return items.sorted(lambda item: (item.date_maturity, item.id))

    def _get_reminder_totals(self):
        """The sum of these items, as text, for each currency."""
        return [
            format_amount(self.env, sum(items.mapped("amount_residual_currency")), currency)
            for currency, items in self._get_reminder_items().grouped("currency_id").items()
        ]
