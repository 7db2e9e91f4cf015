"""The store on real SQLite files, damaged, full, foreign and shared ones among them."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from paretune.core import Estimate, InputError, MissingPackageError
from paretune.store import Store


def url(path: Path) -> str:
    return f"sqlite:///{path}"


@pytest.fixture
def store(tmp_path):
    with Store.open(url(tmp_path / "s.sqlite")) as store:
        yield store


def test_equal_content_is_the_same_key(store):
    store.put("latency", {"a": (1, 2), "b": {"x": 0.5}}, {"p50": 1.25})
    assert store.get("latency", {"b": {"x": 0.5}, "a": [1, 2]}) == {"p50": 1.25}
    assert store.get("latency", {"a": [2, 1], "b": {"x": 0.5}}) is None
    assert store.get("accuracy", {"a": [1, 2], "b": {"x": 0.5}}) is None


def test_a_later_put_replaces_an_earlier_one(store):
    store.put("k", {"a": 1}, {"v": 1})
    store.put("k", {"a": 1}, {"v": 2})
    assert store.get("k", {"a": 1}) == {"v": 2}


def test_nouns_and_paths_are_keys_and_payloads(store):
    noun = Estimate(value=1.5, ci95=(1.0, 2.0))
    store.put("k", noun, noun)
    assert store.get("k", {"value": 1.5, "ci95": [1.0, 2.0]}) == noun.model_dump(mode="json")
    store.put("k", {"p": Path("a/b"), "n": noun}, {"ü": "ö"})
    assert store.get("k", {"p": "a/b", "n": noun.model_dump()}) == {"ü": "ö"}


def test_a_key_that_equals_nothing_is_refused(store):
    with pytest.raises(ValueError, match="not JSON compliant"):
        store.put("k", {"a": float("nan")}, {})


def test_remember_computes_once_and_gives_the_same_either_time(store):
    calls = []

    def compute():
        calls.append(1)
        return {"pair": (1, 2)}

    first = store.remember("k", {"a": 1}, compute)
    assert first == store.remember("k", {"a": 1}, compute) == {"pair": [1, 2]}
    assert len(calls) == 1


def test_default_place_and_environment(tmp_path, monkeypatch):
    monkeypatch.delenv("PARETUNE_STORE", raising=False)
    monkeypatch.setenv("PARETUNE_HOME", str(tmp_path / "a home"))
    with Store.open() as store:
        store.put("k", {}, {"v": 1})
    assert (tmp_path / "a home" / "store.sqlite").is_file()
    monkeypatch.setenv("PARETUNE_STORE", url(tmp_path / "other.sqlite"))
    with Store.open() as store:
        assert store.get("k", {}) is None


def test_a_file_that_is_no_database_is_told(tmp_path):
    path = tmp_path / "s.sqlite"
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(InputError, match=r"s\.sqlite is damaged: delete it"):
        Store.open(url(path))


def test_a_damaged_page_is_told(tmp_path):
    path = tmp_path / "s.sqlite"
    with Store.open(url(path)) as store:
        for n in range(200):
            store.put("k", {"n": n}, {"text": "x" * 500})
    content = bytearray(path.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    path.write_bytes(content)

    def use():
        with Store.open(url(path)) as store:
            for n in range(200):
                store.get("k", {"n": n})

    with pytest.raises(InputError, match="is damaged: delete it"):
        use()


def test_a_store_of_another_version_is_refused(tmp_path):
    path = tmp_path / "s.sqlite"
    Store.open(url(path)).close()
    for version, age in ((2, "newer"), (0, "older")):
        with sqlite3.connect(path) as connection:
            connection.execute("UPDATE paretune_store SET version = ?", (version,))
        connection.close()
        with pytest.raises(InputError, match=f"{age} Paretune.*delete it or set PARETUNE_STORE"):
            Store.open(url(path))


def test_a_creation_that_was_killed_half_way_is_completed(tmp_path):
    path = tmp_path / "s.sqlite"
    Store.open(url(path)).close()
    for damage in ("DROP TABLE paretune_store", "DELETE FROM paretune_store"):
        with sqlite3.connect(path) as connection:
            connection.execute(damage)
        connection.close()
        with Store.open(url(path)) as store:
            store.put("k", {}, {"v": damage})
            assert store.get("k", {}) == {"v": damage}


def test_a_full_disk_is_told_and_the_record_before_it_stays(store):
    store.put("k", {"n": 1}, {"v": 1})
    from sqlalchemy import event

    # SQLite's own limit raises what a full disk raises.
    @event.listens_for(store._engine, "begin")
    def limit(connection):
        connection.exec_driver_sql("PRAGMA max_page_count = 1")

    with pytest.raises(InputError, match=r"no room .*s\.sqlite: free some"):
        store.put("k", {"n": 2}, {"v": "x" * 100_000})
    assert store.get("k", {"n": 1}) == {"v": 1}
    assert store.get("k", {"n": 2}) is None


def test_a_place_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="cannot be written: make it writable"):
        Store.open(url(tmp_path / "absent" / "s.sqlite"))
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PARETUNE_HOME", str(tmp_path / "file"))
    monkeypatch.delenv("PARETUNE_STORE", raising=False)
    with pytest.raises(InputError, match="set PARETUNE_HOME"):
        Store.open()


@pytest.mark.parametrize(
    ("bad", "mend"),
    [
        ("nonsense", "PARETUNE_STORE is no database URL: give one"),
        ("mysql://host/db", "'mysql': give the URL of a SQLite file or a PostgreSQL"),
        ("sqlite+nosuch:///x", "unknown driver"),
    ],
)
def test_a_bad_url_is_told(bad, mend):
    with pytest.raises(InputError, match=mend):
        Store.open(bad)


def test_a_missing_driver_is_told():
    with pytest.raises(MissingPackageError, match=r"driver pg8000: pip install \"paretune\[post"):
        Store.open("postgresql+pg8000://host/db")


def test_a_password_is_never_shown():
    with pytest.raises(InputError) as caught:
        Store.open("postgresql+nosuch://me:secret@localhost:1/db")
    assert "secret" not in str(caught.value)


WRITER = """
import sys
from paretune.store import Store
name, count = sys.argv[2], int(sys.argv[3])
with Store.open(sys.argv[1]) as store:
    for n in range(count):
        store.put("k", {"writer": name, "n": n}, {"text": name * 200})
        store.put("shared", {"n": n}, {"writer": name})
        print(n, flush=True)
