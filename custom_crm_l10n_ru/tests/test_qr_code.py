import base64
import io
import shutil
import subprocess
import tempfile
from pathlib import Path
from unittest import skipUnless

from PIL import Image

from odoo.exceptions import UserError
from odoo.tests import new_test_user, tagged

from odoo.addons.custom_crm.tests.common_documents import DocumentsCommon

try:
    import zxingcpp
except ImportError:
    zxingcpp = None


@tagged("post_install", "-at_install")
@skipUnless(zxingcpp, "There is no zxing-cpp to read QR codes.")
class TestQrCode(DocumentsCommon):
    """QR codes are read as a bank's app would, by a decoder."""

    def _read(self, image):
        """The text of the one code in a picture, and its head."""
        codes = zxingcpp.read_barcodes(image)
        self.assertEqual(len(codes), 1)
        data = codes[0].bytes
        return data.decode("windows-1251" if data.startswith(b"ST00011") else "utf-8")

    def _read_code(self, move):
        url = move._generate_qr_code()
        self.assertTrue(url.startswith("data:image/png;base64,"))
        return self._read(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))))

    def _get_fields(self, text):
        return dict(field.split("=", 1) for field in text.split("|")[1:])

    def test_all_fields(self):
        contract = self._make_contract(partner_id=self.buyer.id, company_id=self.seller.id, date_signed="2026-02-28")
        move = self._make_payment_invoice({"price_unit": 1234.56}, contract_id=contract.id)
        text = self._read_code(move)
        self.assertEqual(
            text,
            "ST00012|Name=ООО «Сервис»|PersonalAcc=40702810416540012398|BankName=Уральский банк ПАО Сбербанк"
            "|BIC=046577674|CorrespAcc=30101810500000000674|Sum=123456"
            f"|Purpose=Оплата по счету № {move.name} от 05.03.2026 по договору № {contract.name} от 28.02.2026. Без НДС"
            "|PayeeINN=6670123986|KPP=667001001",
        )

    def test_it_is_on_paper(self):
        """Read from the printed page at the resolution of a fax, the code alone."""
        move = self._make_payment_invoice({"price_unit": 0.29})
        if not shutil.which("pdftoppm"):
            self.skipTest("There is no pdftoppm here.")
        for build in self.builds:
            with self.subTest(build=build):
                pdf = self._render_pdf(move, build)
                with tempfile.TemporaryDirectory() as folder:
                    path = Path(folder) / "document.pdf"
                    path.write_bytes(pdf)
                    subprocess.run(["pdftoppm", "-r", "200", "-gray", "-png", str(path), f"{folder}/page"], check=True)
                    (page,) = Path(folder).glob("page*.png")
                    text = self._read(Image.open(page))
                self.assertEqual(self._get_fields(text)["Sum"], "29")
                self.assertIn(move.name, text)

    def test_the_rest_is_to_be_paid(self):
        tax = self._make_tax(22)
        move = self._make_payment_invoice({"price_unit": 1000, "tax_ids": tax.ids})
        self.assertIn("В т.ч. НДС 180,33 руб.", self._read_code(move))
        self._pay(move, 400.1)
        fields = self._get_fields(self._read_code(move))
        self.assertEqual(fields["Sum"], "59990")
        self.assertNotIn("НДС", fields["Purpose"])
        self._pay(move, 599.9)
        self.assertEqual(move.amount_residual, 0)
        self.assertIsNone(move._generate_qr_code())
        self.assertNotIn("QR-код", self._render_html(move))

    def test_long_names(self):
        self.seller.partner_id.name = "Общество с ограниченной ответственностью «" + "Ромашка | " * 20 + "»"
        self.seller.partner_id.bank_ids.bank_id.name = "Банк " * 20
        text = self._read_code(self._make_payment_invoice())
        self.assertTrue(text.startswith("ST00011|Name=Общество с ограниченной ответственностью «Ромашка / "))
        self.assertLessEqual(len(text.partition("|Sum=")[0]), 300)
        self.assertEqual(self._get_fields(text)["CorrespAcc"], "30101810500000000674")

    def test_draft_has_none(self):
        move = self._make_payment_invoice(post=False)
        self.assertIsNone(move._generate_qr_code())
        self.assertIn("crm_form", self._render_html(move))

    def test_no_requisites_no_code(self):
        """An invoice that can't have a code is printed without; only who chose the code by hand is told why."""
        bank = self.seller.partner_id.bank_ids.bank_id
        bank.corr_account = False
        move = self._make_payment_invoice()
        self.assertNotIn("QR-код", self._render_html(move))
        move.qr_code_method = "gost_qr"
        with self.assertRaisesRegex(UserError, bank.name):
            move._generate_qr_code()
        self.assertIsNone(move._generate_qr_code(silent_errors=True))

    def test_other_currency_has_none(self):
        dollar = self.env.ref("base.USD")
        dollar.active = True
        self.assertIsNone(self._make_payment_invoice(currency_id=dollar.id)._generate_qr_code())

    def test_company_decides(self):
        self.assertTrue(self.seller.qr_code)
        self.seller.qr_code = False
        self.assertNotIn("QR-код", self._render_html(self._make_payment_invoice()))
        companies = self.env["res.company"].create(
            [
                {"name": "Chosen", "country_id": self.russia.id, "qr_code": False},
                {"name": "Foreign", "country_id": self.env.ref("base.be").id},
                {"name": "Russian", "country_id": self.russia.id},
            ]
        )
        self.assertEqual(companies.mapped("qr_code"), [False, False, True])

    def test_reader_may_print(self):
        """Printing changes nothing, so whoever may only read invoices prints the code as well."""
        reader = new_test_user(
            self.env, "crm_reader", "account.group_account_readonly", company_id=self.company.id, lang="en_US"
        )
        reader.company_ids |= self.seller
        move = self._make_payment_invoice()
        self.assertIn("QR-код", self._render_html(move, user=reader))
        self.assertFalse(move.qr_code_method)

    def test_no_logo_over_it(self):
        self.assertNotIn("Odoo_logo", self._render_html(self._make_payment_invoice()))
