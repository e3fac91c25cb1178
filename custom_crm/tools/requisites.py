"""Requisites of Russian companies, entrepreneurs and banks: what is wrong with a number.

Each ``*_error`` function takes what a user typed and returns None for a right number (spaces don't count),
``FORMAT`` for a wrong length or wrong characters, ``CHECK`` where only the check digits disagree: a slip of the pen.

Sources: ИНН, order of the tax service ММВ-7-6/435; ОГРН and ОГРНИП, order of the ministry of finance 165н; key of an
account, central bank 515 of 8 September 1997.
"""

import re

from stdnum.exceptions import InvalidChecksum, ValidationError
from stdnum.ru import inn

FORMAT = "format"
CHECK = "check"

KPP = re.compile(r"[0-9]{4}[0-9A-Z]{2}[0-9]{3}")
ACCOUNT_WEIGHTS = (7, 1, 3)


def compact(number):
    """The number without spaces.

    >>> compact(" 7707 083\\u00a0893 ")
    '7707083893'
    """
    return "".join(number.split())


def _digits(number, *lengths):
    """The compact number if it consists of ASCII digits and has one of the lengths, else an empty string."""
    number = compact(number)
    return number if number.isascii() and number.isdigit() and len(number) in lengths else ""


def inn_error(number):
    """Taxpayer's number: 10 digits for a company, 12 for a person.

    >>> inn_error("7707083893"), inn_error("586834497804"), inn_error("5178 1286 5709")
    (None, None, None)
    >>> inn_error("7707083894"), inn_error("586834497805"), inn_error("-123456789"), inn_error("")
    ('check', 'check', 'format', 'format')
    """
    if not _digits(number, 10, 12):
        return FORMAT
    try:
        inn.validate(compact(number))
    except InvalidChecksum:
        return CHECK
    except ValidationError:
        return FORMAT
    return None


def ogrn_error(number):
    """State registration number: 13 digits (ОГРН) for a company, 15 (ОГРНИП) for an entrepreneur.

    Not by stdnum: it takes the remainder by 13 without its last digit, and rejects valid ОГРНИП.

    >>> ogrn_error("1027700132195"), ogrn_error("304500116000157")
    (None, None)
    >>> ogrn_error("1027700132196"), ogrn_error("304500116000158"), ogrn_error("10277001321")
    ('check', 'check', 'format')
    """
    digits = _digits(number, 13, 15)
    if not digits:
        return FORMAT
    divisor = 11 if len(digits) == 13 else 13
    return None if int(digits[:-1]) % divisor % 10 == int(digits[-1]) else CHECK


def kpp_error(number):
    """Code of the reason for registration: 4 digits, 2 digits or Latin capitals, 3 digits; nothing to check it by.

    >>> kpp_error("770701001"), kpp_error("7707AB001")
    (None, None)
    >>> kpp_error("77070100"), kpp_error("7707ав001")
    ('format', 'format')
    """
    return None if KPP.fullmatch(compact(number)) else FORMAT


def okpo_error(number):
    """Code of the statistics office: 8 digits for a company, 10 for an entrepreneur.

    >>> okpo_error("00032537"), okpo_error("0123456789"), okpo_error("0003253")
    (None, None, 'format')
    """
    return None if _digits(number, 8, 10) else FORMAT


def bic_error(number):
    """БИК of a bank in Russia: 9 digits.

    >>> bic_error("044525225"), bic_error("04452522")
    (None, 'format')
    """
    return None if _digits(number, 9) else FORMAT


def is_treasury(account, bic=""):
    """Whether an account is one of the treasury: its key follows other rules, nothing can be said against it.

    >>> is_treasury("03100643000000013800"), is_treasury("40102810045370000002", "013002129")
    (True, True)
    >>> is_treasury("40702810138250123017", "044525225")
    False
    """
    return compact(account).startswith("03") or compact(bic).startswith("01")


def account_error(account, bic):
    """Settlement account (расчётный счёт) held at the bank with this БИК: 20 digits with a key.

    Accounts at an office of the central bank itself (its БИК ends in 000, 001 or 002) have the key of a correspondent
    account.

    >>> account_error("40702810138250123017", "044525225")
    >>> account_error("40702810238250123017", "044525225"), account_error("4070281013825012301", "044525225")
    ('check', 'format')
    """
    bic = compact(bic)
    if bic[-3:] in ("000", "001", "002"):
        return corr_account_error(account, bic)
    return _key_error(account, bic[-3:])


def corr_account_error(account, bic):
    """Correspondent account of the bank with this БИК at the central bank: 20 digits with a key.

    >>> corr_account_error("30101810400000000225", "044525225")
    >>> corr_account_error("30101810500000000225", "044525225"), corr_account_error("", "044525225")
    ('check', 'format')
    """
    return _key_error(account, "0" + compact(bic)[4:6])


def _key_error(account, prefix):
    digits = _digits(account, 20)
    if not digits:
        return FORMAT
    total = sum(int(digit) * ACCOUNT_WEIGHTS[position % 3] % 10 for position, digit in enumerate(prefix + digits))
    return CHECK if total % 10 else None
