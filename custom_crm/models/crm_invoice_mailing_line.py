from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

OPEN_STATES = ("queued", "sending")


class CrmInvoiceMailingLine(models.Model):
    """One invoice of a mailing, and what became of its message."""

    _name = "crm.invoice.mailing.line"
    _description = "Invoice of a Mailing"
    _order = "mailing_id desc, id"
    _rec_name = "move_id"

    # -------------------------------------------------------------------------
    # FIELDS
    # -------------------------------------------------------------------------

    mailing_id = fields.Many2one("crm.invoice.mailing", required=True, ondelete="cascade", index=True)
    move_id = fields.Many2one(
        "account.move",
        string="Invoice",
        required=True,
        ondelete="cascade",
        domain="[('move_type', 'in', ('out_invoice', 'out_refund')), ('company_id', '=', company_id)]",
    )
    company_id = fields.Many2one(related="mailing_id.company_id", store=True, index=True)
    partner_id = fields.Many2one(related="move_id.partner_id", string="Client")
    invoice_date = fields.Date(related="move_id.invoice_date", string="Invoice Date")
    currency_id = fields.Many2one(related="move_id.currency_id")
    amount_total = fields.Monetary(related="move_id.amount_total", string="Amount")
    state = fields.Selection(
        [
            ("draft", "To Mail"),
            ("queued", "In the Queue"),
            ("sending", "Being Sent"),
            ("sent", "Mailed"),
            ("failed", "Failed"),
            ("no_address", "No E-Mail Address"),
        ],
        required=True,
        readonly=True,
        default="draft",
    )
    problem = fields.Char(readonly=True, help="What was found beforehand. To be mended before the mailing is started.")
    emails = fields.Char(string="Addresses", readonly=True, help="To whom the message goes or went.")
    date = fields.Datetime(string="Result at", readonly=True)
    error = fields.Text(readonly=True, help="Why it was not sent, or which of its addresses the mail server refused.")
    is_uncertain = fields.Boolean(
        string="Uncertain",
        readonly=True,
        help="The connection broke at the very end: the client may have the message. It is not sent again by itself.",
    )
    message_id = fields.Many2one("mail.message", readonly=True, ondelete="set null", index="btree_not_null")
    worker = fields.Integer(readonly=True, help="Key of the lock that the process holds which has taken this row.")

    _move_unique = models.Constraint("UNIQUE(mailing_id, move_id)", "This invoice is in the mailing already.")
    _open_unique = models.UniqueIndex(
        "(move_id) WHERE state IN ('queued', 'sending')",
        "One of the invoices is being mailed by another mailing.",
    )
    _open_index = models.Index("(mailing_id, id) WHERE state IN ('queued', 'sending')")
    _move_id_index = models.Index("(move_id)")
    # Of the minute before, to send no more than the mail server allows.
    _date_index = models.Index("(company_id, date) WHERE date IS NOT NULL")

    # -------------------------------------------------------------------------
    # CRUD
    # -------------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        for mailing in lines.mailing_id:
            mailing._check_draft()
        if not self.env.su and lines.filtered(lambda line: line.state != "draft"):
            raise UserError(self.env._("The result of a message is found by the mailing, not typed in."))
        return lines

    def write(self, vals):
        if not self.env.su:
            raise UserError(self.env._("The result of a message is found by the mailing, not typed in."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_started(self):
        for mailing in self.mailing_id:
            mailing._check_draft()

    # -------------------------------------------------------------------------
    # ACTIONS
    # -------------------------------------------------------------------------

    def action_resend(self):
        """Mail these rows again, those that the client may have as well: the user has decided so.

        :raises UserError: one of them did not fail, or the scheduled action is switched off
        """
        self.mailing_id._lock()
        if self.filtered(lambda line: line.state not in ("failed", "no_address")):
            raise UserError(
                self.env._("Only what failed is sent again. To mail an invoice anew, make another mailing.")
            )
        self._resend()
        return True

    def action_open_move(self):
        """Open the invoice of the row."""
        return self.move_id._get_records_action()

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _resend(self):
        """Queue failed rows of locked mailings again, as far as they can be mailed.

        :raises UserError: the scheduled action is switched off
        """
        mailings = self.mailing_id
        mailings._get_cron()._check_crm_active()
        self._find_problems()
        mailings._set_state("running")
        self._queue()
        mailings._dispatch()

    def _find_problems(self):
        """Note on each row to whom its message goes, and what keeps it from being mailed."""
        # Those of the user's companies that he can't see as well: nobody writes rows by hand, so with sudo.
        self_sudo = self.sudo()
        open_lines = self_sudo.search([("move_id", "in", self.move_id.ids), ("state", "in", OPEN_STATES)])
        busy = {line.move_id: line.mailing_id for line in open_lines - self_sudo}
        for line in self_sudo:
            emails = line.move_id._get_delivery_partners()._get_mail_addresses()
            line.write(
                {
                    "emails": ", ".join(emails),
                    "problem": line._find_obstacle(emails) or line._find_busy(busy) or line._find_remark(),
                }
            )

    def _find_obstacle(self, emails):
        """:return: in words, why the invoice can't be mailed; None if it can"""
        self.ensure_one()
        partner = self.move_id.partner_id
        if self.move_id.state != "posted":
            return self.env._("The invoice is not posted.")
        if not (partner.active and self.move_id.commercial_partner_id.active):
            return self.env._("The client is archived.")
        if not emails:
            return self._find_address_obstacle()
        return None

    def _find_address_obstacle(self):
        typed = ", ".join(self.move_id._get_delivery_partners().mapped("email"))
        if typed:
            return self.env._("«%(typed)s» is no e-mail address.", typed=typed)
        return self.env._("The client has no e-mail address.")

    def _find_busy(self, busy):
        mailing = busy.get(self.move_id)
        return mailing and self.env._("It is being mailed by «%(mailing)s».", mailing=mailing.name)

    def _find_remark(self):
        """What the user should know, and what keeps nothing from being sent."""
        if self.move_id.delivery_state == "sent" and self.state == "draft":
            return self.env._("It was mailed before; it is going to be mailed again.")
        return False

    def _queue(self):
        """Let the mailing have these rows; those that can't be mailed get their result at once."""
        # sudo: nobody writes rows by hand; the user may write the mailing.
        lines = self.sudo()
        open_lines = lines.search([("move_id", "in", lines.move_id.ids), ("state", "in", OPEN_STATES)])
        busy = {line.move_id: line.mailing_id for line in open_lines - lines}
        ready = lines.browse()
        for line in lines:
            emails = line.move_id._get_delivery_partners()._get_mail_addresses()
            if obstacle := line._find_obstacle(emails):
                line._finish("failed" if emails or line._has_typed_address() else "no_address", obstacle)
            elif obstacle := line._find_busy(busy):
                # The other mailing tells on the invoice what becomes of it.
                line.write({"state": "failed", "error": obstacle, "date": fields.Datetime.now()})
            else:
                ready |= line
        ready.write({"state": "queued", "error": False, "date": False, "is_uncertain": False, "worker": 0})
        ready.move_id._set_delivery("queued")

    def _has_typed_address(self):
        return self.move_id.state != "posted" or bool(self.move_id._get_delivery_partners())

    def _finish(self, state, error=False, is_uncertain=False):
        """Note the result of rows, on their invoices too."""
        self.write(
            {"state": state, "error": error, "date": fields.Datetime.now(), "is_uncertain": is_uncertain, "worker": 0}
        )
        self.move_id.filtered(lambda move: move.state == "posted")._set_delivery(state, error)

    # What workers do

    @api.model
    def _claim(self, mailing, worker, limit):
        """Take the next rows of a mailing that nobody has; commits, so that they are taken for all to see.

        :param int worker: key of the lock that the caller holds for as long as it works
        """
        self.flush_model()
        query = self._search(
            [("mailing_id", "=", mailing.id), ("state", "=", "queued"), ("worker", "=", 0)], order="id", limit=limit
        )
        rows = self.env.execute_query(
            SQL("%s FOR NO KEY UPDATE OF crm_invoice_mailing_line SKIP LOCKED", query.select())
        )
        lines = self.browse([row[0] for row in rows])
        lines.worker = worker
        self.env["ir.cron"]._commit_progress()
        return lines

    def _claim_sending(self):
        """Say that the message of a taken row is on its way, if it still may be. The caller commits before it sends.

        In one statement, so that a mailing that was stopped or an invoice that was reset meanwhile is seen.

        :return: False if it may not be sent
        """
        self.ensure_one()
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """UPDATE crm_invoice_mailing_line line SET state = 'sending'
                     FROM crm_invoice_mailing mailing, account_move move
                    WHERE line.id = %s AND line.state = 'queued' AND line.worker = %s
                      AND mailing.id = line.mailing_id AND mailing.state = 'running'
                      AND mailing.is_stopped IS NOT TRUE AND move.id = line.move_id AND move.state = 'posted'
                RETURNING line.id""",
                self.id,
                self.worker,
            )
        )
        self.invalidate_recordset(["state"])
        return bool(rows)
