from textwrap import shorten

from odoo import api, models


class AccountMove(models.Model):
    """What an invoice is called: in Russia Odoo's own word is that of another document, of VAT."""

    # Apart from what an invoice is.
    _inherit = "account.move"  # pylint: disable=consider-merging-classes-inherited

    # -------------------------------------------------------------------------
    # COMPUTES
    # -------------------------------------------------------------------------

    @api.depends("move_type")
    @api.depends_context("lang")
    def _compute_type_name(self):
        # EXTENDS 'account'
        result = super()._compute_type_name()
        self.filtered(lambda move: move.move_type == "out_invoice").type_name = self.env._("Invoice")
        return result

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _get_move_display_name(self, show_ref=False):
        # EXTENDS 'account': a draft is named by its type, then come its number, if it has one, and its reference
        name = super()._get_move_display_name(show_ref=show_ref)
        is_named_by_type = self.state == "draft" and not self.env.context.get("name_as_amount_total")
        if self.move_type != "out_invoice" or not is_named_by_type:
            return name
        number = self.name if self.name != "/" else False
        if number:
            rest = f" {number}{name.partition(number)[2]}"
        else:
            rest = f" ({shorten(self.ref, width=50)})" if show_ref and self.ref else ""
        return self.env._("Draft Invoice") + rest
