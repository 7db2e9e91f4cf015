import pytest

from paretune.core import Estimate
from paretune.report import text
from tests.report.sample import sample


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (0.00123, "0.00123"),
        (0.5, "0.500"),
        (2.6, "2.60"),
        (20.1, "20.1"),
        (412.3, "412"),
        (41234.0, "41,234"),
        (-3.14159, "-3.14"),
    ],
)
def test_three_significant_digits(value, shown):
    assert text.significant(value) == shown


def test_a_drop_is_shown_as_a_change_with_the_other_sign():
    assert text.change(Estimate(value=0.003, ci95=(-0.001, 0.007))) == "-0.30 pt (-0.70 to +0.10)"
    assert text.change(Estimate(value=0.0, ci95=(0.0, 0.0))) == "no change"
    assert text.change(Estimate(value=0.0, ci95=(-0.01, 0.01))) == "+0.00 pt (-1.00 to +1.00)"
    assert text.change(None) == ""


@pytest.mark.parametrize("length", [3, 4, 9, 10])
def test_cutting_keeps_both_ends_and_the_length(length):
    cut = text.cut("abcdefghijklmnop", length)
    assert len(cut) == length
    assert (cut[0], cut[-1]) == ("a", "p")


def test_short_text_is_not_cut():
    assert text.cut("abc", 3) == "abc"


def test_the_order_is_what_may_be_chosen_first_then_by_objective():
    rows = text.by_objective(sample().variants, "latency")
    assert [row.status for row in rows] == sorted(
        (row.status for row in rows), key=["ok", "rejected", "failed"].index
    )
    usable = [row for row in rows if row.status == "ok"]
    assert usable[0].id == sample().chosen
    assert text.by_objective(sample().variants, "size")[0].precision == "int8"
    fastest = text.by_objective(sample().variants, "throughput")[0]
    assert fastest == text.by_objective(sample().variants, "cost")[0]
    assert fastest.throughput_per_s == max(v.throughput_per_s for v in usable)
