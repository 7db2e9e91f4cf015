"""Records by content: SQLite beside the cache by default, any PostgreSQL by URL."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from paretune.core import InputError, MissingPackageError
from paretune.store._key import Key, canonical, digest, payload_text
from paretune.store.paths import home

if TYPE_CHECKING:
    from sqlalchemy import Engine


class Store:
    """Remembers payloads by kind and key. Every `put` is one committed transaction.

    Processes may share a store: a write waits for another's, none is lost, and whatever kills a
    process loses at most the record it was about to write.
    """

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self._name = name

    @classmethod
    def open(cls, url: str | None = None) -> Store:
        """Open a store, making it where it is absent.

        Args:
            url: SQLAlchemy URL of a SQLite file or a PostgreSQL database. By default what
                `PARETUNE_STORE` says, otherwise `store.sqlite` in `paretune.store.home()`.

        Raises:
            InputError: it cannot be opened, is damaged, or another version of Paretune made it.
        """
        from sqlalchemy.engine import URL, make_url
        from sqlalchemy.exc import ArgumentError, NoSuchModuleError

        from paretune.store import _schema

        given = url or os.environ.get("PARETUNE_STORE")
        if given is None:
            address = URL.create("sqlite", database=str(home() / "store.sqlite"))
        else:
            try:
                address = make_url(given)
            except ArgumentError as error:
                raise InputError(
                    "PARETUNE_STORE is no database URL: give one such as sqlite:////tmp/s.sqlite"
                ) from error
        if address.drivername == "postgresql":
            # The driver that the extra brings; which one a bare URL means depends on SQLAlchemy.
            address = address.set(drivername="postgresql+psycopg")
        if address.get_backend_name() not in _schema.DIALECTS:
            raise InputError(
                f"a store cannot be kept in {address.get_backend_name()!r}: give the URL of a "
                "SQLite file or a PostgreSQL database"
            )
        name = address.database if address.get_backend_name() == "sqlite" else None
        name = name or address.render_as_string(hide_password=True)
        try:
            store = cls(_schema.connect(address), name)
        except NoSuchModuleError as error:
            raise InputError(f"the store URL names an unknown driver: {error}") from error
        except ModuleNotFoundError as error:
            raise MissingPackageError(
                f"the store {name} needs the driver {error.name}: "
                'pip install "paretune[postgres]" and give a URL of postgresql://'
            ) from error
        with store._told():
            version = _schema.create_tables(store._engine)
        if version != _schema.VERSION:
            age = "newer" if version > _schema.VERSION else "older"
            store.close()
            raise InputError(
                f"the store {name} was made by a {age} Paretune (store version {version}, this "
                f"one needs {_schema.VERSION}): delete it or set PARETUNE_STORE to another"
            )
        return store

    def get(self, kind: str, key: Key) -> dict[str, Any] | None:
        """The payload last put under that kind and key, None where there is none.

        Raises:
            InputError: the store cannot be read.
        """
        from sqlalchemy import select

        from paretune.store._schema import records

        wanted = select(records.c.payload).where(
            records.c.kind == kind, records.c.digest == digest(canonical(key))
        )
        with self._told(), self._engine.connect() as connection:
            text = connection.execute(wanted).scalar_one_or_none()
        if text is None:
            return None
        payload: dict[str, Any] = json.loads(text)
        return payload

    def put(self, kind: str, key: Key, payload: Key) -> None:
        """Keep a payload under that kind and key, in place of an earlier one.

        Args:
            kind: what sort of record it is, such as `latency`; at most 64 characters.
            key: all that decides the payload; equal content is the same key in any order.
            payload: anything that JSON can hold; nouns, tuples and paths are made plain.

        Raises:
            InputError: the store cannot be written or the disk is full.
        """
        from paretune.store._schema import upsert

        text = canonical(key)
        row = {"kind": kind, "digest": digest(text), "key": text, "written_at": time.time()}
        row["payload"] = payload_text(payload)
        with self._told(), self._engine.begin() as connection:
            upsert(connection, row)

    def remember(self, kind: str, key: Key, compute: Callable[[], Key]) -> dict[str, Any]:
        """The payload under that kind and key, computed and kept where there is none.

        What comes back is the same whether it was kept or just computed: plain JSON values.
        """
        found = self.get(kind, key)
        if found is None:
            payload = compute()
            self.put(kind, key, payload)
            found = json.loads(payload_text(payload))
        return found

    def close(self) -> None:
        """Close the connections; the store's file can then be moved or removed. Idempotent."""
        self._engine.dispose()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn the database's refusals into one sentence with the mend."""
        from sqlalchemy.exc import DBAPIError

        try:
            yield
        except DBAPIError as error:
            self._engine.dispose()
            raise InputError(_mend(self._name, str(error.orig))) from error


#: What a database says -> what it means and the mend.
_MENDS: Mapping[tuple[str, ...], str] = {
    ("not a database", "malformed"): (
        "the store {name} is damaged: delete it (only remembered measurements are lost)"
    ),
    ("disk i/o error",): (
        "the store {name} cannot be read or written, as on a full disk or one that machines share: "
        "free some room, or set PARETUNE_HOME to a folder on a disk of this machine"
    ),
    ("disk is full", "no space left"): (
        "no room is left on the disk for the store {name}: free some or set PARETUNE_HOME to a "
        "folder on another disk"
    ),
    ("unable to open", "readonly", "read-only", "permission denied"): (
        "the store {name} cannot be written: make it writable or set PARETUNE_HOME to a folder "
        "that is"
    ),
    ("locked",): (
        "the store {name} is held by another process: end that one or set PARETUNE_STORE to "
        "another store"
    ),
}


def _mend(name: str, said: str) -> str:
    for signs, sentence in _MENDS.items():
        if any(sign in said.lower() for sign in signs):
            return sentence.format(name=name)
    first = said.strip().splitlines()[0] if said.strip() else "no reason given"
    return f"the store {name} cannot be used ({first}): check PARETUNE_STORE"
