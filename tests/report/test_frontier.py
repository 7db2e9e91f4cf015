import math
import random

from paretune.report import pareto
from paretune.report.frontier import points_of
from tests.report.sample import NET, sample


def test_a_point_that_another_beats_everywhere_is_out():
    assert pareto({"slow": (3, 1), "good": (1, 1), "exact": (2, 0)}) == ("good", "exact")


def test_equal_points_are_both_kept_and_ties_in_one_coordinate_decide_by_the_other():
    assert set(pareto({"a": (1, 1), "b": (1, 1), "c": (1, 2)})) == {"a", "b"}


def test_points_that_are_not_finite_are_out():
    assert pareto({"a": (math.nan, 0), "b": (math.inf, 0), "c": (1, 1)}) == ("c",)
    assert pareto({}) == ()


def test_against_the_definition_on_random_points():
    draw = random.Random(0)
    points = {str(i): tuple(draw.randrange(6) for _ in range(3)) for i in range(60)}
    front = pareto(points)
    for name, point in points.items():
        beaten = any(
            other != point and all(a <= b for a, b in zip(other, point, strict=True))
            for other in points.values()
        )
        assert (name in front) is not beaten
    assert [points[name] for name in front] == sorted(points[name] for name in front)


def test_records_without_measurements_are_no_points():
    points = points_of(sample().variants, size=True)
    assert f"{NET}/torch-compile/int8/x86/t2s1b1" not in points
    assert points[f"{NET}/openvino/int8/full/t2s1b1"][0] == 2.60
    assert len(next(iter(points.values()))) == 3
    assert f"{NET}/openvino/int8/full/t2s1b1" in pareto(points)
    assert f"{NET}/torch-eager/f32/t1s1b1" not in pareto(points)
