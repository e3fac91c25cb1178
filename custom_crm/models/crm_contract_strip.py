from itertools import islice

from odoo import api, fields, models
from odoo.tools import format_date

from .crm_contract import RUNNING_STATES

# So many periods to come are shown after those in the ledger.
PLANNED_COUNT = 3
# How a cell names the beginning of its period, by the length of the periods.
FORMATS = {"month": "LLL", "quarter": "QQQ", "half_year": "LLL", "year": "y"}


class CrmContract(models.Model):
    """The ledger of a contract at a glance: a strip of its periods, billed or not, paid or not."""

    # Apart from the schedule, which is what the strip shows.
    _inherit = "crm.contract"  # pylint: disable=consider-merging-classes-inherited

    period_strip = fields.Json(
        compute="_compute_period_strip",
        help="Periods in order: id of the row of the ledger (none: still to come), state, its name, label, title.",
    )

    # -------------------------------------------------------------------------
    # COMPUTES
    # -------------------------------------------------------------------------

    @api.depends("next_billing_date", "period_ids.state", "period_ids.move_id.payment_state")
    @api.depends_context("lang")
    def _compute_period_strip(self):
        for contract in self:
            rows = contract.period_ids._origin.sorted("date_start")
            contract.period_strip = [contract._prepare_cell(row) for row in rows] + contract._prepare_planned_cells()

    def _prepare_cell(self, row):
        state = row._get_strip_state() if row.id else "planned"
        states = self._get_strip_states()
        notes = [row._get_title(self.env.lang), states[state], row.error or row.skip_reason]
        return {
            "id": row.id,
            "state": state,
            "name": states[state],
            "year": row.date_start.year,
            "label": self._get_cell_label(row.date_start),
            "title": "\n".join(filter(None, notes)),
        }

    def _prepare_planned_cells(self):
        """The next periods that have no row yet."""
        if self.state not in RUNNING_STATES:
            return []
        Period = self.env["crm.contract.period"]
        parts = [Period.new(self._prepare_period_vals(part)) for part in islice(self._iter_missing(), PLANNED_COUNT)]
        return [{**self._prepare_cell(part), "id": False} for part in parts]

    def _get_cell_label(self, day):
        return format_date(self.env, day, date_format=FORMATS[self.billing_period or "month"])

    @api.model
    def _get_strip_states(self):
        """States of a cell and their names."""
        return {
            "paid": self.env._("Paid"),
            "billed": self.env._("Billed, not paid yet"),
            "overdue": self.env._("Payment overdue"),
            "due": self.env._("To be billed"),
            "failed": self.env._("Billing failed"),
            "skipped": self.env._("Not to be billed"),
            "planned": self.env._("Still to come"),
        }
