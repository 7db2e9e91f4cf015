"""The look that tables on the terminal share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table


def plain(**options: Any) -> Table:
    """An empty table: a line under the head, no frame; `options` as Rich's `Table` takes them."""
    from rich import box
    from rich.table import Table

    return Table(
        box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), title_justify="left", **options
    )
