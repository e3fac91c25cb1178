import base64
import re
from itertools import product

import lxml.html

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import HttpCase, tagged
from odoo.tools.misc import file_open

from .common_documents import DocumentsCommon

LONG_NAME = (
    "Федеральное государственное бюджетное образовательное учреждение высшего образования «Национальный "
    "исследовательский университет информационных технологий, механики и перспективных исследований имени академика "
    "Константина Эдуардовича Циолковского», обособленное подразделение в городе Нижневартовске"
)


@tagged("post_install", "-at_install")
class TestPaymentInvoice(DocumentsCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.vat22, cls.vat10, cls.vat0 = cls._make_tax(22), cls._make_tax(10), cls._make_tax(0)
        cls.vat22_above = cls._make_tax(22, included=False)

    def _read_html(self, move):
        """The text of the document, runs of blanks as one."""
        article = lxml.html.fromstring(self._render_html(move)).xpath("//div[contains(@class, 'crm_form')]")[0]
        for style in article.xpath(".//style"):
            style.drop_tree()
        cells = article.xpath(".//text()")
        return " ".join(" ".join(cells).split())

    def _assert_order(self, text, *parts):
        """Each part stands in the text, after the one before."""
        position = 0
        for part in parts:
            found = text.find(part, position)
            self.assertGreaterEqual(found, 0, f"«{part}» is missing after position {position} of: {text}")
            position = found + len(part)

    # Text

    def test_order_of_the_form(self):
        move = self._make_payment_invoice({"price_unit": 12200, "tax_ids": self.vat22.ids}, ref="Заказ № 15")
        for build in self.builds:
            with self.subTest(build=build):
                pdf = self._render_pdf(move, build)
                pages = self._read_pages(pdf)
                self.assertEqual(len(pages), 1)
                self._assert_order(
                    pages[0],
                    "Уральский банк ПАО Сбербанк, г. Екатеринбург",
                    "БИК 046577674",
                    "Банк получателя",
                    "Сч. № 30101810500000000674",
                    "ИНН 6670123986 КПП 667001001",
                    "Сч. № 40702810416540012398",
                    "ООО «Сервис»",
                    "Получатель",
                    f"Счет на оплату № {move.name} от 5 марта 2026 г.",
                    "Поставщик:",
                    "ООО «Сервис», ИНН 6670123986, КПП 667001001, 620075, г. Екатеринбург",
                    "тел.: +7 343 200-10-10",
                    "Покупатель:",
                    "ООО «Полюс», ИНН 7707083893, КПП 770701001, 117997, г. Москва",
                    "тел.: +7 495",
                    "Основание: Заказ № 15",
                    "№ Товары (работы, услуги) Кол-во Ед. Цена Сумма",
                    "1 Обслуживание 1",
                    "12 200,00 12 200,00",
                    "Итого: 12 200,00",
                    "В том числе НДС 22 %: 2 200,00",
                    "Всего к оплате: 12 200,00",
                    "Всего наименований 1, на сумму 12 200,00 руб.",
                    "Двенадцать тысяч двести рублей 00 копеек",
                    "Оплатить не позднее 15.03.2026",
                    "Руководитель Генеральный директор",
                    "Соколов А. В.",
                    "Бухгалтер",
                    "Белова М. И.",
                )

    def test_basis_is_the_contract(self):
        contract = self._make_contract(partner_id=self.buyer.id, company_id=self.seller.id, date_signed="2026-02-28")
        text = self._read_html(self._make_payment_invoice(contract_id=contract.id, ref="Order 15"))
        self.assertIn(f"Основание: Договор № {contract.name} от 28 февраля 2026 г.", text)
        self.assertNotIn("Order 15", text)
        self.assertNotIn("Основание", self._read_html(self._make_payment_invoice()))

    def test_sole_proprietor(self):
        company = self._make_seller("ИП Кузнецова Елена Сергеевна", vat="586834497804")
        text = self._read_html(self._make_payment_invoice(company=company))
        self._assert_order(text, "Без налога (НДС)", "Предприниматель", "Кузнецова Е. С.")
        self.assertNotIn("Руководитель", text)
        self.assertNotIn("Бухгалтер", text)

    def test_company_without_requisites(self):
        company = self.env["res.company"].create({"name": "ООО «Новое»", "country_id": self.russia.id})
        self.env["account.chart.template"].with_company(company)._load("generic_coa", company, False)
        self.env.user.company_ids |= company
        move = self._make_payment_invoice(company=company, partner_id=self.client.id, currency_id=self.rub.id)
        text = self._read_html(move)
        self._assert_order(text, "БИК", "Банк получателя", "Сч. №", "Получатель", "Счет на оплату", "Руководитель")
        for unknown in ("False", "None"):
            self.assertNotIn(unknown, text)

    def test_draft_and_cancelled(self):
        move = self._make_payment_invoice(post=False)
        self.assertIn("Счет на оплату от 5 марта 2026 г. (черновик)", self._read_html(move))
        move.action_post()
        self.assertNotIn("черновик", self._read_html(move))
        move.button_cancel()
        self.assertIn("(отменен)", self._read_html(move))

    def test_partly_paid(self):
        move = self._make_payment_invoice()
        self.assertNotIn("Остаток", self._read_html(move))
        self._pay(move, 400.1)
        self._assert_order(self._read_html(move), "Всего к оплате: 1 000,00", "Остаток к оплате: 599,90 руб.")

    # Sums

    def test_vat_by_rate(self):
        move = self._make_payment_invoice(
            {"price_unit": 122, "tax_ids": self.vat22.ids},
            {"price_unit": 110, "tax_ids": self.vat10.ids},
            {"price_unit": 244, "tax_ids": self.vat22.ids},
            {"price_unit": 50},
            {"price_unit": 70, "tax_ids": self.vat0.ids},
        )
        text = self._read_html(move)
        self._assert_order(
            text, "Итого: 596,00", "НДС 22 %: 66,00", "НДС 10 %: 10,00", "НДС 0 %: 0,00", "Всего к оплате: 596,00"
        )
        self.assertNotIn("Без налога", text)

    def test_without_vat(self):
        exempt = self._make_tax(0, name="Без НДС")
        for taxes in ([], exempt.ids):
            text = self._read_html(self._make_payment_invoice({"tax_ids": taxes}))
            self._assert_order(text, "Итого: 1 000,00", "Без налога (НДС)", "Всего к оплате: 1 000,00")
            self.assertNotIn("В том числе", text)

    def test_fraction_of_a_rate(self):
        self.assertIn(
            "НДС 18,03 %", self._read_html(self._make_payment_invoice({"tax_ids": self._make_tax(18.03).ids}))
        )

    def test_price_without_vat(self):
        move = self._make_payment_invoice({"quantity": 3, "price_unit": 1000, "tax_ids": self.vat22_above.ids})
        self._assert_order(
            self._read_html(move), "1 220,00", "3 660,00", "Итого: 3 660,00", "НДС 22 %: 660,00", "к оплате: 3 660,00"
        )

    def test_discount(self):
        self.assertNotIn("Скидка", self._read_html(self._make_payment_invoice()))
        move = self._make_payment_invoice({"quantity": 2, "discount": 12.5}, {})
        self._assert_order(self._read_html(move), "Скидка", "1 000,00", "12,5 %", "1 750,00", "Итого: 2 750,00")

    def test_lines_add_up(self):
        """Whatever the prices and the way of rounding, the rows add up to the total and price × quantity to the sum."""
        prices = (0.07, 33.33, 21.53, 999.99, 1234.565)
        for method, taxes in product(("round_per_line", "round_globally"), (self.vat22, self.vat22_above, self.vat10)):
            self.seller.tax_calculation_rounding_method = method
            lines = [
                {"price_unit": price, "quantity": quantity, "tax_ids": taxes.ids}
                for price, quantity in product(prices, (1, 3, 7))
            ]
            move = self._make_payment_invoice(*lines)
            vals = move._prepare_payment_invoice_vals()
            amounts = [self._number(row["amount"]) for row in vals["pages"][0]]
            self.assertAlmostEqual(sum(amounts), move.amount_total, 2, f"{method} {taxes.name}")
            self.assertEqual(self._number(vals["total"]), move.amount_total)
            self.assertAlmostEqual(sum(self._number(tax) for _label, tax in vals["taxes"]), move.amount_tax, 2)
            if method == "round_per_line":
                for row in vals["pages"][0]:
                    total = self._number(row["price"]) * self._number(row["quantity"])
                    self.assertAlmostEqual(total, self._number(row["amount"]), delta=0.00501)

    def _number(self, text):
        return float(text.replace("\u00a0", "").replace(",", "."))

    def test_tax_changed_by_hand(self):
        move = self._make_payment_invoice({"price_unit": 100, "tax_ids": self.vat22_above.ids}, post=False)
        tax_line = move.line_ids.filtered("tax_line_id")
        totals = move.tax_totals
        totals["subtotals"][0]["tax_groups"][0]["tax_amount_currency"] = 22.01
        move.tax_totals = totals
        move.invalidate_recordset(["tax_totals"])
        self.assertEqual(tax_line.amount_currency, -22.01)
        move.action_post()
        self._assert_order(self._read_html(move), "122,01", "Итого: 122,01", "НДС 22 %: 22,01", "к оплате: 122,01")

    def test_cash_rounding(self):
        rounding = (
            self.env["account.cash.rounding"]
            .with_company(self.seller)
            .create(
                {
                    "name": "Rubles",
                    "rounding": 1.0,
                    "strategy": "add_invoice_line",
                    "profit_account_id": self.seller.expense_currency_exchange_account_id.id,
                    "loss_account_id": self.seller.expense_currency_exchange_account_id.id,
                    "rounding_method": "HALF-UP",
                }
            )
        )
        move = self._make_payment_invoice({"price_unit": 99.6}, invoice_cash_rounding_id=rounding.id)
        self.assertEqual(move.amount_total, 100)
        self._assert_order(self._read_html(move), "Итого: 99,60", "Округление: 0,40", "Всего к оплате: 100,00")

    def test_currencies(self):
        for code, words in (("USD", "Десять долларов 50 центов"), ("CNY", "Десять CNY 50/100")):
            currency = self.env.ref(f"base.{code}")
            currency.active = True
            text = self._read_html(self._make_payment_invoice({"price_unit": 10.5}, currency_id=currency.id))
            self._assert_order(text, f"на сумму 10,50 {code}", words)
        yen = self.env.ref("base.JPY")
        yen.active = True
        text = self._read_html(self._make_payment_invoice({"price_unit": 1050}, currency_id=yen.id))
        self._assert_order(text, "на сумму 1 050 JPY", "Одна тысяча пятьдесят JPY")

    def test_sections_and_notes(self):
        move = self._make_payment_invoice(
            {"display_type": "line_section", "name": "Раздел"},
            {"name": "Первая"},
            {"display_type": "line_note", "name": "Примечание"},
            {"display_type": "line_section", "name": "Пакет", "collapse_composition": True},
            {"name": "Тайная", "price_unit": 300},
            {"name": "Тайная", "price_unit": 200.5},
            {"display_type": "line_section", "name": "Прочее"},
            {"name": "Последняя"},
        )
        text = self._read_html(move)
        self._assert_order(text, "Раздел", "1 Первая", "Примечание", "2 Пакет 1 500,50 500,50", "Прочее", "3 Последняя")
        self._assert_order(text, "Итого: 2 500,50", "Всего наименований 3")
        self.assertNotIn("Тайная", text)

    # Pages

    def test_ten_lines_fit_on_one_page(self):
        name = "Настройка сервера резервного копирования и обучение сотрудников"
        move = self._make_payment_invoice(*[{"name": name, "tax_ids": self.vat22.ids}] * 10)
        for build in self.builds:
            with self.subTest(build=build):
                pdf = self._render_pdf(move, build)
                pages = self._read_pages(pdf)
                self.assertEqual(len(pages), 1)
                self.assertIn("Всего наименований 10,", pages[0])
                self.assertNotIn("1 из", pages[0])

    def test_forty_lines_flow_over_pages(self):
        """Every page has the table's head, every row stands whole on one page, and the pages are numbered."""
        name = "Обслуживание рабочего места сотрудника заказчика по адресу места нахождения, номер"
        move = self._make_payment_invoice(*[{"name": f"{name} <{i}>", "price_unit": i} for i in range(1, 41)])
        for build in self.builds:
            with self.subTest(build=build):
                pdf = self._render_pdf(move, build)
                pages = self._read_pages(pdf)
                self.assertIn(len(pages), (2, 3))
                for page in pages:
                    self.assertEqual(page.count("Товары (работы, услуги)"), int("<" in page))
                found = [int(number) for page in pages for number in re.findall(r"<(\d+)>", page)]
                self.assertEqual(found, list(range(1, 41)))
                for page in pages:
                    # a row that is torn has its number on one page and the end of its name on another
                    self.assertEqual(page.count("Обслуживание рабочего места"), len(re.findall(r"<\d+>", page)))
                self._assert_order(pages[-1], "Итого: 820,00", "Всего к оплате: 820,00", "Руководитель", "Белова М. И.")
                number = f"{len(pages)} из {len(pages)}" if build == "patched" else f"лист {len(pages)}"
                self.assertIn(number, pages[-1])

    def test_long_name_wraps(self):
        self.buyer.name = LONG_NAME
        move = self._make_payment_invoice({"name": "Обслуживание" * 15})
        for build in self.builds:
            with self.subTest(build=build):
                pdf = self._render_pdf(move, build)
                pages = self._read_pages(pdf)
                self.assertEqual(len(pages), 1)
                self.assertIn(LONG_NAME, pages[0])

    # Odoo's ways to print

    def test_other_documents_stay_odoos(self):
        note = self._make_payment_invoice(move_type="out_refund")
        self.assertNotIn("crm_form", self._render_html(note))
        foreign = self.env["account.move"].create(
            {"move_type": "out_invoice", "partner_id": self.client.id, "invoice_line_ids": [Command.create({})]}
        )
        self.assertNotEqual(foreign.company_id.country_id.code, "RU")
        self.assertNotIn("crm_form", self._render_html(foreign))
        self.assertEqual(foreign._get_name_invoice_report(), "account.report_invoice_document")

    def test_it_is_mailed(self):
        move = self._make_payment_invoice()
        self.buyer.email = "office@polyus.example"
        self.env["account.move.send"]._generate_and_send_invoices(move, sending_methods=["email"])
        # In tests Odoo mails HTML instead of a PDF.
        self.assertIn("Всего к оплате", move.invoice_pdf_report_id.raw.decode())
        self.assertEqual(move.invoice_pdf_report_id.name, f"Счет на оплату {move.name.replace('/', '_')}.pdf")

    def test_any_user_language(self):
        self.env["res.lang"]._activate_lang("ru_RU")
        move = self._make_payment_invoice()
        for lang in ("en_US", "ru_RU"):
            self.buyer.lang = lang
            self.assertIn("Всего к оплате", self._read_html(move.with_context(lang=lang)))

    def test_many_at_once(self):
        """Forms of several clients and a document of Odoo in one go: each on its pages, in the order asked for."""
        moves = self._make_payment_invoice(*[{"name": f"Первый {i}"} for i in range(45)])
        moves |= self._make_payment_invoice({"name": "Второй"}) | self._make_payment_invoice({"name": "Третий"})
        for build in self.builds:
            with self.subTest(build=build):
                pages = self._read_pages(self._render_pdf(moves, build))
                numbers = [re.search(r"Счет на оплату № (\S+)", page) for page in pages]
                self.assertEqual([match[1] for match in numbers if match][-2:], moves[1:].mapped("name"))
                self.assertIn(moves[0].name, pages[0])

    def test_nothing_is_loaded(self):
        """The form needs no server: what wkhtmltopdf gets names no address."""
        self.seller.crm_stamp = base64.b64encode(file_open("base/static/img/res_company_logo.png", "rb").read())
        html = self._render_html(self._make_payment_invoice())
        report = self.env.ref("account.account_invoices")
        bodies, _ids, header, footer, _arguments = report._prepare_html(html, report_model="account.move")
        self.assertFalse(header)
        for part in (*bodies, footer):
            self.assertNotIn("<link", part)
            self.assertNotRegex(part, r"""(src|href)=["'](?!data:)""")
            self.assertNotIn("http", part)

    def test_paper_is_a4(self):
        self.company.paperformat_id = self.seller.paperformat_id = self.env.ref("base.paperformat_us")
        move = self._make_payment_invoice()
        for build in self.builds:
            with self.subTest(build=build):
                pdf = self._render_pdf(move, build)
                self.assertRegex(pdf.decode("latin-1"), r"/MediaBox ?\[ ?0 0 595[.\d]* 84[12]")

    # Rights and cost

    def test_signatures_are_for_those_who_print(self):
        image = base64.b64encode(file_open("base/static/img/res_company_logo.png", "rb").read())
        names = ("crm_director_signature", "crm_accountant_signature", "crm_stamp")
        self.seller.write(dict.fromkeys(names, image))
        move = self._make_payment_invoice()
        for user in (self.manager, self.accountant):
            html = self._render_html(move, user=user)
            self.assertEqual((html.count('class="hand"'), html.count('class="stamp"')), (2, 1))
        for name in names:
            with self.assertRaises(AccessError):
                self.seller.with_user(self.executor).read([name])
        self.assertFalse(
            self.env["ir.attachment"]
            .with_user(self.executor)
            .search([("res_model", "=", "res.company"), ("res_field", "in", names)])
        )

    def test_accountant_sees_no_contract(self):
        contract = self._make_contract(partner_id=self.buyer.id, company_id=self.seller.id)
        move = self._make_payment_invoice(contract_id=contract.id)
        self.assertIn(contract.name, self._render_html(move, user=self.accountant))

    def test_queries_do_not_grow_with_lines(self):
        counts = [self._count_queries(lines) for lines in (2, 30)]
        self.assertLessEqual(counts[1], counts[0])

    def _count_queries(self, lines):
        moves = self.env["account.move"].union(
            *(self._make_payment_invoice(*[{"tax_ids": self.vat22.ids}] * lines) for _move in range(3))
        )
        self._render_html(moves)
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        self._render_html(moves)
        self.env.flush_all()
        return self.env.cr.sql_log_count - before


@tagged("post_install", "-at_install")
class TestPaymentInvoicePortal(HttpCase, DocumentsCommon):
    def test_client_sees_it(self):
        """The preview of the portal and its download show the form to whoever has the link."""
        move = self._make_payment_invoice()
        for kind in ("html", "pdf"):
            answer = self.url_open(move.get_portal_url(report_type=kind, download=kind == "pdf"))
            self.assertEqual(answer.status_code, 200)
            # In tests Odoo makes HTML instead of a PDF.
            self.assertIn("Всего к оплате", answer.content.decode())
