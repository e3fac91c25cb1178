from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    crm_default_user_id = fields.Many2one(related="company_id.crm_default_user_id", readonly=False)
    crm_renewal_days = fields.Integer(related="company_id.crm_renewal_days", readonly=False)
    crm_reminder_days = fields.Integer(related="company_id.crm_reminder_days", readonly=False)
    crm_reminders = fields.Boolean(related="company_id.crm_reminders", readonly=False)
    crm_billing_day = fields.Integer(related="company_id.crm_billing_day", readonly=False)
    crm_billing_auto = fields.Boolean(related="company_id.crm_billing_auto", readonly=False)
    crm_billing_post = fields.Boolean(related="company_id.crm_billing_post", readonly=False)
    crm_billing_send = fields.Boolean(related="company_id.crm_billing_send", readonly=False)
    crm_billing_chunk_size = fields.Integer(related="company_id.crm_billing_chunk_size", readonly=False)
    crm_accountant_name = fields.Char(related="company_id.crm_accountant_name", readonly=False)
    crm_director_signature = fields.Image(related="company_id.crm_director_signature", readonly=False)
    crm_accountant_signature = fields.Image(related="company_id.crm_accountant_signature", readonly=False)
    crm_stamp = fields.Image(related="company_id.crm_stamp", readonly=False)
    crm_archive_days = fields.Integer(related="company_id.crm_archive_days", readonly=False)
    crm_mailing_template_id = fields.Many2one(related="company_id.crm_mailing_template_id", readonly=False)
    crm_mailing_per_minute = fields.Integer(related="company_id.crm_mailing_per_minute", readonly=False)
    crm_mailing_copy = fields.Boolean(related="company_id.crm_mailing_copy", readonly=False)
    crm_mailing_all_contacts = fields.Boolean(related="company_id.crm_mailing_all_contacts", readonly=False)
