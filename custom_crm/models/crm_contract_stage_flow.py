from odoo import api, fields, models
from odoo.exceptions import LockError, UserError
from odoo.fields import Command
from odoo.tools.misc import clean_context


class CrmContractStage(models.Model):
    """How stages follow each other: opened and closed by these methods only, which the actions call."""

    _inherit = "crm.contract.stage"

    # -------------------------------------------------------------------------
    # OPENING
    # -------------------------------------------------------------------------

    @api.model
    def _open_first(self, contracts):
        """Open the first stage of the process of each contract. The caller has checked the rights on the contracts.

        :return: the new stages
        :raises UserError: a contract is not active, has an open stage, or its process has no stages
        """
        steps = []
        for contract in contracts:
            # sudo: read the definition; who may start a process need not see definitions.
            definition = contract.process_id.sudo().stage_ids.sorted(lambda stage: (stage.sequence, stage.id))[:1]
            self._check_startable(contract, definition)
            steps.append((contract, definition))
        return self._open(steps)

    @api.model
    def _check_startable(self, contract, definition):
        if contract.state != "active":
            message = self.env._(
                "Contract %(contract)s is not active, its process can't be started.", contract=contract.display_name
            )
        elif contract.current_stage_id:
            message = self.env._(
                "Contract %(contract)s is at stage %(stage)s, its process is started already.",
                contract=contract.display_name,
                stage=contract.current_stage_id.name,
            )
        elif not definition:
            message = self.env._(
                "Process %(process)s of contract %(contract)s has no stages.",
                process=contract.process_id.name,
                contract=contract.display_name,
            )
        else:
            return
        raise UserError(message)

    @api.model
    def _open(self, steps, **values):
        """Open a stage for each pair of a contract and a ``crm.process.stage``: activity, followers, server action.

        :param values: further values of the new stages
        :return: the new stages
        """
        # sudo: nobody may create stages but through the checked methods that call this one, and the next stage may
        # be somebody else's. The context is the caller's: its defaults must not get into the new stages.
        Stage = self.sudo().with_context(
            clean_context(self.env.context), mail_create_nosubscribe=True, mail_auto_subscribe_no_notify=True
        )
        deadlines = {}
        vals_list = []
        for contract, definition in [(contract.sudo(), definition.sudo()) for contract, definition in steps]:
            key = (contract.company_id, definition.duration_days)
            if key not in deadlines:
                deadlines[key] = definition._get_deadline(contract.company_id)
            vals_list.append({**Stage._prepare_stage_vals(contract, definition, deadlines[key]), **values})
        stages = Stage.create(vals_list)
        stages._schedule_activity()
        stages._log_on_contracts(lambda stage: stage._get_opened_message())
        stages._run_server_actions()
        return stages.with_env(self.env)

    @api.model
    def _prepare_stage_vals(self, contract, definition, deadline):
        """The definition's copy. All fields are there, so that no default stands in for one."""
        return {
            "contract_id": contract.id,
            "process_id": definition.process_id.id,
            "stage_id": definition.id,
            "name": definition.name,
            "instruction": definition.instruction,
            "sequence": definition.sequence,
            "user_id": definition._get_responsible(contract).id,
            "state": "open",
            "date_open": fields.Datetime.now(),
            "date_deadline": deadline,
            "is_skipped": False,
            "returned_from_id": False,
            "item_ids": [Command.create(self._prepare_item_vals(item)) for item in definition.item_ids],
        }

    @api.model
    def _prepare_item_vals(self, item):
        return {
            "definition_item_id": item.id,
            "name": item.name,
            "sequence": item.sequence,
            "mandatory": item.mandatory,
        }

    def _run_server_actions(self):
        """Run what the definitions say is to be run on entering.

        With all rights: only who may write server actions may choose one.
        """
        for stage in self:
            action = stage.stage_id.server_action_id
            if action:
                action.with_context(active_model=self._name, active_id=stage.id, active_ids=stage.ids).run()

    # -------------------------------------------------------------------------
    # CLOSING
    # -------------------------------------------------------------------------

    def _lock_open(self):
        """Make sure that the user may work on the stages and that nobody else closes them meanwhile.

        :raises UserError: another user is at it, or a stage is closed
        """
        self.check_access("write")
        try:
            self.lock_for_update(allow_referencing=True)
        except LockError as error:
            raise UserError(
                self.env._("Somebody else is changing this stage at the moment. Reload the page and look again.")
            ) from error
        self._check_open()

    def _check_mandatory_items(self):
        missing = self.item_ids.filtered(lambda item: item.mandatory and not item.is_done)
        if missing:
            raise UserError(
                self.env._(
                    "These items of the checklist must be done before the stage can be completed:\n%(items)s",
                    items="\n".join(f"• {name}" for name in missing.mapped("name")),
                )
            )

    def _check_returnable(self):
        self.ensure_one()
        # sudo: read the definition, of which the stage is a copy.
        if not self.sudo().stage_id.return_allowed:
            raise UserError(self.env._("Stage %(stage)s can't be returned by its definition.", stage=self.name))
        if not self._get_previous_definition():
            raise UserError(self.env._("Stage %(stage)s is the first one, there is none before.", stage=self.name))

    def _close(self, state, reason=None, *, is_skipped=False):
        """Close open stages as ``state``. Callers have checked that the user may."""
        self._write_history(
            {
                "state": state,
                "date_done": fields.Datetime.now(),
                "done_user_id": self.env.uid,
                "close_reason": reason,
                "is_skipped": is_skipped,
            }
        )
        # The database must know before the next stage is inserted: only one is open.
        self.flush_recordset(["state"])
        self._end_activities(is_done=state != "cancelled")
        self._log_on_contracts(lambda stage: stage._get_closed_message())

    def _cancel_open(self, reason=None):
        """Close as cancelled what is open among the stages. The caller has checked the rights on the contract."""
        # sudo: who may end the contract may end its stage.
        self.sudo().filtered(lambda stage: stage.state == "open")._close("cancelled", reason)

    def _return(self, reason):
        """Close the stage as returned and open the previous one again.

        :return: the new stage
        :raises AccessError: the user is neither responsible nor a manager
        :raises UserError: the stage is closed, or it can't be returned
        """
        self.ensure_one()
        self._lock_open()
        self._check_returnable()
        definition = self._get_previous_definition()
        self._close("returned", reason)
        self.message_post(body=self.env._("Returned: %(reason)s", reason=reason))
        stage = self._open([(self.contract_id, definition)], returned_from_id=self.id)
        # sudo: the previous stage may be somebody's whose stages the user doesn't see.
        stage.sudo().message_post(
            body=self.env._("Returned from stage %(stage)s: %(reason)s", stage=self.name, reason=reason)
        )
        return stage

    def _skip(self, reason):
        """Close the stage unfinished, whatever its checklist says, and open the next one, if there is any.

        :return: the new stage, empty after the last one
        :raises AccessError: the user is not an administrator
        :raises UserError: the stage is closed, or somebody else is at it
        """
        self.ensure_one()
        self._check_admin()
        self._lock_open()
        definition = self._get_next_definition()
        self._close("cancelled", reason, is_skipped=True)
        self.message_post(body=self.env._("Skipped: %(reason)s", reason=reason))
        return self._open([(self.contract_id, definition)] if definition else [])

    def _cancel(self, reason):
        """End the process: close the stage and open nothing. The contract stays in force, a process can start anew.

        :raises AccessError: the user is not a manager
        :raises UserError: the stage is closed, or somebody else is at it
        """
        self.ensure_one()
        self._check_manager()
        self._lock_open()
        self._close("cancelled", reason)
        self.message_post(body=self.env._("Process stopped: %(reason)s", reason=reason))

    # -------------------------------------------------------------------------
    # ORDER OF THE PROCESS
    # -------------------------------------------------------------------------

    def _get_definitions(self):
        """Definitions of the stage's process and the stage's own place among them, as sortable keys.

        The place is the definition's, wherever it was dragged to; if it was deleted, where it was.
        """
        self.ensure_one()
        # sudo: read the definition, of which the stage is a copy.
        definitions = self.process_id.sudo().stage_ids
        own = self.stage_id.sudo()
        place = (own.sequence, own.id) if own else (self.sequence, 0)
        return {(definition.sequence, definition.id): definition for definition in definitions}, place

    def _get_next_definition(self):
        """The ``crm.process.stage`` after this one, empty after the last."""
        definitions, place = self._get_definitions()
        key = min((key for key in definitions if key > place), default=None)
        return definitions.get(key, self.env["crm.process.stage"])

    def _get_previous_definition(self):
        """The ``crm.process.stage`` before this one, empty before the first."""
        definitions, place = self._get_definitions()
        key = max((key for key in definitions if key < place), default=None)
        return definitions.get(key, self.env["crm.process.stage"])
