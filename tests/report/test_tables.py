import csv
import io

import pytest
from rich.console import Console

from paretune.core import BenchRatio, BenchRecord, Condition, Estimate
from paretune.report import tables
from tests.report.sample import NET, SAMPLES, sample, target


def shown(table):
    console = Console(width=100, file=io.StringIO(), color_system=None)
    console.print(table)
    return console.file.getvalue()


@pytest.mark.parametrize("name", SAMPLES)
def test_tables_fit_100_columns(name):
    text = shown(tables.variants(SAMPLES[name]()))
    assert max(len(line) for line in text.splitlines()) <= 100


def test_every_variant_has_its_figures_or_its_reason():
    text = " ".join(shown(tables.variants(sample())).split())
    assert "openvino int8 full 2/1 2.60 0.7% 385 89.17 5.30 150 chosen" in text
    assert "baseline" in text
    assert "Unsupported operator" in text


def test_markup_in_names_and_reasons_is_shown_as_it_is():
    result = sample()
    odd = result.variants[0].model_copy(update={"reason": "[red]odd[/red] [/]"})
    result = result.model_copy(update={"variants": (odd, *result.variants[1:])})
    assert "[red]odd[/red]" in shown(tables.variants(result))


def test_the_summary_answers_first_and_says_what_is_not_met():
    lines = tables.summary(sample())
    assert lines[0] == ("7.71x (7.58 to 7.86) as fast as the model as it came (torch-eager f32).")
    assert any("0.25 pt lower (drop -0.50 to +1.25 pt, 95 %)" in line for line in lines)
    lost = tables.summary(SAMPLES["nothing_beats_it"]())
    assert lost[0].startswith("Nothing beat the baseline")
    assert "NOT MET: latency <= 0.1 ms (found 20.1)" in lost


@pytest.mark.parametrize(
    ("ratio", "start"),
    [
        (Estimate(value=1.01, ci95=(0.99, 1.03)), "No difference in speed"),
        (Estimate(value=0.5, ci95=(0.4, 0.8)), "2.00x (1.25 to 2.50) slower"),
    ],
)
def test_a_ratio_that_is_no_gain_is_not_called_one(ratio, start):
    result = sample()
    ratios = result.ratios.model_copy(update={"latency_vs_baseline": ratio})
    assert tables.summary(result.model_copy(update={"ratios": ratios}))[0].startswith(start)


@pytest.fixture
def record():
    result = sample()
    other = f"{NET}/openvino/f32/t2s1b1"
    return BenchRecord(
        target=target(),
        variants=result.variants,
        baseline=result.baseline,
        ratios=(BenchRatio(id=other, latency=Estimate(value=3.64, ci95=(3.6, 3.7))),),
        conditions=(Condition(kind="noise", text="noisy"),),
    )


def test_a_bench_shows_ratios(record):
    text = " ".join(shown(tables.bench(record)).split())
    assert "3.64x (3.60 to 3.70)" in text


def test_csv_holds_every_variant_and_its_figures(record):
    rows = list(csv.DictReader(io.StringIO(tables.bench_csv(record))))
    assert [row["id"] for row in rows] == [v.id for v in record.variants]
    by_id = {row["id"]: row for row in rows}
    row = by_id[f"{NET}/openvino/f32/t2s1b1"]
    assert float(row["p50_ms"]) == 5.52
    assert float(row["ratio"]) == 3.64
    assert float(row["accuracy"]) == 0.895
    failed = by_id[f"{NET}/torch-compile/int8/x86/t2s1b1"]
    assert failed["p50_ms"] == ""
    assert failed["status"] == "failed"


def test_devices_shows_machine_and_runtimes():
    text = shown(tables.devices(target(), {"openvino": "2026.4", "x": "missing: pip install x"}))
    assert "avx512_vnni" in text
    assert "2 physical, 4 logical" in text
    assert "missing: pip install x" in text
