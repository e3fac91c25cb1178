from odoo import models, tools


class ResPartner(models.Model):
    """Addresses that a mailing of invoices sends to."""

    _inherit = "res.partner"  # pylint: disable=consider-merging-classes-inherited

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _get_mail_addresses(self):
        """All valid e-mail addresses of the partners, as a message names them, by the address alone.

        :rtype: dict[str, str]
        """
        return {
            email: tools.formataddr((partner.name or "", email))
            for partner in self
            for email in tools.email_normalize_all(partner.email or "")
        }