"""


def start(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, url(path), name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def check_integrity(path: Path) -> None:
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    for (payload,) in connection.execute("SELECT payload FROM paretune_records"):
        json.loads(payload)
    connection.close()


def test_processes_that_share_a_new_store_lose_nothing(tmp_path):
    path = tmp_path / "s.sqlite"
    writers = [start(path, name, 60) for name in "abc"]
    for writer in writers:
        assert writer.communicate(timeout=120)[0].split()[-1] == "59"
        assert writer.returncode == 0
    with Store.open(url(path)) as store:
        for name in "abc":
            for n in range(60):
                assert store.get("k", {"writer": name, "n": n}) == {"text": name * 200}
        assert all(store.get("shared", {"n": n})["writer"] in "abc" for n in range(60))
    check_integrity(path)


def test_a_killed_writer_loses_at_most_the_record_in_flight(tmp_path):
    path = tmp_path / "s.sqlite"
    steady = start(path, "steady", 150)
    for round_ in range(4):
        victim = start(path, f"victim{round_}", 100_000)
        # Each round is killed at another point of its life, also right at its first record.
        told = [int(victim.stdout.readline()) for _ in range(1 + 7 * round_)]
        victim.send_signal(signal.SIGKILL)
        told += [int(line) for line in victim.stdout.read().split("\n")[:-1]]
        victim.wait()
        with Store.open(url(path)) as store:
            for n in told:
                assert store.get("k", {"writer": f"victim{round_}", "n": n}) is not None
        check_integrity(path)
    assert steady.communicate(timeout=120)[0].split()[-1] == "149"
    with Store.open(url(path)) as store:
        assert store.get("k", {"writer": "steady", "n": 149}) is not None
    check_integrity(path)
