import pytest

from paretune.core import InputError
from paretune.pipeline import seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (90, 90.0),
        ("90", 90.0),
        ("90s", 90.0),
        ("30m", 1800.0),
        ("30 min", 1800.0),
        ("1.5h", 5400.0),
        ("1h30m", 5400.0),
        (" 2m 30s ", 150.0),
    ],
)
def test_durations_are_read_as_people_write_them(text, expected):
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "soon", "5 days", "m", "-5m", "1,5h", "5m!", "nan"])
def test_what_is_no_duration_is_refused_with_an_example(text):
    with pytest.raises(InputError, match="is not a duration: write 90s, 30m"):
        seconds(text)


@pytest.mark.parametrize("text", [0, "0", "0s", -3, float("nan"), float("inf")])
def test_no_time_at_all_is_refused(text):
    with pytest.raises(InputError, match="leaves no time"):
        seconds(text)
