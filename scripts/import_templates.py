"""Writes the files that the «Import» dialog of the client registry offers: a head, two clients, a person.

Run it when a column changes. The heads are labels of fields, or names that ``data/base_import_mapping_data.xml`` knows.
"""

from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

FOLDER = Path(__file__).resolve().parent.parent / "custom_crm" / "static" / "xls"

TEMPLATES = {
    "clients_import_template_ru.xlsx": [
        [
            "Название",
            "Организация или ИП",
            "ИНН",
            "КПП",
            "ОГРН",
            "ОКПО",
            "Почтовый индекс",
            "Город",
            "Улица",
            "Юридический адрес",
            "Почтовый адрес",
            "Телефон",
            "Электронная почта",
            "Руководитель",
            "Должность руководителя",
            "Действует на основании",
            "Документ, удостоверяющий личность",
        ],
        [
            "ООО «Пример»",
            "да",
            "7700123459",
            "770701001",
            "1027700123450",
            "00032537",
            "620014",
            "Екатеринбург",
            "ул. Полевая, 4",
            "620014, Свердловская область, г. Екатеринбург, ул. Полевая, д. 4",
            "",
            "+7 343 200-00-01",
            "office@company.example",
            "Иванов Иван Иванович",
            "генеральный директор",
            "устава",
            "",
        ],
        [
            "ИП Петрова Анна Сергеевна",
            "да",
            "586834497804",
            "",
            "304500116000157",
            "0123456789",
            "683000",
            "Петропавловск-Камчатский",
            "ул. Ленинская, 10",
            "",
            "",
            "+7 415 200-00-02",
            "petrova@example.com",
            "",
            "",
            "свидетельства о регистрации",
            "",
        ],
        [
            "Сидоров Пётр Ильич",
            "нет",
            "517812865709",
            "",
            "",
            "",
            "183038",
            "Мурманск",
            "пр. Ленина, 7",
            "",
            "",
            "+7 815 200-00-03",
            "sidorov@example.com",
            "",
            "",
            "",
            "паспорт 4700 123456, выдан 01.02.2010 УФМС по Мурманской области",
        ],
    ],
    "clients_import_template.xlsx": [
        [
            "Name",
            "Is a Company",
            "INN",
            "KPP",
            "OGRN",
            "OKPO",
            "Zip",
            "City",
            "Street",
            "Legal Address",
            "Mailing Address",
            "Phone",
            "Email",
            "Director",
            "Director's Position",
            "Acts on the Basis of",
            "Identity Document",
        ],
        [
            "Example LLC",
            "yes",
            "7700123459",
            "770701001",
            "1027700123450",
            "00032537",
            "620014",
            "Yekaterinburg",
            "4 Polevaya St.",
            "620014, Yekaterinburg, 4 Polevaya St.",
            "",
            "+7 343 200-00-01",
            "office@company.example",
            "Ivan Ivanov",
            "director general",
            "the charter",
            "",
        ],
        [
            "Anna Petrova, sole proprietor",
            "yes",
            "586834497804",
            "",
            "304500116000157",
            "0123456789",
            "683000",
            "Petropavlovsk-Kamchatsky",
            "10 Leninskaya St.",
            "",
            "",
            "+7 415 200-00-02",
            "petrova@example.com",
            "",
            "",
            "the certificate of registration",
            "",
        ],
        [
            "Pyotr Sidorov",
            "no",
            "517812865709",
            "",
            "",
            "",
            "183038",
            "Murmansk",
            "7 Lenin Ave.",
            "",
            "",
            "+7 815 200-00-03",
            "sidorov@example.com",
            "",
            "",
            "",
            "passport 4700 123456 of 1 February 2010",
        ],
    ],
}


def write(path, rows):
    book = Workbook()
    sheet = book.active
    for row in rows:
        sheet.append(row)
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for number, column in enumerate(zip(*rows, strict=True), start=1):
        # Text, or a spreadsheet program takes the leading zeros of a number away.
        for row in range(2, len(rows) + 1):
            sheet.cell(row, number).number_format = "@"
        sheet.column_dimensions[get_column_letter(number)].width = min(max(len(value) for value in column) + 2, 40)
    sheet.freeze_panes = "B2"
    book.save(path)


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, rows in TEMPLATES.items():
        write(FOLDER / name, rows)


if __name__ == "__main__":
    main()
