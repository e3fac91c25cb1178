from datetime import date, timedelta
from itertools import islice, pairwise
from types import SimpleNamespace

from dateutil.relativedelta import relativedelta
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from ..tools.periods import (
    get_term,
    is_due,
    iter_periods,
    month_end,
    payment_date,
    uncovered,
)
from ..tools.proration import prorate

DAY = timedelta(days=1)
# How fast a machine makes examples says nothing about the dates.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

days = st.dates(date(2020, 1, 1), date(2035, 12, 31))
lengths = st.sampled_from([1, 3, 6, 12])
alignments = st.sampled_from(["calendar", "anniversary"])
# Days of service and days without, in turns.
turns = st.lists(st.tuples(st.integers(1, 200), st.integers(1, 200)), max_size=5)


@tagged("post_install", "-at_install")
class TestPeriods(BaseCase):
    def _starts(self, *args, count=4):
        return [period.date_start for period in islice(iter_periods(*args), count)]

    def test_calendar_quarters(self):
        self.assertEqual(
            self._starts(date(2026, 2, 10), None, 3, "calendar"),
            [date(2026, 2, 10), date(2026, 4, 1), date(2026, 7, 1), date(2026, 10, 1)],
        )

    def test_anniversary_keeps_the_31st(self):
        self.assertEqual(
            self._starts(date(2026, 1, 31), None, 1, "anniversary"),
            [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30)],
        )

    def test_leap_day_year(self):
        self.assertEqual(
            self._starts(date(2024, 2, 29), None, 12, "anniversary", count=5)[-1],
            date(2028, 2, 29),
        )

    @given(days, st.integers(0, 1500), lengths, alignments)
    def test_no_gap_no_overlap(self, start, length, months, alignment):
        end = start + length * DAY
        periods = list(iter_periods(start, end, months, alignment))
        self.assertEqual(periods[0].date_start, start)
        self.assertEqual(periods[-1].date_end, end)
        for period in periods:
            self.assertLessEqual(period.date_start, period.date_end)
            self.assertLessEqual(period.whole_start, period.date_start)
            self.assertGreaterEqual(period.whole_end, period.date_end)
        for one, following in pairwise(periods):
            self.assertEqual(one.date_end + DAY, following.date_start)

    @given(
        days,
        st.integers(0, 400),
        lengths,
        alignments,
        st.lists(st.tuples(st.integers(-50, 450), st.integers(0, 60)), max_size=6),
    )
    def test_uncovered_and_spans_are_all_days(self, start, length, months, alignment, cuts):
        """What is billed and what is left are the contract's days, none twice."""
        end = start + length * DAY
        spans = [(start + first * DAY, start + (first + size) * DAY) for first, size in cuts]
        left = [
            period.date_start + day * DAY
            for period in uncovered(iter_periods(start, end, months, alignment), spans)
            for day in range((period.date_end - period.date_start).days + 1)
        ]
        covered = {day for day in (start + n * DAY for n in range(length + 1)) for a, b in spans if a <= day <= b}
        self.assertEqual(sorted({*left, *covered}), [start + n * DAY for n in range(length + 1)])
        self.assertEqual(len(left), length + 1 - len(covered))

    def _suspensions(self, start, turns):
        suspensions, day = [], start
        for service, pause in turns:
            suspensions.append((day + service * DAY, day + (service + pause - 1) * DAY))
            day += (service + pause) * DAY
        return suspensions

    @given(days, st.integers(0, 1500), lengths, alignments, turns)
    def test_life_less_the_suspensions(self, start, length, months, alignment, turns):
        """The periods are the contract's days less the suspended ones, none twice; each is cut by its whole."""
        end, suspensions = start + length * DAY, self._suspensions(start, turns)
        periods = list(iter_periods(start, end, months, alignment, suspensions))
        billed = [
            period.date_start + day * DAY
            for period in periods
            for day in range((period.date_end - period.date_start).days + 1)
        ]
        life = [start + day * DAY for day in range(length + 1)]
        served = [day for day in life if not any(first <= day <= last for first, last in suspensions)]
        self.assertEqual(billed, served)
        for period in periods:
            self.assertTrue(period.whole_start <= period.date_start <= period.date_end <= period.whole_end)
            if period.date_start > period.whole_start:
                self.assertNotIn(period.date_start - DAY, served)
            if period.date_end < period.whole_end:
                self.assertNotIn(period.date_end + DAY, served)
            if alignment == "anniversary":
                self.assertEqual(period.date_start, period.whole_start, "begins where it is resumed, not in between")

    @given(days, st.integers(1, 300), lengths, alignments)
    def test_nothing_after_an_open_suspension(self, start, service, months, alignment):
        pause = start + service * DAY
        periods = list(iter_periods(start, None, months, alignment, [(pause, None)]))
        self.assertEqual(periods[-1].date_end, pause - DAY)

    @given(days, st.integers(1, 60))
    def test_term_in_months(self, start, months):
        following = start + relativedelta(months=months)
        self.assertEqual(start + get_term(start, following - DAY), following)

    @given(days, st.integers(0, 120), lengths)
    def test_anniversary_never_drifts(self, start, number, months):
        period = next(islice(iter_periods(start, None, months, "anniversary"), number, None))
        last_day = month_end(period.date_start).day
        self.assertEqual(period.date_start.day, min(start.day, last_day))

    @given(days, st.integers(0, 700), st.integers(1, 31), days)
    def test_payment_date(self, start, length, payment_day, invoice_date):
        for period in iter_periods(start, start + length * DAY, 1, "calendar"):
            planned = payment_date(period, payment_day, "advance")
            self.assertEqual((planned.year, planned.month), (period.date_start.year, period.date_start.month))
            self.assertEqual(payment_date(period, payment_day, "advance", invoice_date), max(planned, invoice_date))
            self.assertGreater(payment_date(period, payment_day, "arrears"), period.date_end)

    @given(days, days)
    def test_due_from_the_first_of_the_month(self, start, run_date):
        period = next(iter_periods(start, None, 1, "calendar"))
        self.assertEqual(is_due(period, run_date, "advance"), run_date >= period.date_start.replace(day=1))
        self.assertEqual(is_due(period, run_date, "arrears"), run_date > period.date_end)

    @given(
        st.integers(0, 10**9),
        days,
        st.integers(1, 366),
        st.lists(st.integers(1, 365), max_size=8),
    )
    def test_parts_add_up(self, kopecks, start, length, cuts):
        """However a period is cut, its parts add up to the whole."""
        end = start + (length - 1) * DAY
        bounds = sorted({0, length, *(cut for cut in cuts if cut < length)})
        parts = [
            SimpleNamespace(
                date_start=start + first * DAY, date_end=start + (last - 1) * DAY, whole_start=start, whole_end=end
            )
            for first, last in pairwise(bounds)
        ]
        amount = kopecks / 100
        self.assertAlmostEqual(sum(prorate(amount, part) for part in parts), amount, places=2)
