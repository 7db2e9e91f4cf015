"""A machine's record grows network by network."""

import pytest
from _records import add, file_of

from paretune.core import InputError
from paretune.store import records
from tests.report.hardware.test_machines import record, timed


def test_newer_variants_take_the_place_of_older_ones(tmp_path, capsys):
    file = tmp_path / "folder" / "machine.json"
    add(record(timed("x", 2.0), timed("y", 3.0)), file)
    add(record(timed("y", 4.0), timed("z", 5.0)), file)
    found = {v.architecture: v.latency_ms.p50 for v in records.read(file).variants}
    assert found == {"x": 2.0, "y": 4.0, "z": 5.0}
    with pytest.raises(InputError, match="on another machine or with other versions"):
        add(record(timed("x", 1.0), cpu="b"), file)
    assert "z/openvino/int8" in capsys.readouterr().out


def test_a_machine_s_name_makes_a_file_s():
    assert file_of("NVIDIA H100 80GB HBM3").name == "nvidia-h100-80gb-hbm3.json"
