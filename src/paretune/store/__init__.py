"""Records and cache: what was measured once is remembered, whatever happens to the process."""

from paretune.store._key import key_digest
from paretune.store._store import Store
from paretune.store.paths import (
    arrays,
    folder_atomic,
    home,
    programs,
    write_bytes_atomic,
    write_text_atomic,
)

__all__ = [
    "Store",
    "arrays",
    "folder_atomic",
    "home",
    "key_digest",
    "programs",
    "write_bytes_atomic",
    "write_text_atomic",
]
