"""Contents of the QR code for payment, ГОСТ Р 56042-2014."""

from decimal import ROUND_HALF_UP, Decimal

ACCOUNT_LENGTH = 20
MAX_PURPOSE = 160
# The standard names this part in this order, within so many bytes.
REQUIRED = ("Name", "PersonalAcc", "BankName", "BIC", "CorrespAcc")
MAX_REQUIRED_BYTES = 300
MAX_LENGTHS = {
    "Name": 160,
    "PersonalAcc": ACCOUNT_LENGTH,
    "BankName": 45,
    "BIC": 9,
    "CorrespAcc": ACCOUNT_LENGTH,
    "Purpose": MAX_PURPOSE,
    "PayeeINN": 12,
    "KPP": 9,
}
# The digit of the head that names the encoding.
UTF_8, WINDOWS_1251 = ("ST00012", "utf-8"), ("ST00011", "windows-1251")
SEPARATOR = "|"
REPLACEMENT = "/"


def kopecks(amount):
    """A sum of rubles as the code holds it.

    >>> kopecks(1234.56), kopecks(0.29), kopecks(8.2), kopecks(100)
    ('123456', '29', '820', '10000')
    """
    return str(int((Decimal(repr(amount)) * 100).quantize(Decimal(1), ROUND_HALF_UP)))


def clean(value, key=""):
    """A value as it may stand in the code: on one line, without the separator, no longer than its field may be.

    >>> clean(" ООО  «А|Б»\\nфилиал "), len(clean("я" * 200, "Name")), clean(None)
    ('ООО «А/Б» филиал', 160, '')
    """
    return " ".join((value or "").replace(SEPARATOR, REPLACEMENT).split())[: MAX_LENGTHS.get(key)].rstrip()


def payload(values):
    """The bytes to encode.

    UTF-8, as every app reads it; where the required part would be too long, windows-1251; where it still is, with a
    shorter name.

    :param dict values: text by key: the required ones, and others in their order; those without text are left out

    >>> values = {"Name": "ООО «Ромашка»", "PersonalAcc": "40702810138250123017", "BankName": "ПАО Сбербанк",
    ...           "BIC": "044525225", "CorrespAcc": "30101810400000000225", "Sum": "123456", "KPP": None}
    >>> print(payload(values).decode().replace("|", "\\n"))
    ST00012
    Name=ООО «Ромашка»
    PersonalAcc=40702810138250123017
    BankName=ПАО Сбербанк
    BIC=044525225
    CorrespAcc=30101810400000000225
    Sum=123456
    >>> longer = payload({**values, "Name": "Ы" * 100})
    >>> longer[:7], len(longer), longer.decode("windows-1251").count("Ы")
    (b'ST00011', 225, 100)
    >>> longest = payload({**values, "Name": "Ы" * 200, "BankName": "Ж" * 60}).decode("windows-1251")
    >>> longest.count("Ы"), longest.count("Ж"), len(longest.partition("|Sum=")[0])
    (153, 45, 300)
    """
    texts = {key: clean(value, key) for key, value in values.items()}
    head, encoding = UTF_8
    required = _join(head, texts, REQUIRED)
    if len(required.encode(encoding)) > MAX_REQUIRED_BYTES:
        head, encoding = WINDOWS_1251
        excess = len(_join(head, texts, REQUIRED)) - MAX_REQUIRED_BYTES
        if excess > 0:
            texts["Name"] = texts["Name"][:-excess].rstrip()
        required = _join(head, texts, REQUIRED)
    others = [key for key, text in texts.items() if text and key not in REQUIRED]
    # A letter that windows-1251 lacks becomes «?»; accounts and numbers have none.
    return _join(required, texts, others).encode(encoding, errors="replace")


def _join(head, texts, keys):
    return SEPARATOR.join([head, *(f"{key}={texts[key]}" for key in keys)])
