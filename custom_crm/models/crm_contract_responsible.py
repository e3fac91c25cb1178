import logging

from odoo import api, models
from odoo.fields import Command, Domain

from .crm_contract import CLOSED_STATES

ACTIVITY_HAND_OVER = "custom_crm.mail_activity_hand_over"

_logger = logging.getLogger(__name__)


class CrmContract(models.Model):
    """A contract always has an active responsible, and so has its open stage."""

    _name = "crm.contract"
    _inherit = ["crm.contract", "crm.responsible.mixin"]

    _responsible_activity = ACTIVITY_HAND_OVER

    # -------------------------------------------------------------------------
    # COMPUTES
    # -------------------------------------------------------------------------

    @api.depends("stage_ids.state", "stage_ids.user_id")
    def _compute_has_responsible(self):
        return super()._compute_has_responsible()

    # -------------------------------------------------------------------------
    # CRUD
    # -------------------------------------------------------------------------

    def copy_data(self, default=None):
        vals_list = super().copy_data(default)
        if "member_ids" in (default or {}):
            return vals_list
        for contract, vals in zip(self, vals_list, strict=True):
            # Who has left stays in the working group of the old contract only.
            members = contract.member_ids._filter_working()
            vals["member_ids"] = [Command.create(member_vals) for member_vals in members.copy_data()]
        return vals_list

    def write(self, vals):
        result = super().write(vals)
        if "user_id" in vals:
            # sudo: the activity is the former responsible's.
            self.sudo().activity_reschedule([ACTIVITY_HAND_OVER], new_user_id=vals["user_id"])
        return result

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _filter_in_work(self):
        return self.filtered(lambda contract: contract.state not in CLOSED_STATES)

    @api.model
    def _get_lacking_domain(self, records=None):
        """Also contracts whose open stage has none."""
        stages = self.env["crm.contract.stage"]._get_abandoned_domain()
        if records is not None:
            stages &= Domain("contract_id", "in", records.ids)
        domain = super()._get_lacking_domain(records)
        return domain | Domain("stage_ids", "any!", stages)

    # -------------------------------------------------------------------------
    # SCHEDULED ACTIONS
    # -------------------------------------------------------------------------

    @api.model
    def _cron_check_responsible(self):
        """Look every night for what has no active responsible, which should be nothing, and hand it over.

        It can be so if somebody wrote to the database by other ways than Odoo's. What nobody can take over becomes an
        activity of an administrator of the company, once. The log says what was found.
        """
        # sudo: everything counts, whoever runs the scheduled action.
        env = self.sudo().env
        env["crm.process"]._search_abandoned()._hand_over_abandoned()
        models = [env[model] for model in ("crm.contract", "crm.contract.stage")]
        found = [len(model._search_abandoned()) for model in models]
        for model in models:
            model._work_in_chunks(model._get_abandoned_domain(), "_hand_over_or_tell")
        rest = [len(model._search_abandoned()) for model in models]
        checked = (
            env["crm.contract"].search_count([]),
            env["crm.contract.stage"].search_count([("state", "=", "open")]),
        )
        if any(found):
            _logger.warning(
                "Checked %s contracts, %s open stages: %s contracts, %s stages were without an active responsible; all "
                "but %s contracts, %s stages are handed over",
                *checked,
                *found,
                *rest,
            )
        else:
            _logger.info("Checked %s contracts, %s open stages: none without an active responsible", *checked)
