"""Sums, numbers, dates and names as Russian documents print them, whatever the language of the user or the client."""

from decimal import Decimal

from babel.dates import format_date
from babel.numbers import format_decimal

LOCALE = "ru"
SOLE_PROPRIETOR = ("индивидуальный предприниматель ", "ип ")


def exact(amount, digits=2):
    """A rounded float as what it means, to so many decimals.

    >>> exact(1234.1), exact(-0.001), exact(5, digits=0)
    (Decimal('1234.10'), Decimal('0.00'), Decimal('5'))
    """
    return Decimal(f"{amount:.{digits}f}") + 0


def money(amount, digits=2):
    """A sum: no-break space between thousands, decimal comma.

    >>> money(1234567.5).replace("\\u00a0", "_"), money(0.0), money(-1234.5).replace("\\u00a0", "_")
    ('1_234_567,50', '0,00', '-1_234,50')
    >>> money(1234, digits=0).replace("\\u00a0", "_"), money(0.005, digits=3)
    ('1_234', '0,005')
    """
    return format_decimal(exact(amount, digits), "#,##0" + "." * bool(digits) + "0" * digits, locale=LOCALE)


def number(value, digits=6):
    """A quantity or a rate, without zeros at its end.

    >>> number(2.0), number(0.5), number(1234.125).replace("\\u00a0", "_"), number(22.0), number(1/3)
    ('2', '0,5', '1_234,125', '22', '0,333333')
    """
    return format_decimal(exact(value, digits), "#,##0." + "#" * digits, locale=LOCALE)


def long_date(date):
    """A date in words, its parts on one line.

    >>> from datetime import date
    >>> long_date(date(2026, 3, 5)).replace("\\u00a0", "_")
    '5_марта_2026_г.'
    """
    return format_date(date, "d MMMM y 'г.'", locale=LOCALE).replace(" ", "\u00a0")


def short_date(date):
    """A date in figures.

    >>> from datetime import date
    >>> short_date(date(2026, 3, 5))
    '05.03.2026'
    """
    return format_date(date, "dd.MM.y", locale=LOCALE)


def short_name(name):
    """Family name and initials of a person; a name of another form stays as it is.

    >>> short_name("Соколов Андрей Викторович").replace("\\u00a0", "_"), short_name("Ли Анна").replace("\\u00a0", "_")
    ('Соколов_А._В.', 'Ли_А.')
    >>> short_name("Соколов А. В."), short_name("Соколов"), short_name("Мамедов Али Гусейн оглы"), short_name("")
    ('Соколов А. В.', 'Соколов', 'Мамедов Али Гусейн оглы', '')
    """
    family, *others = name.split() or [""]
    if not 1 <= len(others) <= 2 or any("." in other for other in others):
        return name
    return "\u00a0".join([family, *(f"{other[0]}." for other in others)])


def proprietor_name(name):
    """Name of the person in the name of a sole proprietor.

    >>> proprietor_name("ИП Иванов Иван Иванович"), proprietor_name("Индивидуальный предприниматель Ли Анна")
    ('Иванов Иван Иванович', 'Ли Анна')
    >>> proprietor_name("Иванов Иван Иванович")
    'Иванов Иван Иванович'
    """
    prefix = next((prefix for prefix in SOLE_PROPRIETOR if name.lower().startswith(prefix)), "")
    return name[len(prefix) :].strip()
