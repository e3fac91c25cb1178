from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..tools import requisites


class ResPartnerBank(models.Model):
    """Bank account whose key is checked where it is one of a Russian bank."""

    _inherit = "res.partner.bank"

    corr_account = fields.Char(related="bank_id.corr_account")
    is_treasury = fields.Boolean(compute="_compute_is_treasury", help="An account of the treasury, without a key.")

    @api.depends("acc_number", "bank_id.bic")
    def _compute_is_treasury(self):
        for account in self:
            account.is_treasury = requisites.is_treasury(account.acc_number or "", account.bank_id.bic or "")

    @api.constrains("acc_number", "bank_id")
    def _check_account_key(self):
        """Refuse a mistyped расчётный счёт; accounts of the treasury and at banks without a БИК pass."""
        for account in self:
            bic = account.bank_id.bic or ""
            foreign = account.bank_id.country.code not in (False, "RU")
            if foreign or requisites.bic_error(bic) or account.is_treasury:
                continue
            error = requisites.account_error(account.acc_number, bic)
            values = {
                "account": account.acc_number,
                "client": account.partner_id.display_name,
                "bank": account.bank_id.display_name,
            }
            if error == requisites.FORMAT:
                raise ValidationError(
                    self.env._("Account %(account)s of %(client)s at %(bank)s: must have 20 digits.", **values)
                )
            if error:
                raise ValidationError(
                    self.env._(
                        "Account %(account)s of %(client)s: its key does not fit the BIC of %(bank)s. "
                        "Look for a typo in both.",
                        **values,
                    )
                )
