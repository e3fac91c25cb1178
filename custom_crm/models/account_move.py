from odoo import api, fields, models
from odoo.exceptions import ValidationError


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

    # The database's own guard against double billing. A cancelled invoice gives its period back; credit notes carry the
    # period of what they reverse.
    _period_unique = models.UniqueIndex(
        "(period_id) WHERE period_id IS NOT NULL AND move_type = 'out_invoice' AND state <> 'cancel'",
        "This period of the contract has an invoice already.",
    )

    # -------------------------------------------------------------------------
    # COMPUTES
    # -------------------------------------------------------------------------

    def _compute_duplicated_ref_ids(self):
        # EXTENDS 'account': invoices for two periods of a contract are alike, and no duplicates
        super()._compute_duplicated_ref_ids()
        for move in self.filtered("period_id"):
            move.duplicated_ref_ids = move.duplicated_ref_ids.filtered(lambda other: not other.period_id)

    # -------------------------------------------------------------------------
    # CHECKS
    # -------------------------------------------------------------------------

    @api.constrains("contract_id", "partner_id")
    def _check_contract_partner(self):
        for move in self.filtered("contract_id"):
            if move.contract_id.partner_id.commercial_partner_id != move.commercial_partner_id:
                raise ValidationError(
                    self.env._(
                        "Contract %(contract)s is with %(client)s, not with %(partner)s.",
                        contract=move.contract_id.display_name,
                        client=move.contract_id.partner_id.display_name,
                        partner=move.partner_id.display_name,
                    )
                )

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _reverse_moves(self, default_values_list=None, cancel=False):
        # EXTENDS 'account': a credit note belongs to the contract and the period of what it reverses
        defaults = default_values_list or [{} for _move in self]
        for move, values in zip(self, defaults, strict=True):
            if move.period_id:
                values.setdefault("period_id", move.period_id.id)
        return super()._reverse_moves(defaults, cancel=cancel)
