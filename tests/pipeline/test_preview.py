"""What a dry run tells of a search, on a real network."""

import sys

import pytest

from paretune.core import DEFAULT_CONSTRAINT, InputError
from paretune.pipeline.preview import preview
from paretune.pipeline.request import Request


def request(*constraints):
    return Request(
        model="digits-resnet@random", data="digits", effort="search", constraints=constraints
    )


@pytest.mark.slow
def test_it_tells_the_space_its_speeds_and_each_constraint(monkeypatch):
    monkeypatch.setattr(sys.modules["paretune.pipeline.preview"], "NETWORKS", 6)
    asked = ("latency <= 1000 ms", "latency_p95 <= 0.0001 ms", "latency <= 0.5 * baseline")
    plan = preview("digits-resnet@random", "digits", request(*asked))
    assert len(plan.blocks) == 8
    assert plan.architectures > 1e6
    assert plan.fastest_ms <= plan.middle_ms <= plan.slowest_ms
    assert plan.fastest_ms < plan.baseline_ms
    said = dict(zip((DEFAULT_CONSTRAINT, *asked), plan.constraints, strict=True))
    assert "within reach of the space" in said[asked[0]]
    assert "out of reach, the fastest architecture timed takes" in said[asked[1]]
    for text in (DEFAULT_CONSTRAINT, asked[2]):
        assert "only once variants are measured" in said[text]


def test_a_file_has_no_space(inputs):
    with pytest.raises(InputError, match="came as a file"):
        preview(str(inputs / "tiny.onnx"), "digits", request())
