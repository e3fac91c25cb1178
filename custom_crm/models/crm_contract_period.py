from odoo import api, fields, models
from odoo.exceptions import LockError, UserError
from odoo.tools.mail import plaintext2html


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
    whole_start = fields.Date(
        required=True, readonly=True, help="First day of the whole period that these days are, or are a part of."
    )
    whole_end = fields.Date(required=True, readonly=True, help="Last day of the whole period.")
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
    skip_reason = fields.Text(readonly=True, help="Why somebody decided that the period is not billed.")

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

    def action_skip(self):
        """Ask for the reason, then leave the periods unbilled.

        :raises AccessError: the user may not change the contracts
        """
        self.contract_id.check_access("write")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Do not Bill"),
            "res_model": "crm.contract.period.skip",
            "view_mode": "form",
            "target": "new",
            "context": {"default_period_ids": self.ids},
        }

    def action_check(self):
        """Find anew what is wrong with periods that a draft run holds.

        :raises UserError: their run is started
        """
        self.run_id.action_check()
        return True

    def action_unskip(self):
        """Let the periods that somebody skipped be billed after all.

        :raises AccessError: the user may not change the contracts
        """
        self.contract_id.check_access("write")
        # sudo: nobody writes the ledger by hand; whoever may change the contract decides what is billed.
        periods = self.sudo().filtered("skip_reason")
        periods.write({"is_skipped": False, "skip_reason": False})
        periods._log_on_contracts(
            lambda period: self.env._("To be billed after all: %s", period._get_title(self.env.lang))
        )
        # Drops rows whose days are no longer in the schedule.
        periods.contract_id._sync_ledger()
        return True

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _skip(self, reason):
        """Leave due or failed periods unbilled. They count as settled; a later run does not bill them.

        :raises AccessError: the user may not change the contracts
        :raises UserError: a period is billed, or somebody is billing it at this moment
        """
        self.contract_id.check_access("write")
        self._lock()
        billed = self.filtered("move_id")
        if billed:
            raise UserError(
                self.env._(
                    "These periods are billed, they can't be skipped: %(periods)s",
                    periods=", ".join(billed.mapped("display_name")),
                )
            )
        rows = self.filtered(lambda period: not period.is_skipped)
        # sudo: nobody writes the ledger by hand; whoever may change the contract decides what is billed.
        rows.sudo().write({"is_skipped": True, "skip_reason": reason, "error": False, "problem": False})
        self.contract_id._clear_billing_failure()
        rows._log_on_contracts(
            lambda period: self.env._(
                "Not to be billed: %(period)s. %(reason)s", period=period._get_title(self.env.lang), reason=reason
            )
        )

    def _lock(self):
        """Lock the rows for this transaction.

        :raises UserError: somebody is billing one of them at this moment
        """
        try:
            self.lock_for_update(allow_referencing=True)
        except LockError as error:
            raise UserError(
                self.env._(
                    "%(periods)s: somebody else is billing it right now.",
                    periods=", ".join(self.mapped("display_name")),
                )
            ) from error

    def _touch(self):
        """Make the database see that this transaction changes the rows, though nothing on them does."""
        if self:
            self.env.cr.execute("UPDATE crm_contract_period SET run_id = run_id WHERE id IN %s", [self._ids])

    def _log_on_contracts(self, get_text):
        """Note on the contract of each row what the function says of it; one message a contract."""
        by_contract = self.grouped("contract_id")
        self.contract_id._log_each(lambda contract: plaintext2html("\n".join(map(get_text, by_contract[contract]))))

    def _get_strip_state(self):
        """State of the row, for what is billed also whether it is paid.

        A row that a run of a later month has made is still to come.
        """
        self.ensure_one()
        if self.state == "due" and not self.contract_id._is_due(self, self.company_id._crm_today()):
            return "planned"
        if self.state != "billed":
            return self.state
        # sudo: executors see whether a period is paid, not its invoice.
        move = self.sudo().move_id
        if move.payment_state in ("paid", "in_payment", "reversed"):
            return "paid"
        is_late = move.state == "posted" and move.invoice_date_due < self.company_id._crm_today()
        return "overdue" if is_late else "billed"
