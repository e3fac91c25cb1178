import base64
import io

from qrcode import QRCode
from qrcode.constants import ERROR_CORRECT_M

from odoo import api, models
from odoo.tools.image import image_data_uri

from odoo.addons.custom_crm.tools import requisites

from ..tools import gost_qr

QR_METHOD = "gost_qr"
# Pixels of a module of the code.
MODULE_SIZE = 4


class ResPartnerBank(models.Model):
    """QR code for payment by ГОСТ Р 56042-2014, which the apps of Russian banks read."""

    _inherit = "res.partner.bank"

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    @api.model
    def _get_available_qr_methods(self):
        # EXTENDS 'account'
        return [*super()._get_available_qr_methods(), (QR_METHOD, self.env._("QR code of Russian banks"), 10)]

    def _get_error_messages_for_qr(self, qr_method, debtor_partner, currency):
        # EXTENDS 'account'
        if qr_method != QR_METHOD:
            return super()._get_error_messages_for_qr(qr_method, debtor_partner, currency)
        if not self:
            return self.env._("Choose the bank account that the invoice is paid to.")
        values = {"account": self.acc_number, "bank": self.bank_id.name or ""}
        if currency.name != "RUB":
            return self.env._("The QR code of Russian banks is for rubles only, not for %s.", currency.name)
        if requisites.bic_error(self.bank_id.bic or "") or len(self.corr_account or "") != gost_qr.ACCOUNT_LENGTH:
            return self.env._("Account %(account)s: bank «%(bank)s» needs a BIC and a correspondent account.", **values)
        if len(self.sanitized_acc_number or "") != gost_qr.ACCOUNT_LENGTH:
            return self.env._("Account %(account)s at %(bank)s: must have 20 digits.", **values)
        return None

    def _check_for_qr_code_errors(
        self, qr_method, amount, currency, debtor_partner, free_communication, structured_communication
    ):
        # EXTENDS 'account'
        if qr_method == QR_METHOD and currency.compare_amounts(amount, 0) <= 0:
            return self.env._("There is nothing to pay.")
        return super()._check_for_qr_code_errors(
            qr_method, amount, currency, debtor_partner, free_communication, structured_communication
        )

    def _get_qr_vals(self, qr_method, amount, currency, debtor_partner, free_communication, structured_communication):
        # EXTENDS 'account'
        if qr_method != QR_METHOD:
            return super()._get_qr_vals(
                qr_method, amount, currency, debtor_partner, free_communication, structured_communication
            )
        holder = self.partner_id
        return {
            "Name": self.acc_holder_name or holder.name,
            "PersonalAcc": self.sanitized_acc_number,
            "BankName": self.bank_id.name,
            "BIC": self.bank_id.bic,
            "CorrespAcc": self.corr_account,
            "Sum": gost_qr.kopecks(amount),
            "Purpose": free_communication or structured_communication,
            "PayeeINN": holder.vat,
            "KPP": holder.kpp,
        }

    def _get_qr_code_generation_params(self, qr_method, *args):
        # EXTENDS 'account'
        if qr_method != QR_METHOD:
            return super()._get_qr_code_generation_params(qr_method, *args)
        return {"value": gost_qr.payload(self._get_qr_vals(qr_method, *args))}

    def _get_qr_code_url(self, qr_method, *args, **kwargs):
        # EXTENDS 'account': an image in itself, as Odoo's controller would draw text only
        if qr_method != QR_METHOD:
            return super()._get_qr_code_url(qr_method, *args, **kwargs)
        return self._get_qr_code_base64(qr_method, *args, **kwargs)

    def _get_qr_code_base64(
        self, qr_method, amount, currency, debtor_partner, free_communication, structured_communication
    ):
        # EXTENDS 'account': reportlab, by which Odoo draws, needs a library of its own for pictures
        arguments = (qr_method, amount, currency, debtor_partner, free_communication, structured_communication)
        if qr_method != QR_METHOD:
            return super()._get_qr_code_base64(*arguments)
        code = QRCode(error_correction=ERROR_CORRECT_M, box_size=MODULE_SIZE)
        # One segment of bytes: a reader takes all of it in one encoding.
        code.add_data(self._get_qr_code_generation_params(*arguments)["value"], optimize=0)
        stream = io.BytesIO()
        code.make_image().save(stream, format="PNG")
        return image_data_uri(base64.b64encode(stream.getvalue()))
