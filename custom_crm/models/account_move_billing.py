from odoo import models


class AccountMove(models.Model):
    """What the billing of many periods does for all of its invoices at once."""

    # Apart from what an invoice is.
    _inherit = "account.move"  # pylint: disable=consider-merging-classes-inherited

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _get_next_sequence_format(self):
        # EXTENDS 'account': invoices of one journal and day that are posted together continue one series of numbers.
        # Odoo looks for its last number for each; the numbers themselves it counts from the first on by itself.
        formats = self.env.context.get("crm_sequence_formats")
        # Where numbers depend on the type of each document, as in Latin America, Odoo looks for each.
        if formats is None or self._fields.get("l10n_latam_use_documents"):
            return super()._get_next_sequence_format()
        key = (self.journal_id.id, self.date)
        if key not in formats:
            formats[key] = super()._get_next_sequence_format()
        format_string, format_values = formats[key]
        return format_string, dict(format_values)

    def _subscribe_responsible(self):
        """Whoever is responsible follows the invoices, as who types one would."""
        for user, moves in self.grouped("invoice_user_id").items():
            moves.message_subscribe(user.partner_id.ids)

    def _log_origin(self):
        """Note in the chatter which contract and period each invoice bills."""
        self._message_log_batch(
            {move.id: self.env._("Billed by contract: %(period)s", period=move.period_id.display_name) for move in self}
        )
