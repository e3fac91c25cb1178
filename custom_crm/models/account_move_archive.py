from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain

ARCHIVABLE_TYPES = ("out_invoice", "out_refund")
# Results of the business methods: not written by hand, nor over RPC.
ARCHIVE_FIELDS = {"archived_date", "archived_user_id", "is_archived", "restored_on"}
# What paying, printing, mailing, crediting, reviewing and sealing an invoice write on it, and talking about it. Stored
# computed fields need not stand here: the ORM keeps them up to date by other ways.
WRITABLE_FIELDS = {
    # Payments
    "matched_payment_ids",
    "no_followup",
    "payment_state",
    # Printing, mailing, the client's link
    "access_token",
    "delivery_error",
    "delivery_state",
    "is_move_sent",
    "mailed_date",
    "sending_data",
    # Odoo's review, seal and watch over numbers
    "checked",
    "inalterable_hash",
    "made_sequence_gap",
    "secure_sequence_number",
    # Chatter and activities
    "activity_ids",
    "message_follower_ids",
    "message_ids",
    "message_main_attachment_id",
}


def get_content_fields(model, names, writable):
    """Those of the fields that change what an invoice is: a field that is kept nowhere changes nothing.

    :param writable: names of the fields that may be written in the archive
    """
    content = [model._fields[name] for name in names if name not in writable]
    return [field.name for field in content if field.store or field.inverse]


