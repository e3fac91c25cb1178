from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError


class AccountMove(models.Model):
    _inherit = "account.move"

    contract_id = fields.Many2one(
        "crm.contract",
        index="btree_not_null",
        ondelete="restrict",
        tracking=True,
        check_company=True,
        domain="[('partner_id', 'child_of', commercial_partner_id)]",
    )
    period_id = fields.Many2one(
        "crm.contract.period",
        string="Billed Period",
        index="btree_not_null",
        ondelete="restrict",
        readonly=True,
        copy=False,
        check_company=True,
    )

    # Odoo finds by it, without asking the database, that a new invoice has none.
    crm_allocation_ids = fields.One2many("account.payment.allocation", "move_id", string="Allocations of Payments")
    credited_from = fields.Date(
        readonly=True,
        copy=False,
        help="First day of the billed period that the credit note gives back, until the period's end.",
    )

    amount_residual_in_currency_signed = fields.Monetary(
        string="Signed Amount Due",
        compute="_compute_amount_residual_in_currency_signed",
        help="In the currency of the invoice; of a credit note below zero.",
    )

    # The database's own guard against double billing. A cancelled invoice gives its period back; credit notes carry the
    # period of what they reverse.
    _period_unique = models.UniqueIndex(
        "(period_id) WHERE period_id IS NOT NULL AND move_type = 'out_invoice' AND state <> 'cancel'",
        "This period of the contract has an invoice already.",
    )

    # The card of a client finds its invoices by it; Odoo has no index there.
    _commercial_partner_id_index = models.Index("(commercial_partner_id)")

    # -------------------------------------------------------------------------
    # COMPUTES
    # -------------------------------------------------------------------------

    def _compute_duplicated_ref_ids(self):
        # EXTENDS 'account': invoices for two periods of a contract are alike, and no duplicates
        result = super()._compute_duplicated_ref_ids()
        for move in self.filtered("period_id"):
            move.duplicated_ref_ids = move.duplicated_ref_ids.filtered(lambda other: not other.period_id)
        return result

    @api.depends("amount_residual", "direction_sign")
    def _compute_amount_residual_in_currency_signed(self):
        for move in self:
            move.amount_residual_in_currency_signed = -move.direction_sign * move.amount_residual

    # -------------------------------------------------------------------------
    # CHECKS
    # -------------------------------------------------------------------------

    @api.constrains("contract_id", "partner_id", "currency_id", "period_id")
    def _check_contract(self):
        for move in self.filtered("contract_id"):
            contract = move.contract_id
            if contract.partner_id.commercial_partner_id != move.commercial_partner_id:
                raise ValidationError(
                    self.env._(
                        "Contract %(contract)s is with %(client)s, not with %(partner)s.",
                        contract=contract.display_name,
                        client=contract.partner_id.display_name,
                        partner=move.partner_id.display_name,
                    )
                )
            if contract.currency_id != move.currency_id:
                raise ValidationError(
                    self.env._(
                        "Contract %(contract)s is in %(currency)s, so its invoices are in this currency too.",
                        contract=contract.display_name,
                        currency=contract.currency_id.name,
                    )
                )
        for move in self.filtered("period_id"):
            if move.period_id.contract_id != move.contract_id:
                raise ValidationError(
                    self.env._(
                        "%(period)s is billed by this invoice, so it stays with its contract.",
                        period=move.period_id.display_name,
                    )
                )

    # -------------------------------------------------------------------------
    # CRUD
    # -------------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        moves = super().create(vals_list)
        # After the fact, as the period could come from the context's defaults too.
        moves._check_period_untouched(moves.filtered(lambda move: move.period_id or move.credited_from))
        return moves

    def write(self, vals):
        self._check_period_untouched({"credited_from", "period_id"} & vals.keys())
        if vals.get("state") == "cancel":
            self._check_given_back()
        result = super().write(vals)
        if vals.get("state") == "cancel":
            # Days that a credit note no longer gives back are billed: nothing is due for them.
            self._get_given_back_contracts()._sync_ledger()
        return result

    def unlink(self):
        contracts = self._get_given_back_contracts()
        result = super().unlink()
        contracts._sync_ledger()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_settled_anew(self):
        self._check_given_back()

    def _check_given_back(self):
        """A credit note by days stays while its days are billed again, or while a later one builds on it.

        :raises UserError: one of the moves can't go
        """
        # sudo: rows of the ledger count, seen by the user or not.
        for note in self.sudo().filtered(lambda move: move.credited_from and move.state != "cancel"):
            period = note.period_id
            again = (period.contract_id.period_ids - period).filtered(
                lambda row, note=note, period=period: (
                    row.move_id and row.date_start <= period.date_end and row._get_billed_until() >= note.credited_from
                )
            )
            later = period.move_ids.filtered(
                lambda move, note=note: (
                    move.credited_from and move.credited_from < note.credited_from and move.state != "cancel"
                )
            )
            blocking = again.move_id | (later - self)
            if blocking:
                raise UserError(
                    self.env._(
                        "%(note)s gave days back that are settled anew by %(invoices)s. Cancel or delete these first.",
                        note=note.display_name,
                        invoices=", ".join(blocking.mapped("display_name")),
                    )
                )

    def _get_given_back_contracts(self):
        return self.filtered("credited_from").contract_id

    def _check_period_untouched(self, is_touched):
        """The ledger's link is made by billing only: by hand a period could be billed twice, or not at all."""
        if is_touched and not self.env.su:
            raise UserError(self.env._("The billed period of an invoice is set by billing only."))

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _reverse_moves(self, default_values_list=None, cancel=False):
        # EXTENDS 'account': a credit note belongs to the period of what it reverses
        reverse_moves = super()._reverse_moves(default_values_list, cancel=cancel)
        for move, reverse in zip(self, reverse_moves, strict=True):
            if move.period_id:
                # sudo: see _check_period_untouched
                reverse.sudo().period_id = move.period_id
        return reverse_moves
