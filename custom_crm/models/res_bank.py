from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..tools import requisites


class ResBank(models.Model):
    """Bank with the requisites of a Russian one: БИК is ``bic``, which may be a SWIFT code instead."""

    _inherit = "res.bank"

    corr_account = fields.Char(string="Correspondent Account", help="20 digits, held at the central bank.")

    @api.constrains("bic", "corr_account")
    def _check_requisites(self):
        for bank in self.filtered(lambda bank: bank.country.code in (False, "RU")):
            bic, account = requisites.compact(bank.bic or ""), bank.corr_account
            if bic.isdigit() and requisites.bic_error(bic):
                raise ValidationError(
                    self.env._("BIC %(bic)s of %(bank)s: must have 9 digits.", bic=bic, bank=bank.name)
                )
            if account and bic.isdigit() and not requisites.is_treasury(account, bic):
                bank._check_corr_account()

    def _check_corr_account(self):
        error = requisites.corr_account_error(self.corr_account, self.bic)
        values = {"account": self.corr_account, "bank": self.display_name}
        if error == requisites.FORMAT:
            raise ValidationError(
                self.env._("Correspondent account %(account)s of %(bank)s: must have 20 digits.", **values)
            )
        if error:
            raise ValidationError(
                self.env._(
                    "Correspondent account %(account)s of %(bank)s: its key does not fit the BIC. "
                    "Look for a typo in both.",
                    **values,
                )
            )

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._compact_vals(vals) for vals in vals_list])

    def write(self, vals):
        return super().write(self._compact_vals(vals))

    @api.model
    def _compact_vals(self, vals):
        numbers = {name: requisites.compact(str(vals[name])) for name in ("bic", "corr_account") if vals.get(name)}
        return {**vals, **numbers} if numbers else vals
