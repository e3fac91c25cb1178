"""Part of a period's price by days, without the ORM."""

from decimal import ROUND_HALF_UP, Decimal


def _cumulated(amount, days, whole_days, precision):
    return (amount * days / whole_days).quantize(precision, ROUND_HALF_UP)


def prorate(amount, period, rounding=0.01):
    """Price of a partial period: its days divided by the days of the whole one.

    Rounded as the difference of two cumulated amounts, so that the parts of a whole period, however it is cut, add up
    to the whole.

    :param float amount: price of the whole period
    :param period: anything with ``date_start``, ``date_end``, ``whole_start``, ``whole_end`` (dates, inclusive)
    :param float rounding: smallest unit of the currency
    :return: float, in the currency of ``amount``

    >>> from datetime import date
    >>> from types import SimpleNamespace as Period
    >>> whole = dict(whole_start=date(2026, 2, 1), whole_end=date(2026, 2, 28))
    >>> first = prorate(100, Period(date_start=date(2026, 2, 1), date_end=date(2026, 2, 9), **whole))
    >>> last = prorate(100, Period(date_start=date(2026, 2, 10), date_end=date(2026, 2, 28), **whole))
    >>> first, last
    (32.14, 67.86)
    """
    exact, precision = Decimal(str(amount)), Decimal(str(rounding))
    whole_days = (period.whole_end - period.whole_start).days + 1
    before = (period.date_start - period.whole_start).days
    until = (period.date_end - period.whole_start).days + 1
    return float(_cumulated(exact, until, whole_days, precision) - _cumulated(exact, before, whole_days, precision))
