from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain

ACTIVITY_WITHOUT_RESPONSIBLE = "custom_crm.mail_activity_without_responsible"
# One message and one activity a record, no mail for each of a thousand.
QUIET = {"mail_activity_quick_update": True, "mail_auto_subscribe_no_notify": True, "mail_notrack": True}


class CrmResponsibleMixin(models.AbstractModel):
    """What always has an active responsible user and goes over to another one when that user vanishes.

    A model that inherits it has the fields ``user_id``, ``company_id`` and ``process_id``, messages and activities.
    """

    _name = "crm.responsible.mixin"
    _description = "Record with a Responsible"
    _inherit = ["crm.chunk.mixin"]

    # Type of the activity that a new responsible gets, by its external id.
    _responsible_activity = None

    has_responsible = fields.Boolean(
        compute="_compute_has_responsible",
        search="_search_has_responsible",
        compute_sudo=True,
        help="An active user is responsible. It is always so, and checked every night.",
    )

    # -------------------------------------------------------------------------
    # COMPUTES
    # -------------------------------------------------------------------------

    @api.depends("user_id", "company_id")
    def _compute_has_responsible(self):
        lacking = self.search(self._get_lacking_domain(self._origin))
        for record in self:
            record.has_responsible = record._origin not in lacking

    def _search_has_responsible(self, operator, value):
        if operator != "in" or list(value) != [True]:
            return NotImplemented
        return ~self._get_lacking_domain()

    # -------------------------------------------------------------------------
    # CHECKS
    # -------------------------------------------------------------------------

    def _check_responsible(self):
        """The rule that every record must keep when its responsible is chosen.

        :raises ValidationError: a responsible can't be it
        """
        self.user_id._hold_as_responsible()
        for company, records in self.grouped("company_id").items():
            able = records.user_id._filter_responsible(company)
            for record in records:
                if record.user_id not in able:
                    raise ValidationError(record._get_unfit_message())

    def _get_unfit_message(self):
        self.ensure_one()
        if not self.user_id:
            return self.env._("%(record)s needs a responsible. Choose an active employee.", record=self.display_name)
        return self.env._(
            "%(record)s: %(user)s can't be responsible (%(reason)s). Choose another responsible.",
            record=self.display_name,
            user=self.user_id.name,
            reason=self.user_id._get_unfit_reason(self.company_id),
        )

    # -------------------------------------------------------------------------
    # CRUD
    # -------------------------------------------------------------------------

    def write(self, vals):
        result = super().write(vals)
        if "user_id" in vals:
            # sudo: the activity is an administrator's, and done with whoever the new responsible is.
            self.sudo().activity_unlink([ACTIVITY_WITHOUT_RESPONSIBLE])
        return result

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    # Finding what was left alone

    @api.model
    def _get_abandoned_domain(self):
        """Records that need a responsible and whose own can't be it (any more)."""
        # sudo: all users and companies count; the rules of who searches choose among their records.
        Users = self.env["res.users"].sudo().with_context(active_test=False)
        companies = Users.env["res.company"].search([])  # pylint: disable=no-search-all
        return Domain.OR(
            Domain("company_id", "=", company.id)
            & Domain("user_id", "not in", Users._search(Users._get_responsible_domain(company)))
            for company in companies
        )

    @api.model
    def _get_lacking_domain(self, records=None):
        """What the list of records without an active responsible shows.

        :param records: only among these
        """
        domain = self._get_abandoned_domain()
        return domain if records is None else domain & Domain("id", "in", records.ids)

    @api.model
    def _search_abandoned(self, users=None):
        """Records whose responsible (one of the users) can't be it, of all companies. Callers run it with sudo."""
        domain = self._get_abandoned_domain()
        return self.search(domain if users is None else Domain("user_id", "in", users.ids) & domain)

    # Handing over

    def _hand_over_abandoned(self):
        """Give the records to whoever can take them over, with a note, their activities and a new one.

        :return: the records that nobody can take over; they stay as they are
        """
        formers = self.user_id
        rest = self.browse()
        for user, records in self._group_by_successor().items():
            if user:
                # In the language of who takes over, also when a scheduled action does it.
                records = records.with_context(lang=user.lang)  # noqa: PLW2901
                reasons = {record: record._get_unfit_note() for record in records}
                records._give_to(user, reasons)
                records._move_activities(formers, user)
                records._filter_in_work()._schedule_once(self._responsible_activity, user)
            else:
                rest = records
        return rest

    def _filter_in_work(self):
        """Records with something to do for a new responsible. To be extended."""
        return self

    def _hand_over_or_tell(self):
        """Hand over for the nightly check. Administrators are told what nobody can take over."""
        self._hand_over_abandoned()._tell_administrators()

    def _group_by_successor(self):
        """Who takes each record over: the owner of its process, else the company's default responsible.

        :return: dict of records by user; under the empty one those that nobody can take over
        """
        able = {
            company: (records.process_id.user_id | company.crm_default_user_id)._filter_responsible(company)
            for company, records in self.grouped("company_id").items()
        }

        def get_successor(record):
            users = record.process_id.user_id | record.company_id.crm_default_user_id
            return users.filtered(lambda user: user in able[record.company_id])[:1]

        return self.grouped(get_successor)

    def _give_to(self, user, reasons):
        """Make the user responsible for the records of others, and note from whom they come and why.

        :param dict reasons: why, by record
        """
        formers = {record: record.user_id for record in self}
        self.with_context(**QUIET).write({"user_id": user.id})
        self._log_hand_over(formers, user, reasons)

    def _log_hand_over(self, formers, user, reasons):
        """Note on each record from whom to whom it went, and why; all at once.

        :param dict formers: ``res.users`` by record
        :param dict reasons: why, by record; may be empty
        """
        self._message_log_batch(
            {record.id: self._get_hand_over_text(formers[record], user, reasons.get(record)) for record in self}
        )

    @api.model
    def _get_hand_over_text(self, former, user, reason):
        if not reason:
            return self.env._("Responsible: %(former)s → %(user)s", former=former.name, user=user.name)
        return self.env._(
            "Responsible: %(former)s → %(user)s. Reason: %(reason)s",
            former=former.name,
            user=user.name,
            reason=reason,
        )

    def _get_unfit_note(self):
        """Why the record needs another responsible, in a few words."""
        self.ensure_one()
        user = self.user_id.with_env(self.env)
        return user._get_unfit_note(self.company_id)

    def _move_activities(self, formers, user):
        """What the former ones have planned for the records is the new one's."""
        activities = self.env["mail.activity"].search(
            [("res_model", "=", self._name), ("res_id", "in", self.ids), ("user_id", "in", formers.ids)]
        )
        activities.with_context(**QUIET).write({"user_id": user.id})

    def _tell_administrators(self):
        """An activity for an administrator of the company, on each record once."""
        administrators = self.env.ref("custom_crm.group_admin").all_user_ids
        for company, records in self.grouped("company_id").items():
            able = administrators._filter_responsible(company)
            if able:
                administrator = able.sorted("id")[0]
                records.with_context(lang=administrator.lang)._schedule_once(
                    ACTIVITY_WITHOUT_RESPONSIBLE, administrator
                )

    def _schedule_once(self, activity_xmlid, user):
        """An activity of the user on each record that has none of this type yet."""
        activity_type = self.env.ref(activity_xmlid)
        Activity = self.env["mail.activity"].with_context(**QUIET)
        told = Activity.search(
            [("res_model", "=", self._name), ("res_id", "in", self.ids), ("activity_type_id", "=", activity_type.id)]
        )
        told_ids = set(told.mapped("res_id"))
        records = self.filtered(lambda record: record.id not in told_ids)
        Activity.create([record._prepare_responsible_activity_vals(activity_type, user) for record in records])

    def _prepare_responsible_activity_vals(self, activity_type, user):
        self.ensure_one()
        return {
            "activity_type_id": activity_type.id,
            "automated": True,
            "summary": activity_type.summary,
            "date_deadline": self.company_id._crm_today(),
            "res_model_id": self.env["ir.model"]._get_id(self._name),
            "res_id": self.id,
            "user_id": user.id,
        }
