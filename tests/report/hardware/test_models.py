"""Many models on one machine."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from paretune.core import Score
from paretune.report.charts import NARROW, WIDE, models_chart, to_svg
from paretune.report.hardware import model_table
from paretune.report.hardware.models import Known, family_of, model_frontier
from paretune.report.hardware.subjects import base_name, model_name
from tests.report.hardware.test_machines import record, target, timed

KNOWN = {
    f"net_b{i}@224": Known(top1=0.7 + 0.03 * i, family="Net", source="a table") for i in range(4)
}


def made(data="", metric=""):
    known = record(
        *(timed(f"net_b{i}@224", 2.0 * (i + 1)) for i in range(4)),
        *(timed(f"net_b{i}@224", 7.0 * (i + 1), precision="f32") for i in range(4)),
    )
    score = Score(split="search", value=0.81, ci95=(0.8, 0.82), n=500)
    mine = timed("mine", 3.0).model_copy(update={"accuracy": score})
    failed = timed("broken", 1.0).model_copy(update={"status": "failed", "reason": "no operator"})
    own = record(mine, failed).model_copy(update={"data": data, "metric": metric})
    return model_frontier({"known": known, "mine": own}, target("a"), known=KNOWN, own={"mine"})


def test_accuracies_of_different_data_have_frontiers_of_their_own():
    found = made("digits", "top1")
    assert found.scales == ("published", "measured on digits")
    assert [p.model for p in found.best("published")] == [f"net_b{i}@224" for i in range(4)]
    assert [p.model for p in found.best("measured on digits")] == ["mine"]
    said = model_table.summary(found)
    assert said[1] == "Nobody beats mine int8 (measured on digits)."
    assert "do not compare" in said[2]
    columns = [column.header for column in model_table.table(found).columns]
    assert columns[-1] == "accuracy"
    words = [part.text or "" for part in ET.fromstring(to_svg(models_chart(found, WIDE))).iter()]
    assert "measured on digits" in words


def test_agreement_with_ones_own_baseline_is_no_accuracy():
    found = made("digits", "agreement")
    assert found.scales == ("published",)
    assert found.left_out["mine"] == "its score is agreement, which is no top-1 accuracy"


def test_agreement_takes_no_publication_away():
    score = Score(split="search", value=0.99, ci95=(0.98, 1.0), n=500)
    scored = timed("net_b0@224", 2.0).model_copy(update={"accuracy": score})
    own = record(scored).model_copy(update={"data": "pets", "metric": "agreement"})
    (point,) = model_frontier({"own": own}, target("a"), known=KNOWN).points
    assert (point.accuracy, point.source) == (0.7, "a table")


def test_of_one_variant_each_scale_has_its_own_point():
    score = Score(split="search", value=0.6, ci95=(0.5, 0.7), n=500)
    scored = timed("net_b3@224", 5.0).model_copy(update={"accuracy": score})
    own = record(scored).model_copy(update={"data": "pets", "metric": "top1"})
    # In what is published net_b0 beats net_b3; on the user's data there is net_b3 alone.
    known = record(timed("net_b0@224", 3.0), timed("net_b3@224", 4.0))
    flat = {name: one.model_copy(update={"top1": 0.7}) for name, one in KNOWN.items()}
    found = model_frontier({"known": known, "own": own}, target("a"), known=flat)
    assert [(p.model, p.ms) for p in found.best("published")] == [("net_b0@224", 3.0)]
    assert [(p.model, p.ms) for p in found.best("measured on pets")] == [("net_b3@224", 5.0)]
    stars = model_table.table(found).columns[7]._cells
    assert [str(star) for star in stars] == ["*", "", "*"]


def test_a_precision_without_a_point_is_told():
    failed = timed("net_b0@224", 1.0).model_copy(update={"status": "failed", "reason": "no int8"})
    known = record(timed("net_b0@224", 2.0, precision="f32"), failed)
    found = model_frontier({"known": known}, target("a"), known=KNOWN)
    assert found.left_out == {"net_b0@224 int8": "no int8"}


def test_accuracy_is_of_the_weights_where_these_are_known():
    tags = {
        f"net_b0{tag}@224": Known(top1=top1, family="Net", source="a table")
        for tag, top1 in (("", 0.7), (".a1_in1k", 0.8), (".b1_in1k", 0.6))
    }

    def drawn(architecture, name="r", **options):
        made = record(timed(architecture, 2.0)).model_copy(
            update={"inputs": {architecture: (3, 224, 224)}}
        )
        return model_frontier({name: made}, target("a"), known=tags, **options).points

    assert [p.accuracy for p in drawn("net_b0.a1_in1k")] == [0.8]
    assert [p.accuracy for p in drawn("net_b0.c1_in1k")] == [0.7]
    assert drawn("net_b0.a1_in1k", trained={"r"}) == ()
    given = {"net_b0": Known(top1=0.5, family="Net", source="as given")}
    for options in ({}, {"trained": {"r"}}):
        assert [p.accuracy for p in drawn("net_b0.a1_in1k", given=given, **options)] == [0.5]


def test_ones_own_weights_are_drawn_beside_the_published_ones():
    plain = record(timed("net_b0@224", 2.0))
    found = model_frontier({"known": plain, "mine": plain}, target("a"), known=KNOWN, own={"mine"})
    assert [(p.record, p.own) for p in found.points] == [("known", False), ("mine", True)]


def test_who_nobody_beats_and_who_has_no_point():
    found = made()
    assert [p.model for p in found.best("published")] == [f"net_b{i}@224" for i in range(4)]
    assert [v.split("/")[0] for v in found.frontier][-1] == "mine"
    assert found.left_out == {"broken": "no operator"}
    own = [p for p in found.points if p.own]
    assert [(p.model, p.source, p.family) for p in own] == [("mine", "measured", "mine")]
    said = model_table.summary(found)
    assert said[0].startswith("Nobody beats net_b0@224 int8, net_b1@224 int8")
    assert said[1] == "Nobody beats mine int8 (measured on data)."
    assert any("published (a table), in f32" in line for line in said)
    assert "  broken: no operator" in said


def test_the_fastest_variant_of_a_precision_counts():
    both = record(timed("net_b0@224", 5.0), timed("net_b0@224", 3.0, runtime="onnxruntime"))
    (point,) = model_frontier({"r": both}, target("a"), known=KNOWN).points
    assert (point.ms, point.variant) == (3.0, "net_b0@224/onnxruntime/int8/t2s1b1")


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_the_chart_fits_and_names_the_frontier(width):
    svg = to_svg(models_chart(made(), width))
    assert float(re.search(r'width="([\d.]+)"', svg)[1]) <= width + 10
    words = [part.text or "" for part in ET.fromstring(svg).iter() if part.text]
    assert "Net" in words
    assert ("mine" in words) or width == NARROW


def test_one_model_has_one_name():
    bare = record(timed("x", 1.0))
    for text in ("timm:efficientnet_b2.ra_in1k@random", "efficientnet-b2", "a/EfficientNet-B2"):
        assert base_name(text) == "efficientnet_b2"
    assert model_name(bare, "resnet50@224") == "resnet50@224"
    sized = bare.model_copy(update={"inputs": {"resnet-50+s1": (3, 224, 224), "bert": (128,)}})
    assert model_name(sized, "resnet-50+s1") == "resnet_50+s1@224"
    assert model_name(sized, "bert") == "bert"
    assert family_of("tf_efficientnet_b0@224") == "efficientnet"
    assert family_of("mobilenetv3_large_100@224") == "mobilenetv3"
