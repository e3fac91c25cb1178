import lxml.html

from odoo import api, models

from odoo.addons.base.models import ir_actions_report as base_report

FORM = "crm_form"
PAPER = "custom_crm.paperformat_form"
PAPER_KEY = "data-report-crm-paper"
ARTICLES = "//div[contains(concat(' ', normalize-space(@class), ' '), ' article ')]"


class IrActionsReport(models.Model):
    """Printing of the country's forms.

    A form (an «article» of class ``crm_form``) carries its styles and images in itself, and has its own paper. So it
    asks no HTTP server for anything, and looks the same under both builds of wkhtmltopdf.
    """

    _inherit = "ir.actions.report"

    # -------------------------------------------------------------------------
    # BUSINESS METHODS
    # -------------------------------------------------------------------------

    def _render_qweb_pdf_prepare_streams(self, report_ref, data, res_ids=None):
        # EXTENDS 'base': forms apart from Odoo's documents, and alone where wkhtmltopdf takes one document at a time
        groups = self._split_documents(report_ref, res_ids)
        if len(groups) < 2:
            return super()._render_qweb_pdf_prepare_streams(report_ref, data, res_ids=res_ids)
        streams = {}
        for ids in groups:
            streams |= super()._render_qweb_pdf_prepare_streams(report_ref, data, res_ids=ids)
        return {id_: streams[id_] for id_ in res_ids}

    @api.model
    def _split_documents(self, report_ref, res_ids):
        """Ids of documents that wkhtmltopdf can make at once."""
        if not res_ids or len(res_ids) != len(set(res_ids)) or not self._is_invoice_report(report_ref):
            return [res_ids]
        moves = self.env["account.move"].browse(res_ids)
        forms = moves.filtered(lambda move: move._is_payment_invoice())
        groups = [forms.ids] if self._prints_many() else [[form.id] for form in forms]
        return [ids for ids in (*groups, (moves - forms).ids) if ids]

    @api.model
    def _prints_many(self):
        """Whether wkhtmltopdf takes several documents at once; Debian's build doesn't."""
        return base_report._wkhtml().is_patched_qt

    @api.model
    def _repeats_table_head(self):
        """Whether wkhtmltopdf repeats the head of a table on each page and keeps rows whole; Debian's build doesn't."""
        return base_report._wkhtml().is_patched_qt

    def _prepare_html(self, html, report_model=False):
        # EXTENDS 'base'
        if FORM not in (html.decode() if isinstance(html, bytes) else html):
            return super()._prepare_html(html, report_model=report_model)
        articles = lxml.html.fromstring(html, parser=lxml.html.HTMLParser(encoding="utf-8")).xpath(ARTICLES)
        if not articles or any(FORM not in article.classes for article in articles):
            return super()._prepare_html(html, report_model=report_model)
        report = super(IrActionsReport, self.with_context(crm_form_layout=True))
        bodies, res_ids, _header, _footer, arguments = report._prepare_html(html, report_model=report_model)
        footer = self.env["ir.qweb"]._render("custom_crm.form_footer", {})
        return bodies, res_ids, None, footer, {**arguments, PAPER_KEY: PAPER}

    def _get_layout(self):
        # EXTENDS 'base'
        if self.env.context.get("crm_form_layout"):
            return self.env.ref("custom_crm.form_layout")
        return super()._get_layout()

    @api.model
    def _build_wkhtmltopdf_args(
        self, paperformat_id, landscape, specific_paperformat_args=None, set_viewport_size=False
    ):
        # EXTENDS 'base'
        if paper := (specific_paperformat_args or {}).get(PAPER_KEY):
            paperformat_id = self.env.ref(paper)
        command = super()._build_wkhtmltopdf_args(
            paperformat_id,
            landscape,
            specific_paperformat_args=specific_paperformat_args,
            set_viewport_size=set_viewport_size,
        )
        # Invoices run no script, so a mailing waits for none; a delay that an administrator set stays.
        # sudo: as Odoo reads it.
        delay = self.env["ir.config_parameter"].sudo().get_param("report.print_delay")
        if self.env.context.get("crm_mailing") and not delay:
            command[command.index("--javascript-delay") + 1] = "0"
        return command
