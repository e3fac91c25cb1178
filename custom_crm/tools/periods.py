"""Dates of the periods of a contract, without the ORM. All dates are inclusive.

The rules are those of the ledger (``crm.contract.period``):

* ``calendar``: the calendar's own months, quarters, half years and years; the first and the
  last period may be partial;
* ``anniversary``: period *n* begins on the contract's first day plus *n* lengths, counted from
  the first day itself, so that the 31st comes back after a short month;
* suspended: no period in those days; after them the next begins.

>>> from datetime import date
>>> from itertools import islice
>>> [str(p.date_start) for p in islice(iter_periods(date(2026, 1, 31), None, 1, "anniversary"), 3)]
['2026-01-31', '2026-02-28', '2026-03-31']
>>> for period in iter_periods(date(2026, 2, 10), date(2026, 4, 5), 1, "calendar"):
...     print(period.date_start, period.date_end, period.is_partial)
2026-02-10 2026-02-28 True
2026-03-01 2026-03-31 False
2026-04-01 2026-04-05 True
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import count

from dateutil.relativedelta import relativedelta

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Period:
    """A period of a contract and the whole period in which it lies.

    ``date_start`` to ``date_end`` is what is billed; ``whole_start`` to ``whole_end`` is the calendar's (or the
    anniversary's) full period. They differ in the first and the last period only.
    """

    date_start: date
    date_end: date
    whole_start: date
    whole_end: date

    @property
    def is_partial(self):
        return (self.date_start, self.date_end) != (self.whole_start, self.whole_end)


def month_start(day):
    """First day of the month of ``day``.

    >>> month_start(date(2026, 2, 17))
    datetime.date(2026, 2, 1)
    """
    return day.replace(day=1)


def month_end(day):
    """Last day of the month of ``day``.

    >>> month_end(date(2028, 2, 17))
    datetime.date(2028, 2, 29)
    """
    return day + relativedelta(day=31)


def get_term(first, last):
    """Length of a span of days, in whole months if it has them, as something to add to a date.

    >>> date(2026, 3, 1) + get_term(date(2025, 3, 1), date(2026, 2, 28))
    datetime.date(2027, 3, 1)
    >>> date(2026, 3, 1) + get_term(date(2026, 1, 1), date(2026, 1, 10))
    datetime.date(2026, 3, 11)
    """
    following = last + ONE_DAY
    months = (following.year - first.year) * 12 + following.month - first.month
    if first + relativedelta(months=months) == following:
        return relativedelta(months=months)
    return following - first


def _get_anchor(date_start, months, alignment):
    """First day from which the full periods are counted."""
    if alignment == "calendar":
        return date(date_start.year, (date_start.month - 1) // months * months + 1, 1)
    return date_start


def _nth_whole(anchor, number, months):
    # Counted from the anchor, never from the previous period: a clipped month must not shorten the next ones.
    begin = anchor + relativedelta(months=number * months)
    return begin, anchor + relativedelta(months=(number + 1) * months) - ONE_DAY


def iter_wholes(date_start, months, alignment):
    """Yield (first day, last day) of the full periods from the one in which ``date_start`` lies, without end.

    :param months: length of a period: 1, 3, 6 or 12
    :param alignment: ``calendar`` or ``anniversary``
    """
    anchor = _get_anchor(date_start, months, alignment)
    for number in count():
        yield _nth_whole(anchor, number, months)


def iter_service(date_start, date_end, suspensions):
    """Yield (first day, last day) of the spans with service, in order: the contract's life less its suspensions.

    :param date_end: last day of the contract, or None: then the last span ends with None, unless a suspension is open
    :param suspensions: iterable of (first day, last day) without service, which do not overlap; the last day is None
        while the suspension lasts

    >>> spring = [(date(2026, 3, 10), date(2026, 3, 19)), (date(2026, 5, 1), None)]
    >>> for first, last in iter_service(date(2026, 1, 1), None, spring):
    ...     print(first, last)
    2026-01-01 2026-03-09
    2026-03-20 2026-04-30
    """
    begin = date_start
    for first, last in sorted(suspensions, key=lambda span: span[0]):
        if date_end and first > date_end:
            break
        if begin < first:
            yield begin, first - ONE_DAY
        if not last:
            return
        begin = max(begin, last + ONE_DAY)
    if not date_end or begin <= date_end:
        yield begin, date_end


def iter_periods(date_start, date_end, months, alignment, suspensions=()):
    """Yield the periods of a contract in order, without gap or overlap, and none within a suspension.

    A period that a suspension cuts ends the day before it; the next one begins when the service is resumed, and the
    anniversaries are counted from there.

    :param date_end: last day of the contract, or None: then the periods never end
    :param suspensions: see ``iter_service``

    >>> pause = [(date(2026, 2, 10), date(2026, 2, 19))]
    >>> for period in iter_periods(date(2026, 1, 15), date(2026, 3, 25), 1, "anniversary", pause):
    ...     print(period.date_start, period.date_end, period.whole_end)
    2026-01-15 2026-02-09 2026-02-14
    2026-02-20 2026-03-19 2026-03-19
    2026-03-20 2026-03-25 2026-04-19
    """
    for first, last in iter_service(date_start, date_end, suspensions):
        yield from _iter_unbroken(first, last, months, alignment)


def _iter_unbroken(date_start, date_end, months, alignment):
    for whole_start, whole_end in iter_wholes(date_start, months, alignment):
        if date_end and whole_start > date_end:
            return
        yield Period(
            date_start=max(whole_start, date_start),
            date_end=min(whole_end, date_end) if date_end else whole_end,
            whole_start=whole_start,
            whole_end=whole_end,
        )


def uncovered(periods, spans):
    """Yield the parts of the periods that none of the spans covers, in order; each keeps its whole period.

    :param spans: iterable of (first day, last day), in any order

    >>> april = Period(date(2026, 4, 1), date(2026, 4, 30), date(2026, 4, 1), date(2026, 4, 30))
    >>> for part in uncovered([april], [(date(2026, 4, 20), date(2026, 5, 3)), (date(2026, 3, 1), date(2026, 4, 10))]):
    ...     print(part.date_start, part.date_end)
    2026-04-11 2026-04-19
    """
    spans = sorted(spans)
    exact = set(spans)
    for period in periods:
        if (period.date_start, period.date_end) in exact:
            continue
        begin = period.date_start
        for first, last in spans:
            if last < begin or first > period.date_end:
                continue
            if first > begin:
                yield replace(period, date_start=begin, date_end=first - ONE_DAY)
            if last >= period.date_end:
                break
            begin = last + ONE_DAY
        else:
            yield replace(period, date_start=begin)


def is_due(period, run_date, timing):
    """Whether a billing run with the invoice date ``run_date`` bills the period.

    ``advance``: it begins on or before the last day of the run's month. ``arrears``: it ended before the run's day.

    >>> march = Period(date(2026, 3, 1), date(2026, 3, 31), date(2026, 3, 1), date(2026, 3, 31))
    >>> is_due(march, date(2026, 3, 1), "advance"), is_due(march, date(2026, 3, 31), "arrears")
    (True, False)
    >>> is_due(march, date(2026, 2, 28), "advance"), is_due(march, date(2026, 4, 1), "arrears")
    (False, True)
    """
    if timing == "advance":
        return period.date_start <= month_end(run_date)
    return period.date_end < run_date


def billing_date(period, timing):
    """First day on which a run bills the period."""
    if timing == "advance":
        return month_start(period.date_start)
    return period.date_end + ONE_DAY


def payment_date(period, payment_day, timing, invoice_date=None):
    """Planned day of payment of the period.

    The ``payment_day`` (1-31, clipped to the month's end) in the month of the period's beginning (``advance``) or in
    the month after its end (``arrears``); never before ``invoice_date``.

    >>> february = Period(date(2026, 2, 1), date(2026, 2, 28), date(2026, 2, 1), date(2026, 2, 28))
    >>> payment_date(february, 31, "advance")
    datetime.date(2026, 2, 28)
    >>> payment_date(february, 10, "arrears")
    datetime.date(2026, 3, 10)
    >>> payment_date(february, 10, "advance", date(2026, 2, 12))
    datetime.date(2026, 2, 12)
    """
    month = period.date_start if timing == "advance" else month_start(period.date_end) + relativedelta(months=1)
    day = month + relativedelta(day=payment_day)
    return max(day, invoice_date) if invoice_date else day
