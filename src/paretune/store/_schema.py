"""The two tables of a store, and opening one safely from several processes at once."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.schema import CreateTable

VERSION = 1
_BUSY_S = 60.0
_ATTEMPTS = 100

_metadata = MetaData()
_about = Table(
    "paretune_store",
    _metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # one row only, number 1
    Column("version", Integer, nullable=False),
)
records = Table(
    "paretune_records",
    _metadata,
    Column("kind", String(64), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("key", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("written_at", Float, nullable=False),  # seconds since the epoch
)
_INSERT = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
DIALECTS = tuple(_INSERT)


def connect(url: URL) -> Engine:
    """An engine whose SQLite connections wait for one another instead of failing."""
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": _BUSY_S})
    event.listen(engine, "connect", _configure_sqlite)
    return engine


def _configure_sqlite(connection: Any, _: object) -> None:
    """Readers and a writer at once (WAL); a commit survives the death of the process.

    Turning WAL on takes the whole file, and SQLite does not always wait for it; the setting stays
    in the file, so only the first processes ever compete.
    """
    connection.execute("PRAGMA synchronous=NORMAL")
    if connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
        return
    for attempt in range(_ATTEMPTS):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except connection.OperationalError as error:
            if "locked" not in str(error) or attempt == _ATTEMPTS - 1:
                raise
            time.sleep(0.05)


def create_tables(engine: Engine) -> int:
    """Make the tables where they are absent; returns the version the store was made with."""
    for attempt in range(_ATTEMPTS):
        try:
            with engine.begin() as connection:
                return _create(connection)
        except (IntegrityError, OperationalError, ProgrammingError) as error:
            # Two processes made the tables at the same moment: the other one's are there now.
            text = str(error.orig).lower()
            racing = any(w in text for w in ("locked", "exists", "unique", "duplicate"))
            if not racing or attempt == _ATTEMPTS - 1:
                raise
            time.sleep(0.05)
    raise AssertionError("unreachable")


def _create(connection: Connection) -> int:
    # Each step may be the last before a kill, so each is repeated until all are done.
    for table in _metadata.sorted_tables:
        connection.execute(CreateTable(table, if_not_exists=True))
    wanted = select(_about.c.version)
    version = connection.execute(wanted).scalar_one_or_none()
    if version is None:
        insert = _insert(connection, _about, {"id": 1, "version": VERSION})
        connection.execute(insert.on_conflict_do_nothing())
        version = connection.execute(wanted).scalar_one()
    return int(version)


def _insert(connection: Connection, table: Table, row: dict[str, Any]) -> Any:
    """An insert of this dialect, which knows `on_conflict_...`; the two have no common type."""
    return _INSERT[connection.dialect.name](table).values(row)


def upsert(connection: Connection, row: dict[str, Any]) -> None:
    """Write a record in one statement, over an earlier one of the same key."""
    insert = _insert(connection, records, row)
    new = {name: insert.excluded[name] for name in ("key", "payload", "written_at")}
    connection.execute(insert.on_conflict_do_update(index_elements=["kind", "digest"], set_=new))
