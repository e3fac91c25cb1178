from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError


class AccountPaymentAllocation(models.Model):
    """How much of a payment its author means for an invoice.

    It is an intention: rows change only while the payment is a draft or cancelled. Posting the payment turns them into
    Odoo's own partial reconciliations, and from then on those are the truth. When the payment is reset to draft or
    cancelled, the rows are written anew from what was really reconciled.
    """

    _name = "account.payment.allocation"
    _description = "Allocation of a Payment"
    _order = "payment_id desc, invoice_date_due, id"
    _check_company_auto = True
    _rec_name = "move_id"

    # -------------------------------------------------------------------------
    # FIELDS
    # -------------------------------------------------------------------------

    payment_id = fields.Many2one("account.payment", required=True, ondelete="cascade", index=True)
    company_id = fields.Many2one(related="payment_id.company_id", store=True, precompute=True, index=True)
    currency_id = fields.Many2one(related="payment_id.currency_id")
    partner_id = fields.Many2one(related="payment_id.partner_id.commercial_partner_id", string="Client")
    move_id = fields.Many2one(
        "account.move",
        string="Invoice",
        required=True,
        ondelete="restrict",
        index=True,
        check_company=True,
        domain="""[
            ("move_type", "=", "out_invoice"),
            ("state", "=", "posted"),
            ("payment_state", "in", ("not_paid", "partial")),
            ("commercial_partner_id", "=", partner_id),
            ("company_id", "=", company_id),
        ]""",
    )
    amount = fields.Monetary(
        compute="_compute_amount",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
        help="In the currency of the payment.",
    )
    invoice_date = fields.Date(related="move_id.invoice_date", string="Invoice Date")
    invoice_date_due = fields.Date(related="move_id.invoice_date_due", string="Due Date", store=True)
    move_currency_id = fields.Many2one(related="move_id.currency_id", string="Invoice Currency")
    amount_residual = fields.Monetary(
        related="move_id.amount_residual", string="Open Amount", currency_field="move_currency_id"
    )

    _payment_move_unique = models.UniqueIndex("(payment_id, move_id)", "The invoice is listed twice in the payment.")
    _amount_positive = models.Constraint("CHECK(amount > 0)", "The amount for an invoice must be greater than zero.")

    # -------------------------------------------------------------------------
    # COMPUTES
    # -------------------------------------------------------------------------

    @api.depends("move_id")
    def _compute_amount(self):
        """Proposal for a new row: what is open in the invoice, as far as the payment goes."""
        for allocation in self:
            payment = allocation.payment_id
            if allocation.amount or not allocation.move_id:
                continue
            others = payment.allocation_ids.filtered(lambda other, this=allocation: other != this)
            rest = payment.amount - sum(others.mapped("amount"))
            allocation.amount = max(0.0, min(rest, payment._get_open_amount(allocation.move_id)))

    # -------------------------------------------------------------------------
    # CHECKS
    # -------------------------------------------------------------------------

    @api.constrains("payment_id", "move_id", "amount")
    def _check_payment_open(self):
        posted = self.payment_id.filtered(lambda payment: payment.state not in ("draft", "canceled"))
        if posted:
            raise ValidationError(
                self.env._(
                    "%(payments)s: posted, so the amounts for its invoices are fixed. Reset it to draft first.",
                    payments=", ".join(posted.mapped("display_name")),
                )
            )

    @api.constrains("payment_id", "move_id", "amount")
    def _check_invoice(self):
        for allocation in self:
            allocation.payment_id._check_allocation(allocation)

    @api.constrains("payment_id")
    def _check_total(self):
        # Not on a change of amount: of several rows changed at once the first would be judged before the others are
        # changed. The payment's own check sees all of them, and so does posting.
        self.payment_id._check_allocated_total()

    # -------------------------------------------------------------------------
    # CRUD
    # -------------------------------------------------------------------------

    def write(self, vals):
        if any(row.payment_id.id != vals["payment_id"] for row in self if "payment_id" in vals):
            raise UserError(self.env._("An allocation stays with its payment. Delete it and make another one."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_posted(self):
        if any(payment.state not in ("draft", "canceled") for payment in self.payment_id):
            raise UserError(self.env._("The amounts of a posted payment are fixed. Reset it to draft first."))
