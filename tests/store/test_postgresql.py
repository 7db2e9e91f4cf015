"""The store on a real PostgreSQL server, started for these tests alone."""

import getpass
import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from paretune.core import InputError
from paretune.store import Store
from tests.store.test_store import WRITER

pytestmark = [
    pytest.mark.skipif(shutil.which("initdb") is None, reason="no PostgreSQL server here"),
    pytest.mark.skipif(
        importlib.util.find_spec("psycopg") is None, reason="psycopg is not in this environment"
    ),
]


def server_user() -> str:
    """Who runs the server: it refuses to run as root."""
    if os.getuid() != 0:
        return getpass.getuser()
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in known)


@pytest.fixture(scope="module")
def url():
    user = server_user()
    folder = Path(tempfile.mkdtemp(prefix="paretune-pg-"))
    if os.getuid() == 0:
        shutil.chown(folder, user)
    run_as = {"user": user} if os.getuid() == 0 else {}

    def run(*command):
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder, **run_as)
        assert done.returncode == 0, done.stdout + done.stderr

    data = str(folder / "data")
    run("initdb", "-D", data, "-U", "me", "-A", "trust", "--no-sync")
    options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
    run("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
    yield f"postgresql+psycopg://me:secret@/postgres?host={folder}"
    run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    shutil.rmtree(folder)


def test_records_are_kept_and_replaced(url):
    with Store.open(url) as store:
        assert store.get("k", {"a": 1}) is None
        store.put("k", {"a": 1}, {"v": 1, "ü": [1, 2]})
        store.put("k", {"a": 1}, {"v": 2})
    with Store.open(url) as store:
        assert store.get("k", {"a": 1}) == {"v": 2}


def test_processes_that_share_a_new_database_lose_nothing(url):
    import sqlalchemy

    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        for table in ("paretune_store", "paretune_records"):
            connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table}")
    engine.dispose()
    command = [sys.executable, "-c", WRITER, url]
    writers = [subprocess.Popen([*command, name, "30"], text=True) for name in "abcd"]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0, 0, 0]
    with Store.open(url) as store:
        for name in "abcd":
            assert all(store.get("k", {"writer": name, "n": n}) for n in range(30))


def test_a_server_that_is_not_there_is_told_without_the_password(url):
    absent = url.replace("host=", "host=/nowhere")
    with pytest.raises(InputError, match="check PARETUNE_STORE") as caught:
        Store.open(absent)
    assert "secret" not in str(caught.value)
