import logging
from datetime import timedelta
from itertools import pairwise

from psycopg2.errors import UniqueViolation

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import split_every

_logger = logging.getLogger(__name__)

# Clients whose letters are saved together.
CHUNK_SIZE = 50
# Somebody else reminded or paid in the same moment.
CONFLICTS = (*PG_CONCURRENCY_EXCEPTIONS_TO_RETRY, UniqueViolation)


class CrmReminder(models.Model):
    """That a client was reminded of an overdue invoice: one row per invoice and level, which the database keeps.

    A client gets one letter a level, which lists their invoices. The letter is put into Odoo's mail queue in the same
    transaction as the rows, so whatever is killed or runs twice, it goes out at most once. Of several levels that were
    reached while nothing was sent, only the highest counts.
    """

    _name = "crm.reminder"
    _description = "Reminder of an Overdue Invoice"
    _order = "date desc, id desc"
    _rec_name = "move_id"
    _check_company_auto = True

    # -------------------------------------------------------------------------
    # FIELDS
    # -------------------------------------------------------------------------

    move_id = fields.Many2one("account.move", string="Invoice", required=True, readonly=True, ondelete="cascade")
    level_id = fields.Many2one("crm.reminder.level", required=True, readonly=True, ondelete="restrict", index=True)
    days = fields.Integer(readonly=True, help="Days of the level when it was reached.")
    partner_id = fields.Many2one(
        related="move_id.commercial_partner_id", string="Client", store=True, precompute=True, index=True
    )
    company_id = fields.Many2one(related="move_id.company_id", store=True, precompute=True, index=True)
    currency_id = fields.Many2one(related="move_id.currency_id")
    date = fields.Date(required=True, readonly=True, help="Day of the company.")
    amount = fields.Monetary(readonly=True, string="Overdue", help="What was overdue on that day.")
    state = fields.Selection(
        [("sent", "Sent"), ("no_address", "No Address")],
        required=True,
        readonly=True,
        index=True,
        help="Without an address nothing was sent; it is sent as soon as the client has one.",
    )
    mail_id = fields.Many2one("mail.mail", string="Letter", readonly=True, ondelete="set null", index="btree_not_null")
    mail_state = fields.Selection(related="mail_id.state", string="Mail")

    _move_level_unique = models.UniqueIndex("(move_id, level_id)", "This invoice has a reminder of this level already.")

    # -------------------------------------------------------------------------
    # ACTIONS
    # -------------------------------------------------------------------------

    def action_open(self):
        """The invoice."""
        self.ensure_one()
        return self.move_id._get_records_action(name=self.env._("Invoice"))

    def action_send_again(self):
        """Put letters that the mail server refused into the mail queue again.

        :raises UserError: none of them has failed
        """
        # sudo: who sees the reminder may repeat its letter, but not read or change other mails.
        failed = self.sudo().mail_id.filtered(lambda mail: mail.state == "exception")
        if not failed:
            raise UserError(self.env._("None of these letters has failed."))
        failed.mark_outgoing()
        return True

    # -------------------------------------------------------------------------
    # SCHEDULED ACTIONS
    # -------------------------------------------------------------------------

    @api.model
    def _cron_remind(self):
        """Remind clients of overdue invoices in every company that wants it, saved some clients at a time."""
        for company in self.env["res.company"].search([("crm_reminders", "=", True)]):
            reminders = self.with_company(company)
            for level, next_level in reminders._get_levels(company):
                if not reminders._remind(level, reminders._get_item_domain(level, next_level)):
                    return

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    @api.model
    def _get_levels(self, company):
        """Pairs of a level and the one above, which is empty for the highest; from there downwards."""
        levels = self.env["crm.reminder.level"].search(
            [("company_id", "in", (False, company.id))], order="days desc, id desc"
        )
        return [(level, above) for above, level in pairwise([levels.browse(), *levels])]

    @api.model
    def _get_item_domain(self, level, next_level):
        """Overdue items of the company that have reached the level, but not the next one, and were not reminded."""
        today = self.env.company._crm_today()
        domain = self.env["res.partner"]._get_reminder_domain()
        domain &= Domain("date_maturity", "<=", today - timedelta(days=level.days))
        if next_level:
            domain &= Domain("date_maturity", ">", today - timedelta(days=next_level.days))
        reminded = self._search(
            Domain("state", "=", "sent")
            & Domain("company_id", "=", self.env.company.id)
            & (Domain("days", ">=", level.days) | Domain("level_id", "=", level.id))
        )
        return domain & Domain("move_id", "not in", reminded.subselect("move_id"))

    @api.model
    def _remind(self, level, domain):
        """Write to all clients of the items.

        :return: whether time is left
        """
        clients = self.env["account.move.line"]._read_group(domain, ["move_id.commercial_partner_id"])
        if level.error:
            level.error = False
        has_time = self.env["ir.cron"]._commit_progress(remaining=len(clients))
        for chunk in split_every(CHUNK_SIZE, [client.id for (client,) in clients]):
            has_time = has_time and self._remind_chunk(level, domain, chunk)
        return has_time

    @api.model
    def _remind_chunk(self, level, domain, client_ids):
        """Write to some clients, one by one if that fails, so that one of them stops no other.

        :return: whether time is left
        """
        Cron = self.env["ir.cron"]
        try:
            self._send(level, domain & Domain("move_id.commercial_partner_id", "in", client_ids))
            return Cron._commit_progress(len(client_ids))
        except Exception as error:
            self.env.cr.rollback()
            if len(client_ids) > 1:
                return all(self._remind_chunk(level, domain, [client_id]) for client_id in client_ids)
            # What somebody else works on is left to the next time.
            if not isinstance(error, CONFLICTS):
                client = self.env["res.partner"].browse(client_ids)
                _logger.exception("No reminder for %s", client)
                level.error = f"{client.display_name}: {error}"
            return Cron._commit_progress(1)

    @api.model
    def _send(self, level, domain):
        """Note the reminders and put the letters into the mail queue; what somebody works on is left out."""
        items = self.env["account.move.line"].search(domain)
        moves = items.move_id
        busy = (moves - moves.try_lock_for_update(allow_referencing=True)).commercial_partner_id
        items = items.filtered(lambda item: item.move_id.commercial_partner_id not in busy)
        clients = items.move_id.commercial_partner_id
        addressed = clients.filtered(lambda client: client._get_reminder_address())
        mails = self._queue_letters(level, addressed, items)
        self._note(level, items, {mail.res_id: mail for mail in mails})

    @api.model
    def _queue_letters(self, level, clients, items):
        """One letter for each client, in their language; the mail queue sends them."""
        template = level.template_id.with_context(reminder_item_ids=items.ids)
        values = {} if template.email_from else {"email_from": self.env.company.email_formatted}
        return template.send_mail_batch(clients.ids, email_values=values)

    @api.model
    def _note(self, level, items, mails):
        """Write the rows, and what became of the reminders on the invoices; who has no address is noted once.

        :param dict mails: ``mail.mail`` by client's id
        """
        known = self.search([("move_id", "in", items.move_id.ids), ("level_id", "=", level.id)]).grouped("move_id")
        vals_list, notes = [], {}
        for move, move_items in items.grouped("move_id").items():
            mail = mails.get(move.commercial_partner_id.id)
            vals = self._prepare_reminder_vals(level, move, move_items, mail)
            reminder = known.get(move)
            if not reminder:
                vals_list.append(vals)
            elif mail:
                reminder.write(vals)
            if mail or not reminder:
                notes[move.id] = self._get_note(level, move, mail)
        self.create(vals_list)
        items.move_id.filtered(lambda move: move.id in notes)._message_log_batch(notes)

    @api.model
    def _prepare_reminder_vals(self, level, move, items, mail):
        return {
            "move_id": move.id,
            "level_id": level.id,
            "days": level.days,
            "date": self.env.company._crm_today(),
            "amount": sum(items.mapped("amount_residual_currency")),
            "state": "sent" if mail else "no_address",
            "mail_id": mail and mail.id,
        }

    @api.model
    def _get_note(self, level, move, mail):
        """In the company's language, as nobody in person does it."""
        env = self.with_context(lang=self.env.company.partner_id.lang or self.env.lang).env
        level = level.with_env(env)
        if not mail:
            return env._(
                "%(level)s not sent: %(client)s has no e-mail address.",
                level=level.name,
                client=move.commercial_partner_id.name,
            )
        recipients = ", ".join(mail.recipient_ids.mapped("email_formatted"))
        return env._("%(level)s sent to %(recipients)s.", level=level.name, recipients=recipients or mail.email_to)
