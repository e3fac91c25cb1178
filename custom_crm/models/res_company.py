from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

# Who may print invoices; nobody else has use for signatures.
PRINT_GROUPS = "account.group_account_invoice,account.group_account_readonly"


class ResCompany(models.Model):
    _inherit = "res.company"

    crm_default_user_id = fields.Many2one(
        "res.users",
        string="Default Responsible",
        domain="[('can_be_responsible', '=', True)]",
        help="Takes over contracts and stages whose responsible leaves, and what the system makes by itself.",
    )
    crm_renewal_days = fields.Integer(
        string="Days before the End of a Contract",
        default=30,
        help="So many days before its last day the responsible is asked to renew or finish a contract. 0: never.",
    )
    crm_billing_day = fields.Integer(
        string="Day of the Billing Run",
        default=1,
        help="Day of the month from which the monthly billing run may start.",
    )
    crm_billing_auto = fields.Boolean(string="Start the Monthly Billing Run by Itself")
    crm_billing_post = fields.Boolean(string="Post Invoices of a Billing Run", default=True)
    crm_billing_send = fields.Boolean(string="Mail Invoices after a Billing Run")
    crm_billing_chunk_size = fields.Integer(
        string="Invoices per Transaction",
        default=100,
        help="A billing run commits after this number of invoices. 100 to 200 is fastest.",
    )
    crm_reminder_days = fields.Integer(
        string="Days before the Deadline of a Stage",
        default=1,
        help="The responsible for a stage is reminded this number of days before its deadline. 0: no reminder.",
    )

    crm_accountant_name = fields.Char(string="Chief Accountant", help="Whose name stands beside the signature.")
    crm_director_signature = fields.Image(
        string="Director's Signature", max_width=1024, max_height=512, groups=PRINT_GROUPS
    )
    crm_accountant_signature = fields.Image(
        string="Chief Accountant's Signature", max_width=1024, max_height=512, groups=PRINT_GROUPS
    )
    crm_stamp = fields.Image(string="Company Stamp", max_width=1024, max_height=1024, groups=PRINT_GROUPS)

    crm_archive_days = fields.Integer(
        string="Days until Settled Invoices are Archived",
        help="Invoices that were paid or credited in full this number of days ago go into the archive by themselves. "
        "0: never.",
    )

    _crm_archive_days_positive = models.Constraint(
        "CHECK(crm_archive_days IS NULL OR crm_archive_days >= 0)",
        "The number of days until invoices are archived can't be negative.",
    )
    _crm_reminder_days_positive = models.Constraint(
        "CHECK(crm_reminder_days IS NULL OR crm_reminder_days >= 0)",
        "The number of days before a deadline can't be negative.",
    )
    _crm_billing_day_range = models.Constraint(
        "CHECK(crm_billing_day IS NULL OR crm_billing_day BETWEEN 1 AND 28)",
        "The day of the billing run must be between 1 and 28.",
    )
    _crm_renewal_days_positive = models.Constraint(
        "CHECK(crm_renewal_days IS NULL OR crm_renewal_days >= 0)",
        "The number of days before the end of a contract can't be negative.",
    )
    _crm_billing_chunk_size_range = models.Constraint(
        "CHECK(crm_billing_chunk_size IS NULL OR crm_billing_chunk_size BETWEEN 1 AND 1000)",
        "The number of invoices per transaction must be between 1 and 1000.",
    )

    # -------------------------------------------------------------------------
    # CHECKS
    # -------------------------------------------------------------------------

    @api.constrains("crm_default_user_id")
    def _check_crm_default_user(self):
        for company in self:
            user = company.crm_default_user_id
            if user and not user._can_be_responsible(company):
                raise ValidationError(
                    self.env._(
                        "%(user)s can't be the default responsible of %(company)s (%(reason)s). Choose somebody else.",
                        user=user.name,
                        company=company.name,
                        reason=user._get_unfit_reason(company),
                    )
                )

    @api.constrains("crm_archive_days")
    def _check_crm_archive_days(self):
        """What the database keeps as well, in words for the user."""
        if any(company.crm_archive_days < 0 for company in self):
            raise ValidationError(self.env._("The number of days until invoices are archived can't be negative."))

    @api.constrains("crm_billing_chunk_size", "crm_billing_day", "crm_reminder_days", "crm_renewal_days")
    def _check_crm_numbers(self):
        """What the database keeps as well, in words for the user."""
        for company in self:
            if company.crm_reminder_days < 0 or company.crm_renewal_days < 0:
                raise ValidationError(self.env._("A number of days can't be negative. Enter 0 for no reminder."))
            if not 1 <= company.crm_billing_day <= 28:
                raise ValidationError(self.env._("The day of the billing run must be between 1 and 28."))
            if not 1 <= company.crm_billing_chunk_size <= 1000:
                raise ValidationError(self.env._("The number of invoices per transaction must be between 1 and 1000."))

    # -------------------------------------------------------------------------
    # CRUD
    # -------------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        companies = super().create(vals_list)
        companies._create_contract_sequences()
        return companies

    def write(self, vals):
        if "user_ids" not in vals:
            return super().write(vals)
        # Who loses a company hands over what they are responsible for in it. sudo: as on the side of the users.
        with self.sudo().user_ids._keep_responsible():
            return super().write(vals)

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    @api.model
    def _create_missing_contract_sequences(self):
        """Give every company its sequence of contract numbers. Called when the add-on is installed or updated."""
        numbered = self.env["ir.sequence"].search([("code", "=", "crm.contract"), ("company_id", "!=", False)])
        self.search([("id", "not in", numbered.company_id.ids)])._create_contract_sequences()

    def _create_contract_sequences(self):
        # sudo: whoever may create a company gets its numbering with it, right on sequences or not.
        self.env["ir.sequence"].sudo().create([company._prepare_contract_sequence_vals() for company in self])

    def _prepare_contract_sequence_vals(self):
        self.ensure_one()
        return {
            "name": self.env._("Contracts of %(company)s", company=self.name),
            "code": "crm.contract",
            "company_id": self.id,
            "prefix": "%(range_year)s-",
            "padding": 4,
            "use_date_range": True,
        }

    def _crm_today(self):
        """Today in the company's time zone. One company.

        :rtype: datetime.date
        """
        return self._crm_day(fields.Datetime.now())

    def _crm_day(self, moment):
        """Day of a moment (UTC) in the company's time zone (its address' or the server's when it has none).

        :rtype: datetime.date
        """
        self.ensure_one()
        # Only this field, of all companies that were searched with this one: lists ask for the day with every page.
        partner = self.partner_id.with_context(prefetch_fields=False)
        timezone = partner.tz or self.env.context.get("tz") or self.env.user.tz or "UTC"
        return fields.Date.context_today(self.with_context(tz=timezone), moment)

    @api.model
    def _crm_today_sql(self, company):
        """SQL of the day that it is now for the company of a row.

        :param SQL company: the column with the company's id
        """
        # sudo: companies of all time zones; the user's rules choose among their records.
        companies = self.sudo().with_context(active_test=False).search([])  # pylint: disable=no-search-all
        days = companies.grouped(lambda company: company._crm_today())
        cases = [SQL("WHEN %s IN %s THEN %s::date", company, tuple(group.ids), day) for day, group in days.items()]
        return SQL("CASE %s END", SQL(" ").join(cases))
