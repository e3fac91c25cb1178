import os
import shutil
import subprocess
import tempfile
from datetime import date
from pathlib import Path
from unittest.mock import patch

from odoo.fields import Command

from odoo.addons.base.models import ir_actions_report as base_report

from .common import CrmCommon


def _find_wkhtmltopdf():
    """What Odoo would know of each build on this machine, by name: patched, unpatched."""
    builds = {}
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        path = shutil.which("wkhtmltopdf", path=folder)
        if path:
            version = subprocess.run([path, "--version"], capture_output=True, check=False, text=True).stdout
            name = "patched" if "with patched qt" in version else "unpatched"
            builds.setdefault(name, path)
    return builds


class DocumentsCommon(CrmCommon):
    """A Russian company with a bank account, its client, and invoices as PDF by every wkhtmltopdf there is."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.builds = _find_wkhtmltopdf()
        cls.russia, cls.rub = cls.env.ref("base.ru"), cls.env.ref("base.RUB")
        cls.rub.active = True
        cls.seller = cls._make_seller(
            "ООО «Сервис»",
            vat="6670123986",
            kpp="667001001",
            phone="+7 343 200-10-10",
            legal_address="620075, г. Екатеринбург, ул. Мамина-Сибиряка, д. 101",
            director_name="Соколов Андрей Викторович",
            director_position="Генеральный директор",
        )
        cls.seller.crm_accountant_name = "Белова Мария Игоревна"
        cls.buyer = cls.env["res.partner"].create(
            {
                "name": "ООО «Полюс»",
                "is_company": True,
                "country_id": cls.russia.id,
                "vat": "7707083893",
                "kpp": "770701001",
                "legal_address": "117997, г. Москва, ул. Вавилова, д. 19",
                "phone": "+7 495 500-55-50",
                # The form is in Russian for this client as well.
                "lang": "en_US",
            }
        )

    @classmethod
    def _make_seller(cls, name, **vals):
        company = cls.env["res.company"].create({"name": name, "country_id": cls.russia.id, "currency_id": cls.rub.id})
        company.partner_id.write({"is_company": True, "lang": "en_US", **vals})
        cls.env["account.chart.template"].with_company(company)._load("generic_coa", company, False)
        company.write({"currency_id": cls.rub.id, "account_fiscal_country_id": cls.russia.id})
        bank = cls.env["res.bank"].create(
            {
                "name": "Уральский банк ПАО Сбербанк",
                "city": "г. Екатеринбург",
                "bic": "046577674",
                "corr_account": "30101810500000000674",
                "country": cls.russia.id,
            }
        )
        cls.env["res.partner.bank"].create(
            {
                "acc_number": "40702810416540012398",
                "partner_id": company.partner_id.id,
                "bank_id": bank.id,
                "company_id": company.id,
            }
        )
        users = cls.env.user | cls.admin | cls.manager | cls.executor | cls.accountant
        users.write({"company_ids": [Command.link(company.id)]})
        return company

    @classmethod
    def _make_tax(cls, rate, included=True, **vals):
        group = cls.env["account.tax.group"].create(
            {"name": f"VAT {rate}", "company_id": cls.seller.id, "country_id": cls.russia.id}
        )
        return cls.env["account.tax"].create(
            {
                "name": f"VAT {rate} {included}",
                "amount": rate,
                "price_include_override": "tax_included" if included else "tax_excluded",
                "company_id": cls.seller.id,
                "country_id": cls.russia.id,
                "tax_group_id": group.id,
                **vals,
            }
        )

    @classmethod
    def _make_payment_invoice(cls, *lines, post=True, company=None, **vals):
        """An invoice of 5 March 2026; each line is a dict of values, by default one service for 1,000."""
        company = company or cls.seller
        move = (
            cls.env["account.move"]
            .with_company(company)
            .create(
                {
                    "move_type": "out_invoice",
                    "partner_id": cls.buyer.id,
                    "invoice_date": date(2026, 3, 5),
                    "invoice_date_due": date(2026, 3, 15),
                    "invoice_payment_term_id": False,
                    "invoice_line_ids": [Command.create(cls._prepare_line_vals(line)) for line in lines or [{}]],
                    **vals,
                }
            )
        )
        if post:
            move.action_post()
        return move

    @classmethod
    def _prepare_line_vals(cls, line):
        if "display_type" in line:
            return line
        values = {"product_id": cls.product.id, "name": "Обслуживание", "price_unit": 1000.0, **line}
        return {**values, "tax_ids": [Command.set(line.get("tax_ids", []))]}

    def _pay(self, move, amount):
        """Set off a part of what the buyer owes by an entry."""
        receivable = move.line_ids.filtered(lambda line: line.account_type == "asset_receivable")
        entry = (
            self.env["account.move"]
            .with_company(move.company_id)
            .create(
                {
                    "move_type": "entry",
                    "line_ids": [
                        Command.create(
                            {"account_id": receivable.account_id.id, "partner_id": self.buyer.id, "credit": amount}
                        ),
                        Command.create(
                            {"account_id": move.company_id.expense_currency_exchange_account_id.id, "debit": amount}
                        ),
                    ],
                }
            )
        )
        entry.action_post()
        (receivable | entry.line_ids.filtered("partner_id")[:1]).reconcile()

    def _render_html(self, moves, user=None):
        report = self.env["ir.actions.report"].with_user(user or self.env.user)
        return report._render_qweb_html("account.account_invoices", moves.ids, {"report_type": "pdf"})[0].decode()

    def _render_pdf(self, moves, build, user=None):
        """The document as this build of wkhtmltopdf makes it."""
        info = base_report._wkhtml()._replace(
            state="ok", bin=self.builds[build], is_patched_qt=build == "patched", dpi_zoom_ratio=True
        )
        report = self.env["ir.actions.report"].with_user(user or self.env.user)
        with patch.object(base_report, "_wkhtml", lambda: info):
            content, kind = report.with_context(force_report_rendering=True)._render_qweb_pdf(
                "account.account_invoices", moves.ids
            )
        self.assertEqual(kind, "pdf")
        return content

    def _read_pages(self, pdf):
        """Text of each page of a PDF as it looks, runs of blanks as one."""
        if not shutil.which("pdftotext"):
            self.skipTest("There is no pdftotext here.")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "document.pdf"
            path.write_bytes(pdf)
            text = subprocess.run(
                ["pdftotext", "-layout", str(path), "-"], capture_output=True, check=True, text=True
            ).stdout
        return [" ".join(page.split()) for page in text.split("\f") if page.strip()]
