"""Sums in Russian words, as documents print them. Odoo's own words under Russian are wrong.

https://github.com/savoirfairelinux/num2words knows the forms of the currencies.
"""

from num2words import num2words

from .formats import exact


def money_in_words(amount, currency="RUB", digits=2):
    """The sum in words, the fraction in figures; the first letter is a capital.

    :param amount: a float or a Decimal
    :param str currency: ISO code
    :param int digits: decimals of the currency

    >>> for amount in (0, 1, 21.01, 1000, 1234567.89, 2000002.02, -5.5): print(money_in_words(amount))
    Ноль рублей 00 копеек
    Один рубль 00 копеек
    Двадцать один рубль 01 копейка
    Одна тысяча рублей 00 копеек
    Один миллион двести тридцать четыре тысячи пятьсот шестьдесят семь рублей 89 копеек
    Два миллиона два рубля 02 копейки
    Минус пять рублей 50 копеек
    >>> for code in ("USD", "EUR", "KZT"): print(money_in_words(2.5, code))
    Два доллара 50 центов
    Два евро 50 центов
    Два тенге 50 тиынов

    A currency whose words are not known keeps its code.

    >>> print(money_in_words(1002.5, "CNY"), money_in_words(22, "JPY", 0), money_in_words(0.5, "KWD", 3), sep="; ")
    Одна тысяча два CNY 50/100; Двадцать два JPY; Ноль KWD 500/1000
    """
    total = exact(amount, digits)
    try:
        if digits != 2:
            raise NotImplementedError
        words = num2words(total, lang="ru", to="currency", currency=currency, separator="", cents=False)
    except NotImplementedError:
        words = _plain_words(total, currency, digits)
    return words[:1].upper() + words[1:]


def _plain_words(total, currency, digits):
    whole = int(total)
    words = f"{'минус ' * (total < 0)}{num2words(abs(whole), lang='ru')} {currency}"
    return f"{words} {int(abs(total - whole) * 10**digits):0{digits}}/{10**digits}" if digits else words
