from odoo import api, fields, models


class CrmProcess(models.Model):
    """Definition of a business process: the stages that a contract passes one after the other."""

    _name = "crm.process"
    _description = "Business Process"
    _order = "name, id"

    # -------------------------------------------------------------------------
    # FIELDS
    # -------------------------------------------------------------------------

    name = fields.Char(required=True)
    active = fields.Boolean(default=True)
    user_id = fields.Many2one(
        "res.users",
        string="Owner",
        required=True,
        ondelete="restrict",
        index=True,
        domain="[('can_be_responsible', '=', True)]",
        default=lambda self: self.env.user,
        help="Becomes responsible for a stage when nobody else can.",
    )
    company_id = fields.Many2one(
        "res.company", ondelete="restrict", index="btree_not_null", help="Empty: for contracts of all companies."
    )
    stage_ids = fields.One2many("crm.process.stage", "process_id", string="Stages", copy=True)
    overview = fields.Html(compute="_compute_overview", help="The stages in their order, with all that defines them.")
    open_count = fields.Integer(
        string="Contracts Now", compute="_compute_open_count", help="Contracts that are passing the process now."
    )

    # -------------------------------------------------------------------------
    # COMPUTES
    # -------------------------------------------------------------------------

    @api.depends(
        "stage_ids.name",
        "stage_ids.sequence",
        "stage_ids.user_id",
        "stage_ids.role_id",
        "stage_ids.duration_days",
        "stage_ids.return_allowed",
        "stage_ids.item_ids.name",
        "stage_ids.item_ids.sequence",
        "stage_ids.item_ids.mandatory",
    )
    @api.depends_context("lang")
    def _compute_overview(self):
        """Rendered by a template, which escapes whatever the definitions hold."""
        for process in self:
            stages = process.stage_ids.sorted("sequence")
            process.overview = self.env["ir.qweb"]._render("custom_crm.process_overview", {"stages": stages})

    def _compute_open_count(self):
        """Contracts of which the user sees the open stage, by one query."""
        counts = dict(
            self.env["crm.contract.stage"]._read_group(
                [("process_id", "in", self.ids), ("state", "=", "open")], ["process_id"], ["__count"]
            )
        )
        for process in self:
            process.open_count = counts.get(process._origin, 0)

    # -------------------------------------------------------------------------
    # ACTIONS
    # -------------------------------------------------------------------------

    def action_view_open_stages(self):
        """Contracts that are at the process now, as a board of its stages."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("custom_crm.action_contract_stages")
        action["domain"] = [("process_id", "=", self.id)]
        action["views"] = sorted(action["views"], key=lambda view: view[1] != "kanban")
        return action
