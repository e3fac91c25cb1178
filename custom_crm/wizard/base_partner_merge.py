from odoo import api, models
from odoo.exceptions import UserError


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    """Invoices in the archive keep their client: a merge would write another one on them, past the ORM."""

    _inherit = "base.partner.merge.automatic.wizard"

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    @api.model
    def _update_foreign_keys(self, src_partners, dst_partner):
        # EXTENDS 'base'
        self._check_no_archived_invoices(src_partners)
        return super()._update_foreign_keys(src_partners, dst_partner)

    @api.model
    def _check_no_archived_invoices(self, partners):
        """
        :raises UserError: one of the contacts, which vanish, has an invoice in the archive
        """
        # sudo: invoices of another company hold the contact as well.
        Move = self.env["account.move"].sudo()
        for name in ("partner_id", "commercial_partner_id", "partner_shipping_id"):
            holding = Move._read_group([("is_archived", "=", True), (name, "in", partners.ids)], [name])
            if holding:
                raise UserError(
                    self.env._(
                        "These clients have invoices in the archive, which stay as they are: %(clients)s. "
                        "Merge the others into them, or have an administrator take the invoices out of the archive.",
                        clients=", ".join(client.display_name for (client,) in holding),
                    )
                )
