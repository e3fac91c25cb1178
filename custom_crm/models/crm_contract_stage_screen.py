from odoo import api, fields, models
from odoo.tools import format_datetime


class CrmContractStage(models.Model):
    """What the form shows beside the stage itself, and where its buttons lead."""

    # Apart from the passing of stages, which is another matter.
    _inherit = "crm.contract.stage"  # pylint: disable=consider-merging-classes-inherited

    # -------------------------------------------------------------------------
    # FIELDS
    # -------------------------------------------------------------------------

    outcome = fields.Selection(
        [
            ("open", "Open"),
            ("done", "Completed"),
            ("returned", "Returned"),
            ("skipped", "Skipped"),
            ("cancelled", "Cancelled"),
        ],
        string="Status",
        compute="_compute_outcome",
        help="The state; what was skipped stands apart from what was cancelled together with the process.",
    )
    returned_notice = fields.Char(compute="_compute_returned_notice", compute_sudo=True)
    returned_reason = fields.Text(related="returned_from_id.close_reason", string="Reason of the Return")
    contract_stage_id = fields.Many2one(related="contract_id.current_stage_id", string="Now at Stage")
    contract_subject = fields.Char(related="contract_id.subject")
    contract_kind = fields.Selection(related="contract_id.kind")
    contract_user_id = fields.Many2one(related="contract_id.user_id", string="Responsible for the Contract")
    partner_phone = fields.Char(related="partner_id.phone", string="Phone")
    partner_email = fields.Char(related="partner_id.email", string="E-mail")
    partner_address = fields.Char(related="partner_id.actual_address", string="Actual Address")

    # -------------------------------------------------------------------------
    # COMPUTES
    # -------------------------------------------------------------------------

    @api.depends("state", "is_skipped")
    def _compute_outcome(self):
        for stage in self:
            stage.outcome = "skipped" if stage.is_skipped else stage.state

    @api.depends("returned_from_id")
    @api.depends_context("lang", "tz")
    def _compute_returned_notice(self):
        for stage in self:
            later = stage.returned_from_id
            stage.returned_notice = bool(later) and self.env._(
                "Returned from stage «%(stage)s» by %(user)s on %(date)s",
                stage=later.name,
                user=later.done_user_id.name,
                date=format_datetime(self.env, later.date_done, dt_format="short"),
            )

    # -------------------------------------------------------------------------
    # ACTIONS
    # -------------------------------------------------------------------------

    def action_view_form(self):
        """The stage in full, with its comments."""
        self.ensure_one()
        return self._get_records_action()

    def action_view_returned(self):
        """The stage that the contract was returned from, with its checklist and comments."""
        self.ensure_one()
        return self.returned_from_id.action_view_form()

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _get_wizard_action(self, model, name, context):
        if self.env.context.get("stay_on_board"):
            context = {**context, "stay_on_board": True}
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": model,
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
            "context": context,
        }

    def _get_next_action(self, opened):
        """What follows on the screen when the stage is closed.

        The opened stage takes the place of this one if the user may work on it. Otherwise the user is told who goes on,
        or that the process has come to its end, and gets back to where they came from.
        """
        self.ensure_one()
        if self.env.context.get("stay_on_board"):
            return (opened or self)._get_notification_action(self._get_end_message(opened))
        if opened and opened.has_access("write"):
            return {
                "type": "ir.actions.client",
                "tag": "crm_show_stage",
                "params": {"action": opened._get_records_action(), "message": opened._get_opened_message()},
            }
        back = {"type": "ir.actions.client", "tag": "crm_leave_stage"}
        return self._get_notification_action(self._get_end_message(opened), back)

    def _get_end_message(self, opened):
        """Who goes on, or that the process is at its end."""
        if opened:
            # sudo: the stage may be somebody's whose stages the user doesn't see.
            return opened.sudo()._get_opened_message()
        return self.env._(
            "Process %(process)s of contract %(contract)s is completed.",
            process=self.process_id.name,
            contract=self.contract_id.name,
        )

    @api.model
    def _get_notification_action(self, message, following=None):
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "info",
                "message": message,
                "next": following or {"type": "ir.actions.act_window_close"},
            },
        }
