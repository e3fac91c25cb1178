from odoo import models
from odoo.exceptions import UserError

from odoo.addons.custom_crm.tools import formats

from ..tools.gost_qr import MAX_PURPOSE
from .res_partner_bank import QR_METHOD


class AccountMove(models.Model):
    _inherit = "account.move"

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _generate_qr_code(self, silent_errors=False):
        # EXTENDS 'account': our purpose of payment. Odoo also remembers the method on the invoice that it prints, which
        # whoever may only read it can't.
        if not self._has_gost_qr_code():
            return super()._generate_qr_code(silent_errors=silent_errors)
        account = self._get_payment_account()
        error = account._get_error_messages_for_qr(QR_METHOD, self.partner_id, self.currency_id)
        if error and self.qr_code_method and not silent_errors:
            raise UserError(error)
        if error or self.state != "posted" or self.currency_id.compare_amounts(self.amount_residual, 0) <= 0:
            return None
        return account.build_qr_code_base64(
            self.amount_residual,
            self._get_payment_purpose(),
            "",
            self.currency_id,
            self.partner_id,
            QR_METHOD,
            silent_errors=silent_errors,
        )

    def _has_gost_qr_code(self):
        """Whether the QR code is that of the country: on «Счет на оплату», unless a user chose another."""
        self.ensure_one()
        return self._is_payment_invoice() and self.display_qr_code and self.qr_code_method in (False, QR_METHOD)

    def _get_payment_purpose(self):
        """«Назначение платежа»: the invoice, the contract and, where there is room, VAT."""
        # sudo: as on the printed invoice.
        contract = self.contract_id.sudo()
        date = contract.date_signed or contract.date_start
        parts = [f"Оплата по счету № {self.name} от {formats.short_date(self.invoice_date)}"]
        if contract:
            parts.append(f"по договору № {contract.name}" + (f" от {formats.short_date(date)}" if date else ""))
        purpose = " ".join(parts)
        if self.currency_id.compare_amounts(self.amount_residual, self.amount_total):
            return purpose
        vat = f"В т.ч. НДС {formats.money(self.amount_tax)} руб." if self.amount_tax else "Без НДС"
        complete = f"{purpose}. {vat}"
        return complete if len(complete) <= MAX_PURPOSE else purpose
