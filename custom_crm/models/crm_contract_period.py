from odoo import api, fields, models
from odoo.exceptions import UserError


class CrmContractPeriod(models.Model):
    """The ledger: one row for each period of a contract that was due, with what became of it.

    A row has at most one invoice that is not cancelled; the database keeps that rule (see ``account.move``). ``state``
    follows the invoice, so cancelling or deleting it makes the period due again. Dates are inclusive.
    """

    _name = "crm.contract.period"
    _description = "Billed Period"
    _order = "date_start desc, id desc"
    _check_company_auto = True

    # -------------------------------------------------------------------------
    # FIELDS
    # -------------------------------------------------------------------------

    contract_id = fields.Many2one("crm.contract", required=True, readonly=True, ondelete="cascade")
    partner_id = fields.Many2one(related="contract_id.partner_id", store=True, index=True)
    user_id = fields.Many2one(related="contract_id.user_id")
    company_id = fields.Many2one(related="contract_id.company_id", store=True, precompute=True, index=True)
    currency_id = fields.Many2one(related="contract_id.currency_id")
    date_start = fields.Date(string="From", required=True, readonly=True)
    date_end = fields.Date(string="To", required=True, readonly=True)
    payment_date = fields.Date(string="Planned Payment", readonly=True)
    state = fields.Selection(
        [("due", "Due"), ("billed", "Billed"), ("failed", "Failed"), ("skipped", "Skipped")],
        compute="_compute_state",
        store=True,
        index=True,
    )
    is_closed = fields.Boolean(compute="_compute_is_closed", help="Billed or skipped: nothing is left to do.")
    move_ids = fields.One2many("account.move", "period_id", string="Documents")
    move_id = fields.Many2one(
        "account.move",
        string="Invoice",
        compute="_compute_move_id",
        store=True,
        index="btree_not_null",
        ondelete="set null",
    )
    run_id = fields.Many2one("crm.billing.run", string="Billing Run", readonly=True, ondelete="set null", index=True)
    amount_total = fields.Monetary(
        string="Amount",
        compute="_compute_amount_total",
        store=True,
        help="Taxes included: of the invoice, or what the invoice is going to be.",
    )
    problem = fields.Text(readonly=True, help="What is to be mended before billing, as found when a run was prepared.")
    error = fields.Text(readonly=True, help="Why billing failed.")
    is_skipped = fields.Boolean(readonly=True)

    _dates_in_order = models.Constraint("CHECK(date_end >= date_start)", "A period can't end before it begins.")

    # -------------------------------------------------------------------------
    # COMPUTES
    # -------------------------------------------------------------------------

    @api.depends("move_ids.state", "move_ids.move_type")
    def _compute_move_id(self):
        for period in self:
            period.move_id = period.move_ids.filtered(
                lambda move: move.move_type == "out_invoice" and move.state != "cancel"
            )[:1]

    @api.depends("move_id", "error", "is_skipped")
    def _compute_state(self):
        for period in self:
            if period.move_id:
                period.state = "billed"
            elif period.is_skipped:
                period.state = "skipped"
            else:
                period.state = "failed" if period.error else "due"

    @api.depends("state")
    def _compute_is_closed(self):
        for period in self:
            period.is_closed = period.state in ("billed", "skipped")

    @api.depends(
        "move_ids.amount_total",
        "contract_id.line_ids.price_total",
        "contract_id.line_ids.date_from",
        "contract_id.line_ids.date_to",
        "contract_id.prorate",
        "date_start",
        "date_end",
    )
    def _compute_amount_total(self):
        for period in self:
            if period.move_id:
                period.amount_total = period.move_id.amount_total
            else:
                period.amount_total = period._get_amount_to_bill()

    @api.depends("contract_id", "date_start", "date_end")
    def _compute_display_name(self):
        for period in self:
            period.display_name = f"{period.contract_id.display_name}: {period._get_title(self.env.lang)}"

    # -------------------------------------------------------------------------
    # CRUD
    # -------------------------------------------------------------------------

    @api.ondelete(at_uninstall=False)
    def _unlink_except_billed(self):
        billed = self.filtered("move_ids")
        if billed:
            raise UserError(
                self.env._(
                    "A period with an invoice can't be deleted: %(periods)s",
                    periods=", ".join(billed.mapped("display_name")),
                )
            )

    # -------------------------------------------------------------------------
    # ACTIONS
    # -------------------------------------------------------------------------

    def action_view_move(self):
        """Invoice of the period."""
        self.ensure_one()
        return self.move_id._get_records_action(name=self.env._("Invoice"))
