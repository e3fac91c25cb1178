from hypothesis import given
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from ..tools import gost_qr

texts = st.text(max_size=250)
requisites = st.fixed_dictionaries(
    {
        "Name": texts,
        "PersonalAcc": st.just("40702810416540012398"),
        "BankName": texts,
        "BIC": st.just("046577674"),
        "CorrespAcc": st.just("30101810500000000674"),
        "Sum": st.integers(min_value=1, max_value=10**12).map(str),
        "Purpose": texts,
        "PayeeINN": st.sampled_from(["6670123986", "", None]),
    }
)


@tagged("post_install", "-at_install")
class TestGostQr(BaseCase):
    @given(requisites)
    def test_any_text(self, values):
        """Whatever the names hold, a reader finds each field, the required ones first and within their length."""
        data = gost_qr.payload(values)
        encoding = {b"ST00012": "utf-8", b"ST00011": "windows-1251"}[data[:7]]
        head, *fields = data.split(b"|")
        self.assertEqual(len(head), 7)
        found = dict(field.decode(encoding).split("=", 1) for field in fields)
        self.assertEqual(tuple(found)[:5], gost_qr.REQUIRED)
        self.assertLessEqual(len(b"|".join([head, *fields[:5]])), gost_qr.MAX_REQUIRED_BYTES)
        for key in ("PersonalAcc", "BIC", "CorrespAcc", "Sum"):
            self.assertEqual(found[key], values[key])
        for key, length in gost_qr.MAX_LENGTHS.items():
            self.assertLessEqual(len(found.get(key, "")), length)
        self.assertEqual("PayeeINN" in found, bool(values["PayeeINN"]))

    @given(st.integers(min_value=0, max_value=10**11))
    def test_every_kopeck(self, kopecks):
        self.assertEqual(gost_qr.kopecks(kopecks / 100), str(kopecks))
