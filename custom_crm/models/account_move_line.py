from odoo import api, fields, models
from odoo.exceptions import UserError


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    # What a line of a contract bills, inclusive: a credit note by days is counted from them.
    service_date_from = fields.Date(string="Service From", readonly=True, copy=False)
    service_date_to = fields.Date(string="Service To", readonly=True, copy=False)

    # Finds what is open or late among all that was ever paid. Odoo's index of unreconciled items does not: it has every
    # line of the accounts that are never reconciled as well. This one has open items only, so it stays small.
    _crm_open_item_index = models.Index(
        "(company_id, date_maturity) WHERE amount_residual <> 0 AND parent_state = 'posted'"
    )

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    @api.model
    def _prepare_reconciliation_amls(self, values_list, shadowed_aml_values=None):
        # EXTENDS 'account': no more than the chosen amount of a payment's line goes to an invoice
        withheld = self._withhold_unallocated(values_list)
        results, done_ids = super()._prepare_reconciliation_amls(values_list, shadowed_aml_values=shadowed_aml_values)
        for values, residual, residual_currency in withheld:
            values["amount_residual"] += residual
            values["amount_residual_currency"] += residual_currency
        return results, done_ids - {values["aml"].id for values, *_residuals in withheld}

    @api.model
    def _withhold_unallocated(self, values_list):
        """Take out of ``values_list`` what payment lines must keep back from the invoice they are reconciled with.

        Context key ``allocated_amounts``: ``{(payment line id, invoice id): amount in the line's currency}``. It can
        only lessen what is reconciled.

        :return: list of (values of a line, residual kept back, the same in the line's currency)
        """
        amounts = self.env.context.get("allocated_amounts")
        if not amounts:
            return []
        move_ids = {values["aml"].move_id.id for values in values_list}
        withheld = []
        for values in values_list:
            line = values["aml"]
            amount = next((amounts[line.id, move_id] for move_id in move_ids if (line.id, move_id) in amounts), None)
            whole = values["amount_residual_currency"]
            if amount is None or line.currency_id.compare_amounts(abs(whole), amount) <= 0:
                continue
            share = amount / abs(whole)
            kept_currency = whole - line.currency_id.round(whole * share)
            kept = values["amount_residual"] - line.company_currency_id.round(values["amount_residual"] * share)
            values["amount_residual"] -= kept
            values["amount_residual_currency"] -= kept_currency
            withheld.append((values, kept, kept_currency))
        return withheld

    def _has_matches(self):
        return bool(self.matched_debit_ids or self.matched_credit_ids)

    def _filter_open_receivable(self):
        """The receivable items among these that are not fully paid, in the order in which they fall due."""
        lines = self.filtered(lambda line: line.account_id.account_type == "asset_receivable" and not line.reconciled)
        return lines.sorted(lambda line: (line.date_maturity or line.date, line.id))

    def _lock_to_pay(self):
        """Keep others from paying these items until the end of the transaction, and read afresh what is open in them.

        Who paid one of them after this transaction began makes the database refuse the lock as a serialization failure;
        the server then repeats the whole request and sees the new residual.

        :raises UserError: somebody else is paying one of them at this moment; nothing waits
        """
        locked = self.try_lock_for_update(allow_referencing=True)
        busy = (self - locked).move_id
        if busy:
            raise UserError(
                self.env._(
                    "Somebody else is paying these invoices at this moment: %(invoices)s. Try again in a few seconds.",
                    invoices=", ".join(busy.mapped("display_name")),
                )
            )
        self.invalidate_recordset(["amount_residual", "amount_residual_currency", "reconciled"])
        self.move_id.invalidate_recordset(["amount_residual", "payment_state"])
