from contextlib import contextmanager

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError, UserError
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.misc import clean_context

from odoo.addons.base.models.ir_model import MODULE_UNINSTALL_FLAG

GROUP_EXECUTOR = "custom_crm.group_executor"
# After a change of these a user may no longer be responsible somewhere.
RESPONSIBILITY_FIELDS = {"active", "company_ids", "group_ids", "share"}
# So many records are named in a message, the others are counted.
MAX_NAMED = 10


class ResUsers(models.Model):
    """Who can be responsible for contracts and stages, and what becomes of these when a user no longer can.

    The rule stands in ``_get_responsible_domain`` only. Whatever takes the ability away (archive, groups, companies,
    the end of an employment) is done inside ``_keep_responsible``, which hands over in the same transaction.
    """

    _inherit = "res.users"

    # -------------------------------------------------------------------------
    # FIELDS
    # -------------------------------------------------------------------------

    # ``employee_ids`` of hr has those of the current companies only.
    crm_employee_ids = fields.One2many(
        "hr.employee", "user_id", string="Employees", context={"active_test": False}, groups=fields.NO_ACCESS
    )
    can_be_responsible = fields.Boolean(
        compute="_compute_can_be_responsible",
        search="_search_can_be_responsible",
        help="Can be responsible for contracts and stages: an active executor who has not left as an employee.",
    )

    # -------------------------------------------------------------------------
    # COMPUTES
    # -------------------------------------------------------------------------

    @api.depends("active", "share", "all_group_ids", "crm_employee_ids.active")
    def _compute_can_be_responsible(self):
        able = self._filter_responsible()
        for user in self:
            user.can_be_responsible = user in able

    def _search_can_be_responsible(self, operator, value):
        if operator != "in" or list(value) != [True]:
            return NotImplemented
        # sudo: groups and employees of others; the user's rules choose among the users found.
        Users = self.sudo().with_context(active_test=False)
        return Domain("id", "in", Users._search(self._get_responsible_domain()))

    # -------------------------------------------------------------------------
    # CRUD
    # -------------------------------------------------------------------------

    def write(self, vals):
        if not RESPONSIBILITY_FIELDS & vals.keys():
            return super().write(vals)
        with self._keep_responsible():
            return super().write(vals)

    def action_archive(self):
        # mail deletes all activities of the users first; what they are responsible for goes over before that.
        self.filtered("active").write({"active": False})
        return super().action_archive()

    @api.ondelete(at_uninstall=False)
    def _unlink_except_responsible(self):
        # sudo: contracts of all companies count.
        contracts = self.env["crm.contract"].sudo().search([("user_id", "in", self.ids)])
        stages = self.env["crm.contract.stage"].sudo().search([("user_id", "in", self.ids)])
        if contracts or stages:
            raise UserError(
                self.env._(
                    "%(users)s: users with contracts or stages can't be deleted, the history needs them. Archive them "
                    "instead, then what they are responsible for is handed over:\n%(records)s",
                    users=", ".join((contracts.user_id | stages.user_id).mapped("name")),
                    records=self._name_records(contracts, stages),
                )
            )

    # -------------------------------------------------------------------------
    # WHO CAN BE RESPONSIBLE
    # -------------------------------------------------------------------------

    @api.model
    def _get_responsible_domain(self, company=None):
        """Users who can be responsible for contracts and stages: active executors who have not left as employees.

        Who has no employee at all can be it. Managers and administrators are executors too.

        :param company: (``res.company``) only those who work for it
        """
        group_id = self.env["ir.model.data"]._xmlid_to_res_id(GROUP_EXECUTOR, raise_if_not_found=False)
        if not group_id:
            return Domain.FALSE
        left = Domain("crm_employee_ids", "any!", Domain("active", "=", False))
        stayed = Domain("crm_employee_ids", "any!", Domain("active", "=", True))
        domain = Domain([("active", "=", True), ("share", "=", False), ("all_group_ids", "in", [group_id])])
        domain &= stayed | ~left
        return domain & Domain("company_ids", "in", company.ids) if company else domain

    def _filter_responsible(self, company=None):
        """Those of the users who can be responsible (for records of the company), in the same order."""
        # sudo: groups, companies and employees of others. Archived companies and employees count.
        able = self.sudo().with_context(active_test=False).filtered_domain(self._get_responsible_domain(company))
        return able.with_env(self.env)

    def _can_be_responsible(self, company=None):
        """Whether the user can be responsible for records of the company."""
        self.ensure_one()
        return bool(self._filter_responsible(company))

    def _get_unfit_reason(self, company=None):
        """Why the user can't be responsible, as the end of a sentence."""
        self.ensure_one()
        # sudo: as in _filter_responsible.
        user = self.sudo().with_context(active_test=False)
        if not user.active:
            return self.env._("archived")
        if user.share:
            return self.env._("not an internal user")
        if company and company not in user.company_ids:
            return self.env._("no access to %(company)s", company=company.sudo().name)
        if user.crm_employee_ids and not user.crm_employee_ids.filtered("active"):
            return self.env._("left as an employee")
        return self.env._("not in the group of executors")

    def _get_unfit_note(self, company):
        """The user and why they can't be responsible, as a reason for something."""
        self.ensure_one()
        return self.env._(
            "%(user)s can't be responsible (%(reason)s)", user=self.name, reason=self._get_unfit_reason(company)
        )

    def _hold_as_responsible(self):
        """Keep the users as they are until the end of the transaction, as it makes them responsible.

        Others may do so at the same time. Whoever archives one of them waits and then looks again; whoever was too
        late for that tries again and sees that the user is archived.
        """
        if self:
            self.env.cr.execute("SELECT id FROM res_users WHERE id IN %s ORDER BY id FOR SHARE", [self._ids])

    # -------------------------------------------------------------------------
    # HANDING OVER
    # -------------------------------------------------------------------------

    @contextmanager
    def _keep_responsible(self):
        """Hand over what the users can't be responsible for any more after what is done inside the block.

        :raises UserError: nobody can take something over
        """
        if self.env.context.get(MODULE_UNINSTALL_FLAG):
            yield
            return
        before = self._get_responsible_companies()
        yield
        after = self._get_responsible_companies()
        lost = self.browse(
            user.id for user, companies in before.items() if companies - after.get(user, companies.browse())
        )
        if lost:
            lost._hand_over()

    def _get_responsible_companies(self):
        """Companies in which each of the users can be responsible now, as the database has it.

        :return: dict of companies by user
        """
        # sudo: groups, companies and employees of others. Archived companies and employees count.
        Users = self.sudo().with_context(active_test=False)
        able = Users.search(Domain("id", "in", self.ids) & self._get_responsible_domain())
        able.invalidate_recordset(["company_ids"], flush=False)
        return {user: user.company_ids for user in able}

    def _hand_over(self):
        """Give all that the users can't be responsible for any more to others.

        Contracts and open stages go to the owner of their process, else to the company's default responsible;
        processes to the default responsible. As default responsible of a company the users are removed. They no
        longer follow what they can't be responsible for. In working groups they stay, as history: nobody who left gets
        a stage by role.

        :raises UserError: nobody can take over a contract or an open stage
        """
        # sudo: who administers users or employees needs no rights on contracts, and those of all companies count.
        # The context is that of a screen of users: its defaults must not get into notes and activities.
        users = self.sudo().with_context(clean_context(self.env.context))  # pylint: disable=context-overridden
        users._wait_for_assignments()
        users.env["crm.process"]._search_abandoned(users)._hand_over_abandoned()
        contracts = users.env["crm.contract"]._search_abandoned(users)._hand_over_abandoned()
        stages = users.env["crm.contract.stage"]._search_abandoned(users)._hand_over_abandoned()
        if contracts or stages:
            raise UserError(users._get_refusal(contracts, stages))
        users._clear_default_responsible()
        users._stop_following()

    def _get_refusal(self, contracts, stages):
        return self.env._(
            "%(users)s: nobody can take over what would be left without a responsible. Choose a default responsible of "
            "the company in Settings → Clients, or hand over these first:\n%(records)s",
            users=", ".join((contracts.user_id | stages.user_id).mapped("name")),
            records=self._name_records(contracts, stages),
        )

    @api.model
    def _name_records(self, *record_sets):
        """List of the records for a message: the first ones by name, the others counted."""
        labels = [
            f"• {records.env['ir.model']._get(records._name).name}: {record.display_name}"
            for records in record_sets
            for record in records[:MAX_NAMED]
        ][:MAX_NAMED]
        more = sum(map(len, record_sets)) - len(labels)
        if more:
            labels.append(self.env._("and %(count)s more", count=more))
        return "\n".join(labels)

    def _clear_default_responsible(self):
        """Empty the setting where it names somebody who can't be it, so that everybody sees that a choice is due."""
        companies = (
            self.env["res.company"]
            .with_context(active_test=False)
            .search([("crm_default_user_id", "in", self.ids)])
            .filtered(lambda company: not company.crm_default_user_id._can_be_responsible(company))
        )
        bodies = {
            company.partner_id.id: self.env._(
                "%(user)s is no longer the default responsible of %(company)s: %(reason)s. Choose another one in the "
                "settings.",
                user=company.crm_default_user_id.name,
                company=company.name,
                reason=company.crm_default_user_id._get_unfit_reason(company),
            )
            for company in companies
        }
        companies.crm_default_user_id = False
        companies.partner_id._message_log_batch(bodies)

    def _stop_following(self):
        """Unsubscribe the users from contracts and stages of companies in which they can't be responsible."""
        after = self._get_responsible_companies()
        by_companies = self.grouped(lambda user: after.get(user, user.env["res.company"]))
        for companies, users in by_companies.items():
            for model in ("crm.contract", "crm.contract.stage"):
                partners = users.partner_id
                records = self.env[model].search(
                    [("message_partner_ids", "in", partners.ids), ("company_id", "not in", companies.ids)]
                )
                records.message_unsubscribe(partners.ids)

    # What other transactions do at the same time

    def _wait_for_assignments(self):
        """Wait for transactions that make the users responsible at this moment, and see what they did.

        This transaction can't see what was committed after it began, so another one looks.

        :raises ConcurrencyError: something was missed; the request is tried again and sees it then
        """
        self.flush_recordset()
        # Against the lock of _hold_as_responsible, also when the user itself does not change but its groups do.
        self.env.cr.execute("UPDATE res_users SET active = active WHERE id IN %s", [self._ids])
        if not self.env.registry.ready:
            # Nobody else works while add-ons are installed, and tables may be locked.
            return
        with self.env.registry.cursor() as cr:
            cr.execute("SET LOCAL lock_timeout = '5s'")
            contract_ids, stage_ids = self._read_responsibilities(cr)
        self._check_seen(self.env["crm.contract"].browse(contract_ids))
        self._check_seen(self.env["crm.contract.stage"].browse(stage_ids))

    def _read_responsibilities(self, cr):
        cr.execute("SELECT id FROM crm_contract WHERE user_id IN %s", [self._ids])
        contract_ids = [row[0] for row in cr.fetchall()]
        cr.execute("SELECT id FROM crm_contract_stage WHERE state = 'open' AND user_id IN %s", [self._ids])
        return contract_ids, [row[0] for row in cr.fetchall()]

    def _check_seen(self, records):
        """Lock the records. The database refuses what others changed meanwhile; what they made is not there yet."""
        if not records:
            return
        table = SQL.identifier(records._table)
        rows = self.env.execute_query(
            SQL("SELECT id FROM %s WHERE id IN %s ORDER BY id FOR NO KEY UPDATE", table, records._ids)
        )
        if len(rows) < len(records):
            raise ConcurrencyError(f"Others made records of {records._name} meanwhile")
