from babel.dates import format_timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.misc import babel_locale_parse, get_lang

SECONDS_OF_A_DAY = 24 * 60 * 60
COMPARISONS = {">": SQL(">"), ">=": SQL(">="), "<": SQL("<"), "<=": SQL("<="), "in": SQL("IN"), "not in": SQL("NOT IN")}


class CrmContractStage(models.Model):
    """How long stages take and how late they are: closed ones until they were closed, open ones until now.

    Time goes on, so the figures of open stages are never stored. Each is computed twice, in Python for a record and in
    SQL for groups, filters and the order of lists.
    """

    # Apart from the passing of stages, which is another matter.
    _inherit = "crm.contract.stage"  # pylint: disable=consider-merging-classes-inherited

    # -------------------------------------------------------------------------
    # FIELDS
    # -------------------------------------------------------------------------

    day_done = fields.Date(
        string="Closed On", compute="_compute_day_done", store=True, help="Day of the company on which it was closed."
    )
    duration = fields.Float(
        string="Duration (Days)",
        compute="_compute_duration",
        search="_search_duration",
        aggregator="avg",
        digits=(16, 1),
        help="Calendar days from opening to closing, or until now while the stage is open.",
    )
    days_overdue = fields.Integer(
        string="Days Late",
        compute="_compute_days_overdue",
        search="_search_days_overdue",
        help="Days from the deadline to closing, or until today while the stage is open.",
    )
    time_spent = fields.Char(
        string="How Long", compute="_compute_time_spent", help="From opening to closing, or until now while it is open."
    )

    # -------------------------------------------------------------------------
    # COMPUTES
    # -------------------------------------------------------------------------

    @api.depends("date_done", "company_id")
    def _compute_day_done(self):
        for stage in self:
            stage.day_done = stage.date_done and stage.company_id._crm_day(stage.date_done)

    @api.depends("date_open", "date_done")
    def _compute_duration(self):
        for stage in self:
            stage.duration = stage._get_time_passed().total_seconds() / SECONDS_OF_A_DAY

    @api.depends("day_done", "date_deadline", "company_id")
    def _compute_days_overdue(self):
        today = {company: company._crm_today() for company in self.company_id}
        for stage in self:
            last_day = stage.day_done or today.get(stage.company_id)
            late = (last_day - stage.date_deadline).days if last_day and stage.date_deadline else 0
            stage.days_overdue = max(late, 0)

    @api.depends("date_open", "date_done")
    @api.depends_context("lang")
    def _compute_time_spent(self):
        """In words and rounded, as a person says it: 3 hours, 5 days."""
        locale = babel_locale_parse(get_lang(self.env).code)
        for stage in self:
            stage.time_spent = format_timedelta(
                stage._get_time_passed(), granularity="minute", threshold=2, locale=locale
            )

    def _search_duration(self, operator, value):
        return self._search_figure("duration", operator, value)

    def _search_days_overdue(self, operator, value):
        return self._search_figure("days_overdue", operator, value)

    @api.model
    def _search_figure(self, field_name, operator, value):
        if operator not in COMPARISONS:
            return NotImplemented
        # "Is not set" asks for False.
        value = tuple(number or 0 for number in value) if "in" in operator else value or 0
        return Domain.custom(
            to_sql=lambda model, alias, query: SQL(
                "%s %s %s", model._field_to_sql(alias, field_name, query), COMPARISONS[operator], value
            )
        )

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _get_time_passed(self):
        self.ensure_one()
        now = fields.Datetime.now()
        return (self.date_done or now) - (self.date_open or now)

    def _field_to_sql(self, alias, field_expr, query=None):
        """Let groups, filters and the order of lists use the figures that aren't stored."""
        if field_expr == "duration":
            # Rounded as the field is.
            return SQL(
                "ROUND((EXTRACT(EPOCH FROM COALESCE(%s, %s) - %s) / %s)::numeric, 1)::float8",
                self._field_to_sql(alias, "date_done", query),
                fields.Datetime.now(),
                self._field_to_sql(alias, "date_open", query),
                SECONDS_OF_A_DAY,
            )
        if field_expr == "days_overdue":
            # Without a deadline GREATEST leaves out what is NULL.
            return SQL(
                "GREATEST(COALESCE(%s, %s) - %s, 0)",
                self._field_to_sql(alias, "day_done", query),
                self.env["res.company"]._crm_today_sql(self._field_to_sql(alias, "company_id", query)),
                self._field_to_sql(alias, "date_deadline", query),
            )
        return super()._field_to_sql(alias, field_expr, query)
