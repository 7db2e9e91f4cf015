"""Real `paretune` processes, killed, interrupted and run beside one another."""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter

import numpy as np
import pytest

import paretune
from tests.pipeline.conftest import environment

DEADLINE = 120.0


def command(inputs, out, *more):
    return [
        sys.executable,
        "-m",
        "paretune",
        "optimize",
        str(inputs / "tiny.onnx"),
        "--data",
        str(inputs / "digits.npz"),
        "--runtimes",
        "onnxruntime,openvino",
        "--precisions",
        "f32",
        "--threads",
        "1",
        "--budget",
        "12s",
        "--out",
        str(out),
        *more,
    ]


def started(inputs, out, home, *more):
    return subprocess.Popen(
        command(inputs, out, *more),
        env=environment(PARETUNE_HOME=str(home)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs the tests in the background has SIGINT ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def stop_at(process, stage, how):
    """Send a signal when a stage begins; the exit code and all that was told."""
    told = []
    for line in process.stderr:
        told.append(line)
        if stage in line:
            time.sleep(0.3)  # into the stage, not to its first instruction
            process.send_signal(how)
            break
    _, rest = process.communicate(timeout=DEADLINE)
    return process.returncode, "".join(told) + rest


def check_nothing_half(out):
    """Whatever is there is whole."""
    if (out / "result.json").exists():
        json.loads((out / "result.json").read_text())
    journal = out / "measurements.jsonl"
    if journal.exists():
        for line in journal.read_text().splitlines():
            json.loads(line)
    if (out / "artifact").exists():
        with paretune.load(out / "artifact"):
            pass


def test_a_killed_run_goes_on_where_it_was_and_chooses_the_same(inputs, onnx_run, tmp_path):
    out, home = tmp_path / "out", tmp_path / "home"
    resume = []
    for stage in ("bring in", "race", "hand back"):
        code, told = stop_at(started(inputs, out, home, *resume), stage, signal.SIGKILL)
        assert code == -signal.SIGKILL, told
        assert stage == "hand back" or not (out / "result.json").exists()
        check_nothing_half(out)
        resume = ["--resume"]
    before = json.loads((out / "spent.json").read_text())["wall_s"]
    done = subprocess.run(
        command(inputs, out, *resume),
        env=environment(PARETUNE_HOME=str(home)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "measurements came from the store" in done.stderr + done.stdout
    check_nothing_half(out)
    result = json.loads((out / "result.json").read_text())
    assert result["chosen"] == onnx_run.json["chosen"]
    assert any(c["kind"] == "cache" for c in result["conditions"])
    assert (out / "report.html").exists()
    assert result["ledger"]["wall_s"] > before > 0  # those that were killed count
    lines = [json.loads(line) for line in (out / "measurements.jsonl").read_text().splitlines()]
    told = Counter(line["id"] for line in lines)
    assert max(told.values()) <= 2  # as raced, and as compared in the end, but of one run alone
    hidden = [path.name for path in out.iterdir() if path.name.startswith(".")]
    assert hidden == [".lock"]
    # One that goes on after its end has no result until it is whole again.
    code, told = stop_at(started(inputs, out, home, *resume), "compare", signal.SIGKILL)
    assert code == -signal.SIGKILL, told
    assert not (out / "result.json").exists()


def test_a_run_does_not_go_on_with_other_data(inputs, onnx_run, tmp_path):
    changed = tmp_path / "changed"
    changed.mkdir()
    for name in ("tiny.onnx", "digits.npz"):
        shutil.copy(inputs / name, changed)
    out, home = tmp_path / "out", tmp_path / "home"
    stop_at(started(changed, out, home), "race", signal.SIGKILL)
    with np.load(changed / "digits.npz") as arrays:
        np.savez(changed / "digits.npz", **{k: x[::-1] for k, x in arrays.items()})
    refused = subprocess.run(
        command(changed, out, "--resume"),
        env=environment(PARETUNE_HOME=str(home)),
        capture_output=True,
        text=True,
    )
    assert refused.returncode == 2, refused.stderr
    assert "was begun with other data: give another --out" in refused.stderr
    assert (out / "run.json").exists()  # and goes on with its own


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_says_how_to_go_on_and_tidies_up(inputs, tmp_path, monkeypatch, how):
    out, home = tmp_path / "out", tmp_path / "home"
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    code, told = stop_at(started(inputs, out, home), "race", how)
    assert code == 130
    assert list((tmp_path / "temporary").iterdir()) == []
    assert "--resume" in told.splitlines()[-1]
    assert "Traceback" not in told
    assert not (out / "result.json").exists()
    refused = subprocess.run(
        command(inputs, out),
        env=environment(PARETUNE_HOME=str(home)),
        capture_output=True,
        text=True,
    )
    assert refused.returncode == 2
    assert "give --resume to go on with it or another --out" in refused.stderr


def test_two_runs_at_once_share_a_store(inputs, tmp_path):
    home = tmp_path / "home"
    both = [started(inputs, tmp_path / name, home, "--quiet") for name in ("one", "two")]
    for process in both:
        _, told = process.communicate(timeout=DEADLINE)
        assert process.returncode == 0, told
        assert told == ""
    results = [json.loads((tmp_path / n / "result.json").read_text()) for n in ("one", "two")]
    assert {len(r["variants"]) for r in results} == {2}
    for name in ("one", "two"):
        check_nothing_half(tmp_path / name)


@pytest.mark.parametrize("stage", ["race"])
def test_no_process_outlives_a_killed_run(inputs, tmp_path, stage):
    import psutil

    process = started(inputs, tmp_path / "out", tmp_path / "home")
    children = []
    for line in process.stderr:
        if stage in line:
            time.sleep(1.0)
            children = psutil.Process(process.pid).children(recursive=True)
            process.kill()
            break
    process.communicate(timeout=DEADLINE)
    assert children
    _, alive = psutil.wait_procs(children, timeout=30)
    assert alive == []