class AccountMove(models.Model):
    """The archive of customer invoices: what is in it stays as it is, until an administrator takes it out.

    An invoice there can't be reset to draft, cancelled, changed or deleted, its lines and attachments neither. It can
    be paid, printed, mailed and credited. The rule has one place a model: ``_check_not_archived``, asked by whatever
    writes or deletes an invoice, a line or an attachment; the database keeps the state itself.
    """

    _name = "account.move"
    # Apart from what an invoice is.
    _inherit = ["account.move", "crm.chunk.mixin"]  # pylint: disable=consider-merging-classes-inherited

    # -------------------------------------------------------------------------
    # FIELDS
    # -------------------------------------------------------------------------

    is_archived = fields.Boolean(
        string="In the Archive",
        readonly=True,
        copy=False,
        help="Can be paid, printed, mailed and credited, but not changed any more.",
    )
    archived_date = fields.Datetime(string="Archived On", readonly=True, copy=False)
    archived_user_id = fields.Many2one(
        "res.users", string="Archived By", readonly=True, copy=False, ondelete="restrict", index="btree_not_null"
    )
    restored_on = fields.Date(
        string="Taken out of the Archive On",
        readonly=True,
        copy=False,
        help="The scheduled action leaves it out of the archive as long after this day as after a payment.",
    )

    _archived_is_posted = models.Constraint(
        "CHECK(is_archived IS NOT TRUE OR (state = 'posted' AND move_type IN ('out_invoice', 'out_refund')))",
        "An invoice in the archive stays posted.",
    )

    # -------------------------------------------------------------------------
    # COMPUTES
    # -------------------------------------------------------------------------

    @api.depends("is_archived")
    def _compute_show_reset_to_draft_button(self):
        # EXTENDS 'account'
        result = super()._compute_show_reset_to_draft_button()
        self.filtered("is_archived").show_reset_to_draft_button = False
        return result

    # -------------------------------------------------------------------------
    # VIEWS
    # -------------------------------------------------------------------------

    @api.model
    def _get_view(self, view_id=None, view_type="form", **options):
        # EXTENDS 'base': on the form of an invoice in the archive nothing can be typed
        arch, view = super()._get_view(view_id, view_type, **options)
        if view_type == "form":
            writable = self._get_archive_writable_fields()
            for node in arch.xpath("//field[@name][not(ancestor::field)]"):
                field = self._fields.get(node.get("name"))
                condition = node.get("readonly", "1" if field and field.readonly else "")
                if field and field.name not in writable and condition not in ("1", "True"):
                    node.set("readonly", f"is_archived or ({condition})" if condition else "is_archived")
        return arch, view

    # -------------------------------------------------------------------------
    # CRUD
    # -------------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        moves = super().create(vals_list)
        # After the fact, as values could come from the context's defaults too.
        if any(move[name] for move in moves for name in ARCHIVE_FIELDS):
            raise UserError(self.env._("A new invoice is not in the archive. Put it there by its button."))
        return moves

    def write(self, vals):
        if ARCHIVE_FIELDS & vals.keys() and not self.env.su:
            raise UserError(self.env._("Invoices go into the archive and out of it by their buttons only."))
        if get_content_fields(self, vals, self._get_archive_writable_fields()):
            self._check_not_archived()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_archived(self):
        self._check_not_archived()

    def _check_not_archived(self):
        """
        :raises UserError: an invoice is in the archive
        :raises AccessError: an invoice there is not for the user to see, so it is not named
        """
        # sudo: an invoice stays as it is, seen by the user or not.
        archived = self.sudo().filtered("is_archived").sudo(self.env.su)
        if archived:
            archived.check_access("read")
            raise UserError(
                self.env._(
                    "What is in the archive stays as it is: %(invoices)s. "
                    "Only an administrator can take an invoice out of it.",
                    invoices=", ".join(archived.mapped("display_name")),
                )
            )

    @api.model
    def _get_archive_writable_fields(self):
        """Names of the fields that may be written in the archive. To be extended by what isn't the invoice's content.

        :rtype: set
        """
        return WRITABLE_FIELDS | ARCHIVE_FIELDS

    # -------------------------------------------------------------------------
    # ACTIONS
    # -------------------------------------------------------------------------

    def action_move_to_archive(self):
        """Put posted customer invoices and credit notes into the archive, as far as they can go there.

        :return: a notification that names those which could not, and why
        :raises UserError: none could
        """
        self.check_access("write")
        # A second click finds nothing to do.
        moves = self.filtered(lambda move: not move.is_archived)
        free = moves._lock_to_archive()
        obstacles = {move: move._get_archive_obstacle(move in free) for move in moves}
        good = moves.filtered(lambda move: not obstacles[move])
        problems = [f"{move.display_name}: {obstacle}" for move, obstacle in obstacles.items() if obstacle]
        if problems and not good:
            raise UserError("\n".join([self.env._("Nothing went into the archive."), *problems]))
        good._archive(self.env._("Moved to the archive."))
        return self._get_archive_notification(len(good), problems) if problems else True

    def action_restore_from_archive(self):
        """Take invoices out of the archive, which is noted in their chatter.

        :raises AccessError: the user is no administrator
        :raises UserError: somebody else is changing one of them at this moment
        """
        self.check_access("write")
        if not self.env.user.has_group("custom_crm.group_admin"):
            raise AccessError(self.env._("Only an administrator can take an invoice out of the archive."))
        moves = self.filtered("is_archived")
        if moves - moves._lock_to_archive():
            raise UserError(self.env._("Somebody else is changing these invoices at this moment. Try again."))
        for company, group in moves.grouped("company_id").items():
            group._set_archived(
                {
                    "is_archived": False,
                    "archived_date": False,
                    "archived_user_id": False,
                    "restored_on": company._crm_today(),
                }
            )
        moves._log_archive(self.env._("Taken out of the archive."))
        return True

    # -------------------------------------------------------------------------
    # SCHEDULED ACTIONS
    # -------------------------------------------------------------------------

    @api.model
    def _cron_archive_settled(self):
        """Put what is settled for the days that each company has chosen into the archive, saved chunk by chunk."""
        self._work_in_chunks(self._get_settled_domain(), "_archive_settled")

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _lock_to_archive(self):
        """Keep others from changing the invoices until the end of the transaction; nothing waits.

        Who changed one of them after this transaction began makes the database refuse the lock as a serialization
        failure; the server then repeats the whole request and sees what became of it.

        :return: those that nobody else is changing at this moment
        """
        self.flush_recordset(["state"])
        return self.try_lock_for_update(allow_referencing=True)

    def _get_archive_obstacle(self, is_free=True):
        """Why the invoice can't go into the archive, for the user; empty if it can."""
        self.ensure_one()
        if self.move_type not in ARCHIVABLE_TYPES:
            return self.env._("only customer invoices and credit notes have an archive.")
        if self.state == "cancel":
            return self.env._("it is cancelled.")
        if self.state != "posted":
            return self.env._("it is a draft. Post it first.")
        return "" if is_free else self.env._("somebody else is changing it at this moment. Try again.")

    @api.model
    def _get_archive_notification(self, count, problems):
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning",
                "sticky": True,
                "title": self.env._("Moved to the archive: %s", count),
                "message": self.env._("The others stay where they are. %s", " ".join(problems)),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def _archive(self, note):
        self._set_archived(
            {"is_archived": True, "archived_date": fields.Datetime.now(), "archived_user_id": self.env.uid}
        )
        self._log_archive(note)

    def _set_archived(self, vals):
        # sudo: users archive by the business methods only, which have checked what is allowed. Journal items don't
        # depend on it: Odoo need not compare them with the lines.
        self.sudo().with_context(skip_invoice_sync=True, skip_is_manually_modified=True).write(vals)

    def _log_archive(self, note):
        self._message_log_batch(dict.fromkeys(self.ids, note))

    def _archive_settled(self):
        for company, moves in self.grouped("company_id").items():
            note = self.with_context(lang=company.partner_id.lang).env._(
                "Moved to the archive: settled for %s days.", company.crm_archive_days
            )
            moves._archive(note)

    @api.model
    def _get_settled_domain(self):
        """Customer invoices and credit notes that were settled as long ago as their company has chosen."""
        companies = self.env["res.company"].search([("crm_archive_days", ">", 0)])
        cutoffs = companies.grouped(lambda company: company._crm_today() - timedelta(days=company.crm_archive_days))
        return (
            Domain("is_archived", "=", False)
            & Domain("state", "=", "posted")
            & Domain("move_type", "in", ARCHIVABLE_TYPES)
            & Domain("payment_state", "in", ("paid", "reversed"))
            & Domain.OR(
                Domain("company_id", "in", group.ids) & self._get_untouched_domain(cutoff)
                for cutoff, group in cutoffs.items()
            )
        )

    @api.model
    def _get_untouched_domain(self, cutoff):
        """Invoices of the day or earlier, that nobody paid or took out of the archive afterwards."""
        later = Domain("max_date", ">", cutoff)
        return (
            Domain("invoice_date", "<=", cutoff)
            & (Domain("restored_on", "=", False) | Domain("restored_on", "<=", cutoff))
            & ~Domain("line_ids.matched_credit_ids", "any", later)
            & ~Domain("line_ids.matched_debit_ids", "any", later)
        )
