from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tools.sql import column_exists, create_column

POSTED_STATES = ("in_process", "paid")
# What the entry was made of: fixed once it is posted.
ENTRY_FIELDS = {
    "amount",
    "company_id",
    "currency_id",
    "date",
    "destination_account_id",
    "journal_id",
    "partner_id",
    "partner_type",
    "payment_type",
}
# What decides which entry an order has and in what state: the cashier changes it by the buttons only.
PROTECTED_FIELDS = {
    "destination_account_id",
    "force_balance",
    "invoice_ids",
    "line_ids",
    "move_id",
    "name",
    "outstanding_account_id",
    "paired_internal_transfer_payment_id",
    "state",
    "write_off_line_vals",
}


class AccountPayment(models.Model):
    """A payment in a cash journal is a cash order: receipt if inbound, expense if outbound.

    **To the cash account.** Its entry goes straight to the cash account of the journal, also where the payment method
    names another account or none: money in the till is there at once, nothing is outstanding, and no bank statement
    comes later to move it. So the balance of the account is the balance of the till.

    **Chosen amounts.** ``allocation_ids`` says how much goes to which invoice. Posting reconciles exactly these
    amounts, by Odoo's own ``reconcile`` with the share of the payment's line that an invoice may take limited
    (``account.move.line._prepare_reconciliation_amls``). So the entry stays the two lines that Odoo itself makes for a
    payment, exchange differences, cash basis taxes and full matching are Odoo's, an advance is the open rest of
    the one receivable line, and accountants undo and redo all of it as with any payment. A line for each invoice would
    need no such limit, but Odoo's synchronisation of a draft payment with its entry knows only one receivable line,
    and a posted advance could not be allocated in parts later.
    """

    _inherit = "account.payment"

    # -------------------------------------------------------------------------
    # FIELDS
    # -------------------------------------------------------------------------

    is_cash_order = fields.Boolean(
        string="Cash Order",
        compute="_compute_is_cash_order",
        store=True,
        precompute=True,
        index=True,
        help="The journal is a cash desk.",
    )
    contract_id = fields.Many2one(
        "crm.contract",
        compute="_compute_contract_id",
        store=True,
        readonly=False,
        copy=True,
        index="btree_not_null",
        ondelete="restrict",
        tracking=True,
        check_company=True,
        domain="[('partner_id', 'child_of', partner_id)]",
    )
    basis = fields.Char(
        compute="_compute_basis",
        store=True,
        readonly=False,
        copy=False,
        help="What the money is for, as printed on the order. Filled in from the invoices.",
    )
    allocation_ids = fields.One2many("account.payment.allocation", "payment_id", string="Invoices to Pay", copy=False)
    amount_allocated = fields.Monetary(
        string="For Invoices",
        compute="_compute_amount_allocated",
        compute_sudo=True,
        help="Once posted: what is really reconciled.",
    )
    amount_unallocated = fields.Monetary(
        string="Advance", compute="_compute_amount_allocated", compute_sudo=True, help="What is not for an invoice yet."
    )

    # -------------------------------------------------------------------------
    # COMPUTES
    # -------------------------------------------------------------------------

    @api.depends("journal_id.type")
    def _compute_is_cash_order(self):
        for payment in self:
            payment.is_cash_order = payment.journal_id.type == "cash"

    @api.depends("allocation_ids.move_id", "partner_id")
    def _compute_contract_id(self):
        """The one contract of all chosen invoices; another choice of the user stays while it fits the client."""
        for payment in self:
            contracts = [allocation.move_id.contract_id for allocation in payment.allocation_ids]
            if contracts and all(contract == contracts[0] for contract in contracts):
                payment.contract_id = contracts[0] or payment.contract_id
            if payment.contract_id.partner_id.commercial_partner_id != payment.partner_id.commercial_partner_id:
                payment.contract_id = False

    @api.depends("allocation_ids.move_id")
    def _compute_basis(self):
        """Names of the chosen invoices, unless somebody wrote another text."""
        for payment in self:
            is_ours = not payment.basis or payment.basis.startswith(payment._get_basis([]))
            names = [allocation.move_id.name for allocation in payment.allocation_ids if allocation.move_id]
            if is_ours and (names or payment.basis):
                payment.basis = payment._get_basis(names) if names else False

    @api.depends(
        "amount",
        "state",
        "allocation_ids.amount",
        "move_id.line_ids.amount_currency",
        "move_id.line_ids.amount_residual_currency",
    )
    def _compute_amount_allocated(self):
        for payment in self:
            if payment.state in POSTED_STATES and payment.move_id:
                lines = payment._seek_for_lines()[1]
                payment.amount_unallocated = abs(sum(lines.mapped("amount_residual_currency")))
                payment.amount_allocated = abs(sum(lines.mapped("amount_currency"))) - payment.amount_unallocated
            else:
                payment.amount_allocated = sum(payment.allocation_ids.mapped("amount"))
                payment.amount_unallocated = payment.amount - payment.amount_allocated

    def _compute_journal_id(self):
        # EXTENDS 'account': on the screens of the cash desk the journal is a cash desk, whatever the client prefers
        chosen = {payment: payment.journal_id for payment in self}
        super()._compute_journal_id()
        if not self.env.context.get("cash_desk"):
            return
        for payment in self.filtered(lambda payment: payment.journal_id.type != "cash"):
            company = payment.company_id or self.env.company
            journal = chosen[payment]
            if journal.type != "cash" or journal.company_id != company:
                journal = payment._get_cash_journal(company)
            payment.journal_id = journal

    @api.depends("journal_id")
    def _compute_outstanding_account_id(self):
        # EXTENDS 'account': straight to the cash account
        result = super()._compute_outstanding_account_id()
        for payment in self:
            if payment.journal_id.type == "cash" and payment.journal_id.default_account_id:
                payment.outstanding_account_id = payment.journal_id.default_account_id
        return result

    @api.depends("allocation_ids.move_id")
    def _compute_destination_account_id(self):
        # EXTENDS 'account': invoices may stand on another receivable account than the client's of today
        result = super()._compute_destination_account_id()
        for payment in self.filtered("allocation_ids"):
            accounts = payment.allocation_ids.move_id.line_ids._filter_open_receivable().account_id
            if len(accounts) == 1:
                payment.destination_account_id = accounts
        return result

    def _compute_stat_buttons_from_reconciliation(self):
        # EXTENDS 'account': sudo, as it looks up bank statement lines too, which cashiers can't read
        return super(AccountPayment, self.sudo())._compute_stat_buttons_from_reconciliation()

    def _compute_duplicate_payment_ids(self):
        # EXTENDS 'account': sudo, as it asks the database itself and may find bank payments, which cashiers can't see
        result = super(AccountPayment, self.sudo())._compute_duplicate_payment_ids()
        for payment in self.filtered(lambda payment: payment.sudo().duplicate_payment_ids):
            found = payment.sudo().duplicate_payment_ids.with_env(self.env)
            payment.duplicate_payment_ids = found._filtered_access("read")
        return result

    @api.onchange("amount")
    def _onchange_amount(self):
        """A lower amount is taken off the invoices that fall due last, or the form could not be saved.

        Invoices that were chosen before there was an amount get theirs.
        """
        if not self.amount:
            return
        waiting = self.allocation_ids.filtered(lambda row: not row.amount)
        excess = sum(self.allocation_ids.mapped("amount")) - self.amount
        for allocation in (self.allocation_ids - waiting).sorted("invoice_date_due", reverse=True):
            if self.currency_id.compare_amounts(excess, 0) <= 0:
                break
            cut = min(excess, allocation.amount)
            excess -= cut
            allocation.amount -= cut
        waiting._compute_amount()
        self.allocation_ids -= (self.allocation_ids - waiting).filtered(
            lambda row: self.currency_id.is_zero(row.amount)
        )

    # -------------------------------------------------------------------------
    # CHECKS
    # -------------------------------------------------------------------------

    @api.constrains("contract_id", "partner_id")
    def _check_contract_partner(self):
        for payment in self.filtered("contract_id"):
            client = payment.contract_id.partner_id
            if client.commercial_partner_id != payment.partner_id.commercial_partner_id:
                raise ValidationError(
                    self.env._(
                        "Contract %(contract)s is with %(client)s, not with %(partner)s.",
                        contract=payment.contract_id.display_name,
                        client=client.display_name,
                        partner=payment.partner_id.display_name or self.env._("nobody"),
                    )
                )

    @api.constrains("amount", "partner_id", "payment_type", "partner_type", "allocation_ids")
    def _check_allocations(self):
        # Not on fields computed from the client, they would be judged before the rows of a change of client are there.
        # Posting checks everything once more.
        drafts = self.filtered(lambda payment: payment.state == "draft" and payment.allocation_ids)
        for allocation in drafts.allocation_ids:
            allocation.payment_id._check_allocation(allocation)
        drafts._check_allocated_total()

    def _check_cash_order_complete(self):
        """:raises ValidationError: a cash order without a sum, or money from nobody"""
        for order in self.filtered("is_cash_order"):
            if order.currency_id.is_zero(order.amount):
                raise ValidationError(self.env._("Enter the sum of the cash order, it can't be zero."))
            if not order.partner_id and order.payment_type == "inbound":
                raise ValidationError(self.env._("Choose the client from whom the money is received."))

    def _check_allocated_total(self):
        """:raises ValidationError: more is allocated than a payment has"""
        for payment in self:
            total = sum(payment.allocation_ids.mapped("amount"))
            if payment.currency_id.compare_amounts(total, payment.amount) > 0:
                raise ValidationError(
                    self.env._(
                        "The amounts for invoices, %(total)s together, exceed the payment of %(amount)s. "
                        "Lower them or correct the amount of the payment.",
                        total=payment.currency_id.format(total),
                        amount=payment.currency_id.format(payment.amount),
                    )
                )

    def _check_allocation(self, allocation):
        """:raises ValidationError: the payment can't pay this invoice, or not that much of it"""
        self.ensure_one()
        invoice = allocation.move_id
        if (self.payment_type, self.partner_type) != ("inbound", "customer"):
            raise ValidationError(self.env._("Only money received from a client can be allocated to invoices."))
        if (
            invoice.move_type != "out_invoice"
            or invoice.state != "posted"
            or invoice.company_id != self.company_id
            or invoice.commercial_partner_id != self.partner_id.commercial_partner_id
        ):
            raise ValidationError(
                self.env._(
                    "%(invoice)s is no posted invoice of %(client)s. Choose one of the client's open invoices.",
                    invoice=invoice.display_name,
                    client=self.partner_id.display_name or self.env._("the client"),
                )
            )
        residual = self._get_open_amount(invoice)
        if self.currency_id.compare_amounts(allocation.amount, residual) > 0:
            raise ValidationError(
                self.env._(
                    "%(amount)s for invoice %(invoice)s is more than is open in it: %(residual)s. Lower the amount or "
                    "remove the invoice; the rest of the payment stays an advance.",
                    amount=self.currency_id.format(allocation.amount),
                    invoice=invoice.display_name,
                    residual=self.currency_id.format(residual),
                )
            )

    # -------------------------------------------------------------------------
    # CRUD
    # -------------------------------------------------------------------------

    def _auto_init(self):
        # On a database in use: fill the columns at once, or every payment would be computed, one by one.
        if not column_exists(self.env.cr, "account_payment", "is_cash_order"):
            create_column(self.env.cr, "account_payment", "is_cash_order", "boolean")
            create_column(self.env.cr, "account_payment", "contract_id", "int4")
            create_column(self.env.cr, "account_payment", "basis", "varchar")
            self.env.cr.execute(
                """UPDATE account_payment payment SET is_cash_order = (journal.type = 'cash')
                     FROM account_journal journal WHERE journal.id = payment.journal_id"""
            )
        return super()._auto_init()

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_protected({name for name in vals if vals[name] and (name, vals[name]) != ("state", "draft")})
        self._check_protected({name for name in PROTECTED_FIELDS if self.env.context.get(f"default_{name}")})
        return super().create(vals_list)

    def write(self, vals):
        self._check_protected(self._get_changes(vals, PROTECTED_FIELDS))
        self._check_entry_unchanged(vals)
        to_post = self.browse()
        if vals.get("state") in POSTED_STATES and not vals.get("move_id"):
            to_post = self.filtered(lambda payment: payment.state not in POSTED_STATES)
            to_post._check_cash_order_complete()
            to_post._synchronize_receivable_account()
        result = super().write(vals)
        if self._is_restricted_cashier():
            # Odoo checks the rules before it writes only; a cash order must not become a bank payment.
            self.check_access("write")
        # Here and not in action_post: this is what all ways to post a payment come down to.
        to_post._reconcile_allocations()
        return result

    def _get_changes(self, vals, names):
        """Those of the names that ``vals`` would change in any of the payments."""

        def is_change(payment, name):
            field = self._fields.get(name)
            if not field or field.type in ("one2many", "many2many"):
                return bool(vals[name])
            return field.convert_to_cache(vals[name], payment) != field.convert_to_cache(payment[name], payment)

        return {name for name in names & vals.keys() if any(is_change(payment, name) for payment in self)}

    def _check_protected(self, names):
        """A cashier neither chooses the entry of a payment nor changes its state but by the buttons."""
        protected = names & PROTECTED_FIELDS
        if protected and self._is_restricted_cashier():
            raise AccessError(
                self.env._("A cashier can't change these fields: %(fields)s.", fields=", ".join(sorted(protected)))
            )

    def _check_entry_unchanged(self, vals):
        if not ENTRY_FIELDS & vals.keys():
            return
        for order in self.filtered(lambda payment: payment.is_cash_order and payment.move_id.state == "posted"):
            if order._get_changes(vals, ENTRY_FIELDS):
                raise UserError(
                    self.env._("Cash order %(order)s is posted. Reset it to draft to correct it.", order=order.name)
                )

    # -------------------------------------------------------------------------
    # ACTIONS
    # -------------------------------------------------------------------------

    def action_post(self):
        # EXTENDS 'account': cashiers post cash orders
        return super(AccountPayment, self._with_cash_rights()).action_post()

    def action_draft(self):
        # EXTENDS 'account': cashiers reset cash orders; the allocations show again what the order paid
        payments = self._with_cash_rights()
        reconciled = payments._get_reconciled_amounts()
        result = super(AccountPayment, payments).action_draft()
        payments._take_back_allocations(reconciled)
        return result

    def action_cancel(self):
        # EXTENDS 'account': cashiers cancel cash orders; the allocations show again what the order paid
        payments = self._with_cash_rights()
        reconciled = payments._get_reconciled_amounts()
        result = super(AccountPayment, payments).action_cancel()
        payments._take_back_allocations(reconciled)
        return result

    def action_propose_allocations(self):
        """Distribute the amount over the client's open invoices, oldest due date first, in place of what is there.

        :raises UserError: no draft receipt, no client, no amount, or nothing is open
        """
        for payment in self:
            if payment.state != "draft":
                raise UserError(self.env._("Only the amount of a draft can be distributed."))
            if not payment.partner_id:
                raise UserError(self.env._("Choose the client first."))
            if payment.currency_id.is_zero(payment.amount):
                raise UserError(self.env._("Enter the amount received first, then distribute it."))
            commands = payment._prepare_allocations()
            if not commands:
                raise UserError(
                    self.env._(
                        "%(client)s has no open invoices. Confirm the order as it is: all of it is an advance then.",
                        client=payment.partner_id.display_name,
                    )
                )
            payment.allocation_ids = [Command.clear(), *commands]
        return True

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    @api.model
    def _get_cash_journal(self, company):
        Journal = self.env["account.journal"]
        return Journal.search([*Journal._check_company_domain(company), ("type", "=", "cash")], limit=1)

    def _get_outstanding_account(self, payment_type):
        # EXTENDS 'account': straight to the cash account
        if self.journal_id.type == "cash" and self.journal_id.default_account_id:
            return self.journal_id.default_account_id
        return super()._get_outstanding_account(payment_type)

    def _synchronize_to_moves(self, changed_fields):
        # EXTENDS 'account': cashiers correct cash orders that were posted before
        return super(AccountPayment, self._with_cash_rights())._synchronize_to_moves(changed_fields)

    def _inverse_memo(self):
        # EXTENDS 'account': the same for the memo
        return super(AccountPayment, self._with_cash_rights())._inverse_memo()

    def _get_basis(self, numbers):
        """Text of the basis in the language of the company, whose document the order is."""
        self.ensure_one()
        payment = self.with_context(lang=self.company_id.partner_id.lang or self.env.lang)
        return payment.env._("Invoices: %(numbers)s", numbers=", ".join(numbers))

    # Rights

    def _is_restricted_cashier(self):
        """Whether the user has no other right on payments than that of a cashier."""
        user = self.env.user
        return (
            not self.env.su
            and user.has_group("custom_crm.group_cashier")
            and not user.has_group("account.group_account_invoice")
        )

    def _with_cash_rights(self):
        """The same payments with the rights on accounting that the buttons of a cash order need.

        :raises AccessError: a cashier may not change one of the payments, or it is no cash order
        """
        if not self._is_restricted_cashier():
            return self
        self.check_access("write")
        orders = self.sudo()
        foreign = orders.filtered(
            lambda order: not order.is_cash_order or (order.move_id and order.move_id.origin_payment_id != order)
        )
        if foreign:
            raise AccessError(self.env._("A cashier posts, resets and cancels cash orders only."))
        # sudo: Odoo wants the right on all invoicing for this. It is safe: the user may write these very payments, all
        # are in cash journals, each entry is the payment's own (cashiers can't choose it, see _check_protected), and
        # the buttons touch nothing but that entry and its reconciliation.
        return orders

    # Allocations

    def _get_open_amount(self, invoice):
        """What is open in the invoice, in the currency of the payment at its date."""
        self.ensure_one()
        company = self.company_id or self.env.company
        date = self.date or company._crm_today()
        return invoice.currency_id._convert(invoice.amount_residual, self.currency_id, company, date)

    def _get_open_invoices(self):
        """Invoices of the client that the payment can pay, oldest due date first."""
        self.ensure_one()
        return self.env["account.move"].search(
            [
                ("move_type", "=", "out_invoice"),
                ("state", "=", "posted"),
                ("payment_state", "in", ("not_paid", "partial")),
                ("commercial_partner_id", "=", self.partner_id.commercial_partner_id.id),
                ("company_id", "=", self.company_id.id),
            ],
            order="invoice_date_due, id",
        )

    def _prepare_allocations(self):
        """Commands for ``allocation_ids``: the amount over the open invoices, oldest first."""
        self.ensure_one()
        rest = self.amount
        commands = []
        for invoice in self._get_open_invoices():
            amount = min(rest, self._get_open_amount(invoice))
            if self.currency_id.compare_amounts(amount, 0.0) > 0:
                commands.append(Command.create({"move_id": invoice.id, "amount": amount}))
                rest -= amount
        return commands

    def _synchronize_receivable_account(self):
        """Drafts that were posted before have an entry already, maybe on the account of other invoices."""
        for payment in self.filtered(lambda payment: payment.allocation_ids and payment.move_id.state == "draft"):
            if payment._seek_for_lines()[1].account_id != payment.destination_account_id:
                payment._synchronize_to_moves({"destination_account_id"})

    def _reconcile_allocations(self):
        """Reconcile the chosen amounts with the invoices. Entries that are reconciled already stay as they are.

        :raises UserError: an invoice has less open than is allocated to it, or somebody is paying it at this moment
        """
        orders = self.filtered(lambda payment: payment.allocation_ids and payment.move_id.state == "posted")
        orders = orders.filtered(lambda payment: not payment._seek_for_lines()[1]._has_matches())
        if not orders:
            return
        orders.allocation_ids.move_id.line_ids._filter_open_receivable()._lock_to_pay()
        for allocation in orders.allocation_ids:
            allocation.payment_id._check_allocation(allocation)
        orders._check_allocated_total()
        plan, amounts = [], {}
        for order in orders:
            line = order._seek_for_lines()[1]
            for allocation in order.allocation_ids:
                invoice_lines = allocation.move_id.line_ids._filter_open_receivable()
                order._check_receivable_account(line, invoice_lines)
                amounts[line.id, allocation.move_id.id] = allocation.amount
                plan.append(line + invoice_lines)
        self.env["account.move.line"].with_context(allocated_amounts=amounts)._reconcile_plan(plan)
        orders._check_fully_reconciled()

    def _check_receivable_account(self, line, invoice_lines):
        """:raises UserError: Odoo can't reconcile the payment's line with those of an invoice"""
        if len(line) != 1 or invoice_lines.account_id != line.account_id:
            raise UserError(
                self.env._(
                    "Invoice %(invoice)s stands on another receivable account than the payment or its other "
                    "invoices. Pay it by a payment of its own.",
                    invoice=invoice_lines.move_id.display_name,
                )
            )

    def _check_fully_reconciled(self):
        """:raises UserError: two payments of one batch gave an invoice more than was open in it"""
        for payment in self:
            total = sum(payment.allocation_ids.mapped("amount"))
            if payment.currency_id.compare_amounts(payment.amount_allocated, total) != 0:
                raise UserError(
                    self.env._(
                        "The invoices %(invoices)s have less open than the payments give them together.",
                        invoices=", ".join(payment.allocation_ids.move_id.mapped("name")),
                    )
                )

    def _get_reconciled_amounts(self):
        """What posted receipts really paid: ``{payment: {invoice: amount}}``.

        Cash orders and payments with allocations only, and not those with a write-off (discount, difference): their
        entry gives more to the invoices than the payment has, Odoo keeps it as it is.
        """
        amounts = {}
        for payment in self.filtered(lambda payment: payment.state in POSTED_STATES and payment.move_id):
            _liquidity, lines, writeoffs = payment._seek_for_lines()
            if (
                writeoffs
                or not (payment.is_cash_order or payment.allocation_ids)
                or (payment.payment_type, payment.partner_type) != ("inbound", "customer")
            ):
                continue
            amounts[payment] = defaultdict(float)
            partials = lines.matched_debit_ids
            # What an invoice takes at another rate than its own comes in two parts: the second by the difference entry.
            invoice_of = {partial.exchange_move_id: partial.debit_move_id.move_id for partial in partials}
            for partial in partials:
                move = partial.debit_move_id.move_id
                invoice = invoice_of.get(move, move)
                if invoice.move_type == "out_invoice":
                    amounts[payment][invoice] += partial.credit_amount_currency
        return amounts

    def _take_back_allocations(self, reconciled):
        """Undo the reconciliation of these payments, and keep what it was as their allocations."""
        for payment, amounts in reconciled.items():
            payment.move_id.line_ids.remove_move_reconcile()
            rows = [{"move_id": invoice.id, "amount": amount} for invoice, amount in amounts.items() if amount > 0]
            payment.allocation_ids = [Command.clear(), *map(Command.create, rows)]
