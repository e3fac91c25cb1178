import io
import logging
import re

import psycopg2

from odoo import api, models
from odoo.tools.pdf import PdfFileReader

from odoo.addons.base.models.ir_actions_report import _wkhtml

from ..tools.pdf_text import iter_pieces, read_cmap

_logger = logging.getLogger(__name__)


class AccountMoveSend(models.AbstractModel):
    _inherit = "account.move.send"

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    @api.model
    def _get_default_mail_partner_ids(self, move, mail_template, mail_lang):
        # EXTENDS 'account': all contacts of the client for invoices
        partners = super()._get_default_mail_partner_ids(move, mail_template, mail_lang)
        return partners | move._get_delivery_partners()

    @api.model
    def _hook_if_success(self, moves_data, from_cron=False):
        # EXTENDS 'account': scheduled actions only queue their e-mails, for up to an hour; send them at once
        result = super()._hook_if_success(moves_data, from_cron=from_cron)
        cron = self.env.ref("mail.ir_cron_mail_scheduler_action", raise_if_not_found=False)
        if from_cron and cron:
            cron._trigger()
        return result

    @api.model
    def _hook_if_errors(self, moves_data, allow_raising=True):
        # EXTENDS 'account': the invoice shows that it was not mailed
        result = super()._hook_if_errors(moves_data, allow_raising=allow_raising)
        for move, move_data in moves_data.items():
            move._set_delivery("failed", self._format_error_text(move_data["error"]))
        return result

    @api.model
    def _send_mail(self, move, mail_template, **kwargs):
        # EXTENDS 'account': the invoice shows what becomes of its message
        if self.env.context.get("crm_mailing"):
            # Only the client: who follows the invoice has the mailing to look at.
            kwargs["notify_skip_followers"] = True
        return super()._send_mail(move.with_context(crm_delivery=True), mail_template, **kwargs)

    # PDFs of a mailing

    @api.model
    def _prepare_invoice_pdf_report(self, invoices_data):
        # EXTENDS 'account': in a mailing all in one go, then one by one what that did not give, each one looked at
        if not self.env.context.get("crm_mailing"):
            return super()._prepare_invoice_pdf_report(invoices_data)
        if len(invoices_data) > 1 and _wkhtml().is_patched_qt:
            self._try_to_render(super()._prepare_invoice_pdf_report, invoices_data)
        for invoice, invoice_data in invoices_data.items():
            if self._has_own_pdf(invoice, invoice_data):
                continue
            error = self._try_to_render(super()._prepare_invoice_pdf_report, {invoice: invoice_data})
            if not self._has_own_pdf(invoice, invoice_data):
                invoice_data.pop("pdf_attachment_values", None)
                invoice_data["error"] = {
                    "error_title": self.env._("The PDF could not be made."),
                    "errors": [error or self.env._("The number of the invoice is not in it.")],
                }
        return None

    @api.model
    def _try_to_render(self, render, invoices_data):
        """:return: what went wrong, in words; None: nothing"""
        try:
            render(invoices_data)
        except psycopg2.Error:
            # Nothing more can be done in this transaction.
            raise
        except Exception as error:
            _logger.info("PDFs of %s could not be made", invoices_data.keys(), exc_info=error)
            return str(error) or type(error).__name__
        return None

    @api.model
    def _has_own_pdf(self, invoice, invoice_data):
        """Whether the document that was made is that of the invoice: its number is inside."""
        content = invoice_data.get("pdf_attachment_values", {}).get("raw")
        if not content:
            return False
        number = self._get_number_pattern(invoice)
        if not content.startswith(b"%PDF"):
            # Odoo makes no PDF in its tests.
            return bool(number.search(content.decode()))
        pages = PdfFileReader(io.BytesIO(content)).pages
        return any(number.search(self._read_fast(page)) for page in pages) or any(
            number.search(page.extract_text()) for page in pages
        )

    @api.model
    def _read_fast(self, page):
        """Text of a page that wkhtmltopdf made; of any other perhaps nothing."""
        try:
            fonts = page["/Resources"]["/Font"]
            cmaps = {name[1:]: read_cmap(font["/ToUnicode"].get_data()) for name, font in fonts.items()}
            return "\n".join(iter_pieces(page["/Contents"].get_data(), cmaps))
        except (AttributeError, KeyError, TypeError, ValueError):
            # Made otherwise.
            return ""

    @api.model
    def _get_number_pattern(self, invoice):
        """The number of the invoice and not a longer one. A PDF may have spaces wherever a letter has its own place."""
        spaced = r"\s*".join(map(re.escape, invoice.name))
        return re.compile(rf"(?<!\d){spaced}(?!\d)")
