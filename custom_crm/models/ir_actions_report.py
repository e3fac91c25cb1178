from odoo import api, models


class IrActionsReport(models.Model):
    _inherit = "ir.actions.report"

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    @api.model
    def _build_wkhtmltopdf_args(self, *args, **kwargs):
        # EXTENDS 'base': invoices run no script, so a mailing waits for none; a delay that an administrator set stays
        command = super()._build_wkhtmltopdf_args(*args, **kwargs)
        # sudo: as Odoo reads it.
        if self.env.context.get("crm_mailing") and not self.env["ir.config_parameter"].sudo().get_param(
            "report.print_delay"
        ):
            command[command.index("--javascript-delay") + 1] = "0"
        return command
