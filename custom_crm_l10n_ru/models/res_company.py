from odoo import api, models


class ResCompany(models.Model):
    _inherit = "res.company"

    # -------------------------------------------------------------------------
    # CRUD
    # -------------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        companies = super().create(vals_list)
        chosen = [company.id for company, vals in zip(companies, vals_list, strict=True) if "qr_code" in vals]
        (companies - self.browse(chosen))._switch_on_qr_code()
        return companies

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _switch_on_qr_code(self):
        self.filtered(lambda company: company.country_id.code == "RU").qr_code = True
