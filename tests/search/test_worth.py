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
    among = faster(SPACE, TIMES)
    kept = {"b0:keep", "b1:keep"}
    assert names(promising(SPACE, TIMES, LOSS, among, 0)) == kept
    assert names(promising(SPACE, TIMES, LOSS, among, 1)) == kept | {"b0:fast"}
    first = promising(SPACE, TIMES, LOSS, among, 3)
    assert names(first) == kept | {"b0:fast", "b0:fastest", "b0-1:merged"}
    assert "b0:beaten" in names(promising(SPACE, TIMES, LOSS, among, 4))


def test_what_failed_is_never_promising():
    assert "b0-1:failed" not in names(promising(SPACE, TIMES, LOSS, faster(SPACE, TIMES), 99))
