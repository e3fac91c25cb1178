from odoo import api, fields, models
from odoo.tools import SQL, formatLang

# A row's id is the id of what it stands for times the number of sources, plus the source's own number.
SOURCES = 5
MONEY_JOURNALS = ("bank", "cash", "credit")


class CrmPaymentPlanReport(models.Model):
    """Money planned to come from clients and money that came, by day, in the company's currency.

    Planned is what was invoiced, paid or not, on its due date, less credit notes; and what the ledger of periods still
    has to bill, on its planned payment date. Received is every posted receivable item of a bank or cash journal, on its
    own date: so each payment counts once, whether it is reconciled or not, and what was given back counts against it.
    The parts of a payment stand with the contracts of the invoices that they paid.
    """

    _name = "crm.payment.plan.report"
    _description = "Planned and Received Payments"
    _auto = False
    _order = "date, id"
    _depends = {
        "account.account": ["account_type"],
        "account.journal": ["type"],
        "account.move": ["contract_id", "move_type", "name", "origin_payment_id", "state"],
        "account.move.line": [
            "account_id",
            "amount_residual",
            "balance",
            "company_id",
            "date",
            "date_maturity",
            "journal_id",
            "move_id",
            "move_name",
            "parent_state",
            "partner_id",
        ],
        "account.partial.reconcile": ["amount", "credit_move_id", "debit_move_id"],
        "account.payment": ["contract_id"],
        "crm.contract": ["company_id", "currency_id", "name", "partner_id", "user_id"],
        "crm.contract.period": ["amount_total", "contract_id", "move_id", "payment_date", "state"],
        "res.company": ["currency_id"],
        "res.partner": ["commercial_partner_id", "user_id"],
    }

    # -------------------------------------------------------------------------
    # FIELDS
    # -------------------------------------------------------------------------

    name = fields.Char(string="Document", readonly=True)
    date = fields.Date(string="Day", readonly=True)
    kind = fields.Selection(
        [("invoiced", "Planned: Invoiced"), ("to_bill", "Planned: to Be Billed"), ("received", "Received")],
        readonly=True,
    )
    move_id = fields.Many2one("account.move", string="Invoice or Entry", readonly=True)
    partner_id = fields.Many2one("res.partner", string="Client", readonly=True)
    contract_id = fields.Many2one("crm.contract", readonly=True)
    user_id = fields.Many2one(
        "res.users", string="Responsible", readonly=True, help="For the contract; without a contract, for the client."
    )
    company_id = fields.Many2one("res.company", readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    amount = fields.Monetary(readonly=True, help="Planned or received, as the kind says.")
    amount_planned = fields.Monetary(string="Planned", readonly=True)
    amount_received = fields.Monetary(string="Received", readonly=True)
    amount_open = fields.Monetary(string="Still Unpaid", readonly=True, help="The part of the plan that is not paid.")

    # -------------------------------------------------------------------------
    # COMPUTES
    # -------------------------------------------------------------------------

    @api.depends("partner_id", "amount", "currency_id", "name")
    def _compute_display_name(self):
        for row in self:
            amount = formatLang(self.env, row.amount, currency_obj=row.currency_id)
            # In a narrow day of the calendar the amount is what counts.
            row.display_name = " · ".join(filter(None, (amount, row.partner_id.name or row.name)))

    # -------------------------------------------------------------------------
    # ACTIONS
    # -------------------------------------------------------------------------

    def action_open(self):
        """The invoice or the payment behind the row; the contract of what is still to be billed."""
        self.ensure_one()
        if self.kind == "to_bill":
            return self.contract_id._get_records_action(name=self.env._("Contract"))
        return self.move_id.action_open_business_doc()

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    @property
    def _table_query(self):
        sources = [self._invoiced(), self._to_bill(), *self._received()]
        return SQL(
            """
            SELECT source.id * %(sources)s + source.number AS id, source.name, source.date, source.kind, source.move_id,
                   partner.commercial_partner_id AS partner_id, source.contract_id,
                   COALESCE(contract.user_id, client.user_id) AS user_id, source.company_id, company.currency_id,
                   source.amount,
                   CASE WHEN source.kind = 'received' THEN 0 ELSE source.amount END AS amount_planned,
                   CASE WHEN source.kind = 'received' THEN source.amount ELSE 0 END AS amount_received,
                   source.amount_open
              FROM (%(union)s) source
              LEFT JOIN crm_contract contract ON contract.id = source.contract_id
              LEFT JOIN res_partner partner ON partner.id = source.partner_id
              LEFT JOIN res_partner client ON client.id = partner.commercial_partner_id
              LEFT JOIN res_company company ON company.id = source.company_id
            """,
            sources=SOURCES,
            union=SQL(" UNION ALL ").join(sources),
        )

    @api.model
    def _invoiced(self):
        return SQL(
            """
            SELECT line.id::bigint, 0 AS number, line.move_name AS name,
                   COALESCE(line.date_maturity, line.date) AS date, 'invoiced' AS kind,
                   line.move_id, line.partner_id, move.contract_id, line.company_id,
                   line.balance AS amount, line.amount_residual AS amount_open
              FROM account_move_line line
              JOIN account_account account ON account.id = line.account_id
              JOIN account_move move ON move.id = line.move_id
             WHERE account.account_type = 'asset_receivable'
               AND line.parent_state = 'posted'
               AND move.move_type IN ('out_invoice', 'out_refund')
            """
        )

    @api.model
    def _to_bill(self):
        """Periods without an invoice, and those whose invoice is still a draft, at today's rates."""
        return SQL(
            """
            SELECT period.id::bigint, 1, contract.name, period.payment_date, 'to_bill', period.move_id,
                   contract.partner_id, contract.id, contract.company_id, %(amount)s, %(amount)s
              FROM crm_contract_period period
              JOIN crm_contract contract ON contract.id = period.contract_id
              LEFT JOIN account_move move ON move.id = period.move_id
             WHERE period.payment_date IS NOT NULL
               AND (period.state IN ('due', 'failed') OR period.state = 'billed' AND move.state = 'draft')
            """,
            amount=SQL(
                "ROUND(period.amount_total * %s, 2)",
                self._get_rate_sql(SQL("contract.company_id"), SQL("contract.currency_id")),
            ),
        )

    @api.model
    def _received(self):
        """What invoices took of the money, what was given back of theirs, and what nothing has taken yet."""
        money = SQL(
            """
              JOIN account_account account ON account.id = line.account_id
              JOIN account_journal journal ON journal.id = line.journal_id
             WHERE account.account_type = 'asset_receivable'
               AND line.parent_state = 'posted'
               AND journal.type IN %s
            """,
            MONEY_JOURNALS,
        )
        return [
            self._received_part(money, number=2, own=SQL("credit_move_id"), other=SQL("debit_move_id"), sign=SQL("")),
            self._received_part(money, number=3, own=SQL("debit_move_id"), other=SQL("credit_move_id"), sign=SQL("-")),
            SQL(
                """
                SELECT line.id::bigint, 4, line.move_name, line.date, 'received', line.move_id, line.partner_id,
                       payment.contract_id, line.company_id, -line.amount_residual, 0
                  FROM account_move_line line
                  JOIN account_move move ON move.id = line.move_id
                  LEFT JOIN account_payment payment ON payment.id = move.origin_payment_id
                  %s AND line.amount_residual <> 0
                """,
                money,
            ),
        ]

    @api.model
    def _received_part(self, money, number, own, other, sign):
        return SQL(
            """
            SELECT part.id::bigint, %(number)s, line.move_name, line.date, 'received', line.move_id, line.partner_id,
                   COALESCE(invoice.contract_id, payment.contract_id), line.company_id, %(sign)s part.amount, 0
              FROM account_move_line line
              JOIN account_partial_reconcile part ON part.%(own)s = line.id
              JOIN account_move_line counterpart ON counterpart.id = part.%(other)s
              JOIN account_move invoice ON invoice.id = counterpart.move_id
              JOIN account_move move ON move.id = line.move_id
              LEFT JOIN account_payment payment ON payment.id = move.origin_payment_id
              %(money)s
            """,
            number=number,
            sign=sign,
            own=own,
            other=other,
            money=money,
        )

    @api.model
    def _get_rate_sql(self, company, currency):
        """SQL of today's rate from a contract's currency to its company's, with Odoo's own rates."""
        # sudo: rates of all companies; the user's rules choose among their rows.
        currencies = self.env["res.currency"].sudo().search([])  # pylint: disable=no-search-all
        if len(currencies) < 2:
            return SQL("1")
        companies = self.env["res.company"].sudo().with_context(active_test=False).search([])  # pylint: disable=no-search-all
        cases = [
            SQL("WHEN %s = %s AND %s = %s THEN %s::numeric", company, owner.id, currency, other.id, rate)
            for owner in companies
            for other in currencies - owner.currency_id
            for rate in [other._get_conversion_rate(other, owner.currency_id, owner, owner._crm_today())]
        ]
        return SQL("CASE %s ELSE 1 END", SQL(" ").join(cases)) if cases else SQL("1")
