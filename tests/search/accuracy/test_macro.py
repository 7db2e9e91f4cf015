"""Ranks and intervals on networks that were really trained: NAS-Bench-Macro, all 6,561 of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from paretune.search import KEEP, Option, Space
from paretune.search.accuracy import AccuracySurrogate, anchors_design

OPERATORS = ("skip", "small", KEEP)


def test_two_dozen_labels_rank_networks_of_equal_flops(reference_data: Path) -> None:
    file = reference_data / "nas_bench_macro" / "nas-bench-macro_cifar10.json"
    table = json.loads(file.read_text())
    options = tuple(
        Option(id=f"b{block}:{operator}", first=block, last=block, operator=operator)
        for block in range(8)
        for operator in OPERATORS
    )
    space = Space(blocks=8, options=options)
    choices = np.array(
        [space.of([f"b{b}:{OPERATORS[int(d)]}" for b, d in enumerate(name)]) for name in table]
    )
    drop = np.array([table["2" * 8]["mean_acc"] - entry["mean_acc"] for entry in table.values()])
    flops = np.array([entry["flops"] for entry in table.values()])
    places = {row.tobytes(): place for place, row in enumerate(choices)}
    slices = np.array_split(np.argsort(flops), 20)
    ranks, covered = [], []
    for seed in range(4):
        picked = anchors_design(space, 24, np.random.default_rng(seed))
        values = drop[[places[row.tobytes()] for row in picked]]
        found = AccuracySurrogate.fit(space, anchors=(picked, values)).predict(choices)
        inside = [spearmanr(found.mean[part], drop[part]).statistic for part in slices]
        ranks.append(np.mean(inside))
        covered.append(((drop >= found.low) & (drop <= found.high)).mean())
    assert np.median(ranks) > 0.87
    assert 0.8 < np.mean(covered) < 0.99
