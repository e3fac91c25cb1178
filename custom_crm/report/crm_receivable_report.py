from odoo import api, fields, models
from odoo.tools import SQL

# Last day of each age but the last, in days after the due date.
AGES = [(0, "0"), (30, "1_30"), (60, "31_60"), (90, "61_90")]
OLDEST = "91"
ADVANCE = "advance"


class CrmReceivableReport(models.Model):
    """What clients owe and what they have paid in advance: one row per open receivable item of a posted entry.

    The sum of ``amount_residual`` is the balance of the receivable accounts of a company. Items below zero, which are
    payments and credit notes that no invoice has taken yet, are advances and have no age. All days are counted on the
    day of the item's company. A row has the id of its journal item.
    """

    _name = "crm.receivable.report"
    _description = "Receivables"
    _auto = False
    _rec_name = "name"
    _order = "date_due, id"
    _depends = {
        "account.account": ["account_type"],
        "account.move": ["contract_id", "invoice_user_id", "move_type", "origin_payment_id"],
        "account.move.line": [
            "account_id",
            "amount_residual",
            "amount_residual_currency",
            "company_id",
            "currency_id",
            "date",
            "date_maturity",
            "move_id",
            "move_name",
            "parent_state",
            "partner_id",
        ],
        "account.payment": ["contract_id"],
        "crm.contract": ["user_id"],
        "res.company": ["currency_id", "partner_id"],
        "res.partner": ["commercial_partner_id", "tz", "user_id"],
    }

    # -------------------------------------------------------------------------
    # FIELDS
    # -------------------------------------------------------------------------

    name = fields.Char(string="Document", readonly=True)
    move_id = fields.Many2one("account.move", string="Invoice or Entry", readonly=True)
    move_type = fields.Selection(
        selection=lambda self: self.env["account.move"]._fields["move_type"]._description_selection(self.env),
        string="Type",
        readonly=True,
    )
    origin_payment_id = fields.Many2one("account.payment", string="Payment", readonly=True)
    partner_id = fields.Many2one("res.partner", string="Client", readonly=True)
    contract_id = fields.Many2one("crm.contract", readonly=True, help="Of the invoice, or of the payment in advance.")
    user_id = fields.Many2one(
        "res.users", string="Responsible", readonly=True, help="For the contract; without a contract, for the client."
    )
    invoice_user_id = fields.Many2one("res.users", string="Salesperson", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    item_currency_id = fields.Many2one("res.currency", string="Currency of the Document", readonly=True)
    date = fields.Date(readonly=True)
    date_due = fields.Date(string="Due Date", readonly=True)
    kind = fields.Selection([("debt", "Debt"), ("advance", "Advance")], readonly=True)
    # Groups come in the order of these values.
    age = fields.Selection(
        [
            ("0", "Not Due"),
            ("1_30", "1–30 Days"),
            ("31_60", "31–60 Days"),
            ("61_90", "61–90 Days"),
            (OLDEST, "Over 90 Days"),
            (ADVANCE, "Advances"),
        ],
        readonly=True,
        help="Days past the due date; advances apart.",
    )
    days_overdue = fields.Integer(readonly=True, aggregator="max")
    amount_residual = fields.Monetary(
        string="Balance",
        readonly=True,
        help="Debts less advances, in the company's currency: the balance of the receivable account.",
    )
    amount_debt = fields.Monetary(string="Debt", readonly=True)
    amount_overdue = fields.Monetary(string="Overdue", readonly=True, help="The part of the debt past its due date.")
    amount_advance = fields.Monetary(
        string="Advances", readonly=True, help="Payments and credit notes that no invoice has taken yet."
    )
    amount_residual_currency = fields.Monetary(
        string="Balance in the Document's Currency", readonly=True, currency_field="item_currency_id"
    )

    # -------------------------------------------------------------------------
    # ACTIONS
    # -------------------------------------------------------------------------

    def action_open(self):
        """The invoice, the payment or the entry behind the row."""
        self.ensure_one()
        return self.move_id.action_open_business_doc()

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    @property
    def _table_query(self):
        return SQL("%s %s %s", self._select(), self._from(), self._where())

    @api.model
    def _select(self):
        overdue = SQL("(item.residual > 0 AND item.days > 0)")
        return SQL(
            """
            SELECT item.id,
                   item.move_name AS name,
                   item.move_id,
                   move.move_type,
                   move.origin_payment_id,
                   partner.commercial_partner_id AS partner_id,
                   contract.id AS contract_id,
                   COALESCE(contract.user_id, client.user_id) AS user_id,
                   move.invoice_user_id,
                   item.company_id,
                   company.currency_id,
                   item.currency_id AS item_currency_id,
                   item.date,
                   item.date_due,
                   CASE WHEN item.residual < 0 THEN 'advance' ELSE 'debt' END AS kind,
                   CASE WHEN item.residual < 0 THEN %(advance)s %(ages)s ELSE %(oldest)s END AS age,
                   CASE WHEN %(overdue)s THEN item.days ELSE 0 END AS days_overdue,
                   item.residual AS amount_residual,
                   GREATEST(item.residual, 0) AS amount_debt,
                   CASE WHEN %(overdue)s THEN item.residual ELSE 0 END AS amount_overdue,
                   GREATEST(-item.residual, 0) AS amount_advance,
                   item.residual_currency AS amount_residual_currency
            """,
            advance=ADVANCE,
            ages=SQL(" ").join(SQL("WHEN item.days <= %s THEN %s", days, age) for days, age in AGES),
            oldest=OLDEST,
            overdue=overdue,
        )

    @api.model
    def _from(self):
        # Left joins, which PostgreSQL leaves out where their columns are not asked for.
        return SQL(
            """
            FROM (
                SELECT line.id, line.move_id, line.move_name, line.partner_id, line.company_id, line.currency_id,
                       line.date, line.account_id, line.parent_state,
                       COALESCE(line.date_maturity, line.date) AS date_due,
                       %(today)s - COALESCE(line.date_maturity, line.date) AS days,
                       line.amount_residual AS residual, line.amount_residual_currency AS residual_currency
                  FROM account_move_line line
            ) item
            JOIN account_account account ON account.id = item.account_id
            LEFT JOIN account_move move ON move.id = item.move_id
            LEFT JOIN account_payment payment ON payment.id = move.origin_payment_id
            LEFT JOIN crm_contract contract ON contract.id = COALESCE(move.contract_id, payment.contract_id)
            LEFT JOIN res_partner partner ON partner.id = item.partner_id
            LEFT JOIN res_partner client ON client.id = partner.commercial_partner_id
            LEFT JOIN res_company company ON company.id = item.company_id
            """,
            today=self.env["res.company"]._crm_today_sql(SQL("line.company_id")),
        )

    @api.model
    def _where(self):
        # As the index of open items has it. What is reconciled has nothing left.
        return SQL(
            """
            WHERE account.account_type = 'asset_receivable'
              AND item.residual <> 0
              AND item.parent_state = 'posted'
            """
        )
