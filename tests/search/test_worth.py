"""Which options are worth training."""

import numpy as np

from paretune.search import KEEP, Option, Space
from paretune.search.worth import faster, promising

SPACE = Space(
    blocks=2,
    options=(
        Option(id="b0:keep", first=0, last=0, operator=KEEP),
        Option(id="b0:slow", first=0, last=0, operator="x"),
        Option(id="b0:fast", first=0, last=0, operator="x"),
        Option(id="b0:fastest", first=0, last=0, operator="x"),
        Option(id="b0:beaten", first=0, last=0, operator="x"),
        Option(id="b1:keep", first=1, last=1, operator=KEEP),
        Option(id="b0-1:merged", first=0, last=1, operator="x"),
        Option(id="b0-1:failed", first=0, last=1, operator="x"),
    ),
)
TIMES = np.array([1.0, 0.98, 0.6, 0.2, 0.7, 1.0, 1.5, 1.0])
LOSS = np.array([0.0, 0.0, 0.1, 0.9, 0.2, 0.0, 0.3, np.nan])


def names(mask):
    return {option.id for option, use in zip(SPACE.options, mask, strict=True) if use}


def test_what_saves_nothing_is_out():
    assert names(faster(SPACE, TIMES)) == {o.id for o in SPACE.options} - {"b0:slow"}


def test_fronts_come_before_what_they_beat():
    ordered = promising(SPACE, TIMES, LOSS, faster(SPACE, TIMES))
    assert ordered == ["b0:fast", "b0-1:merged", "b0:fastest", "b0:beaten"]


def test_every_run_has_its_first_before_any_has_its_second():
    loss = np.array([0.0, 0.0, 0.1, 0.11, 0.2, 0.0, 5.0, np.nan])
    among = faster(SPACE, TIMES)
    assert promising(SPACE, TIMES, loss, among)[:2] == ["b0:fastest", "b0:fast"]
    assert promising(SPACE, TIMES, loss, among, evenly=True)[:2] == ["b0:fastest", "b0-1:merged"]


def test_what_failed_is_never_promising():
    assert "b0-1:failed" not in promising(SPACE, TIMES, LOSS, faster(SPACE, TIMES))
