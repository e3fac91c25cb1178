from odoo import api, fields, models
from odoo.exceptions import UserError

# Copied from the definition or set by the method that ticks the item: never written from outside.
PROTECTED_FIELDS = {"stage_id", "definition_item_id", "name", "sequence", "mandatory", "done_user_id", "done_date"}


class CrmContractStageItem(models.Model):
    """Line of the checklist of a stage passed: ticked by whom and when."""

    _name = "crm.contract.stage.item"
    _description = "Checklist Item of a Contract"
    _order = "sequence, id"

    # -------------------------------------------------------------------------
    # FIELDS
    # -------------------------------------------------------------------------

    stage_id = fields.Many2one("crm.contract.stage", required=True, readonly=True, ondelete="cascade", index=True)
    definition_item_id = fields.Many2one(
        "crm.process.stage.item",
        string="Definition",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
        help="Definition that the item was copied from, while it exists.",
    )
    name = fields.Char(required=True, readonly=True)
    sequence = fields.Integer(required=True, readonly=True, default=10)
    mandatory = fields.Boolean(readonly=True)
    is_done = fields.Boolean(string="Done")
    done_user_id = fields.Many2one("res.users", string="Done By", readonly=True, ondelete="restrict")
    done_date = fields.Datetime(string="Done On", readonly=True)

    _definition_unique = models.UniqueIndex(
        "(stage_id, definition_item_id) WHERE definition_item_id IS NOT NULL",
        "The stage already has this item of its definition.",
    )

    # -------------------------------------------------------------------------
    # CRUD
    # -------------------------------------------------------------------------

    def write(self, vals):
        """Tick or untick items; who did it and when is noted by itself.

        :raises UserError: the stage is closed, or the values would change history
        """
        if PROTECTED_FIELDS & vals.keys():
            raise UserError(self.env._("Items of a checklist can only be ticked, not changed."))
        self.stage_id._check_open()
        if "is_done" in vals:
            self._tick(bool(vals["is_done"]))
            vals = {name: value for name, value in vals.items() if name != "is_done"}
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_history(self):
        self.stage_id._check_open()

    # -------------------------------------------------------------------------
    # ACTIONS
    # -------------------------------------------------------------------------

    def action_toggle(self):
        """Tick what is not done, untick what is. Saved at once: the button of the checklist.

        :raises AccessError: the user is neither responsible for the stage nor a manager
        :raises UserError: the stage is closed
        """
        done = self.filtered("is_done")
        (self - done).write({"is_done": True})
        done.write({"is_done": False})
        return True

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _tick(self, is_done):
        """Write the new mark and its author on the items whose mark changes; the others keep theirs."""
        changing = self.filtered(lambda item: item.is_done != is_done)
        changing._write_history(
            {
                "is_done": is_done,
                "done_user_id": is_done and self.env.uid,
                "done_date": is_done and fields.Datetime.now(),
            }
        )

    def _write_history(self, vals):
        """Write what ``write`` refuses. Callers have checked that the stage is open."""
        return super().write(vals)  # pylint: disable=super-method-mismatch
