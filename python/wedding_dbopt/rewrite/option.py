"""What a person must decide on, because it changes the result."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Option:
    """An offer: its kind, the text it leads to, and what changes in the result.

    `more` is a second text that belongs to it, as that of the next page; `proof_sql` is what would make the text provably
    equal; `bytes_saved` is what no longer travels, where that can be told.
    """

    kind: str
    text: str
    changes: str
    more: str | None = None
    proof_sql: tuple[str, ...] = ()
    bytes_saved: int | None = None
