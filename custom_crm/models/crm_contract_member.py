from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError


class CrmContractMember(models.Model):
    """Member of a contract's working group: who works on it, and as what.

    Members follow the contract. Who is archived later stays in the group, as history.
    """

    _name = "crm.contract.member"
    _description = "Member of a Working Group"
    _rec_name = "user_id"
    _check_company_auto = True

    # -------------------------------------------------------------------------
    # FIELDS
    # -------------------------------------------------------------------------

    contract_id = fields.Many2one("crm.contract", required=True, ondelete="cascade", index=True)
    company_id = fields.Many2one(related="contract_id.company_id", store=True, precompute=True, index=True)
    user_id = fields.Many2one(
        "res.users",
        string="Employee",
        required=True,
        ondelete="restrict",
        index=True,
        check_company=True,
        domain="[('share', '=', False)]",
    )
    user_active = fields.Boolean(related="user_id.active")
    role_id = fields.Many2one("crm.contract.role", required=True, ondelete="restrict")

    _member_unique = models.Constraint(
        "UNIQUE(contract_id, user_id, role_id)",
        "This employee already has this role in the working group of the contract.",
    )

    # -------------------------------------------------------------------------
    # CHECKS
    # -------------------------------------------------------------------------

    @api.constrains("user_id")
    def _check_user(self):
        gone = self - self._filter_working()
        if gone:
            raise ValidationError(
                self.env._(
                    "Only active employees of the company can be in a working group. Choose somebody else than "
                    "%(users)s for: %(contracts)s",
                    users=", ".join(gone.user_id.mapped("name")),
                    contracts=", ".join(gone.contract_id.mapped("display_name")),
                )
            )

    # -------------------------------------------------------------------------
    # CRUD
    # -------------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        members = super().create(vals_list)
        members._follow()
        return members

    def write(self, vals):
        if any(member.contract_id.id != vals["contract_id"] for member in self if "contract_id" in vals):
            raise UserError(self.env._("What belongs to a contract can't be moved to another one. Add it there anew."))
        if not {"user_id", "role_id"} & vals.keys():
            return super().write(vals)
        former = [(member.contract_id, member.user_id, member.role_id) for member in self]
        result = super().write(vals)
        self._follow()
        self._leave(former)
        return result

    def unlink(self):
        former = [(member.contract_id, member.user_id, member.role_id) for member in self]
        result = super().unlink()
        self._leave(former)
        return result

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _filter_working(self):
        """Members who are active internal users of the contract's company."""
        # sudo: the companies of others.
        return self.filtered(
            lambda member: (
                member.user_id.active
                and not member.user_id.share
                and member.company_id in member.user_id.sudo().with_context(active_test=False).company_ids
            )
        )

    def _follow(self):
        """Subscribe the members to their contracts: one step a user, whatever the number of contracts."""
        for user, members in self.grouped("user_id").items():
            # sudo: who may change the working group decides with it who follows.
            members.contract_id.sudo().message_subscribe(user.partner_id.ids)

    @api.model
    def _leave(self, former):
        """What memberships that ended leave behind: stages of the role go over, the contract is followed no more.

        :param list former: contract, user and role of each membership
        """
        # sudo: who may change the working group need not have rights on the stages.
        contracts = self.env["crm.contract"].sudo().union(*(contract.sudo() for contract, _user, _role in former))
        self._leave_stages(contracts, former)
        self._leave_followers(contracts, former)

    @api.model
    def _leave_stages(self, contracts, former):
        """Stages that somebody was responsible for by a role that ended, unless the contract is theirs as well."""
        ended = set(former) - {(member.contract_id, member.user_id, member.role_id) for member in contracts.member_ids}
        stages = contracts.current_stage_id.filtered(
            lambda stage: (
                stage.user_id != stage.contract_id.user_id
                and (stage.contract_id, stage.user_id, stage.stage_id.role_id) in ended
            )
        )
        stages._leave_to_working_group()

    @api.model
    def _leave_followers(self, contracts, former):
        """Unsubscribe who is neither a member any more nor responsible for the contract or its open stage."""
        by_user = defaultdict(list)
        for contract, user, _role in former:
            by_user[user].append(contract.id)
        for user, contract_ids in by_user.items():
            left = contracts.browse(contract_ids).filtered(
                lambda contract, user=user: (
                    user not in contract.member_ids.user_id | contract.user_id | contract.current_stage_id.user_id
                )
            )
            left.message_unsubscribe(user.sudo().partner_id.ids)
