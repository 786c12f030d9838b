"""The first call of a session loads the parser and a hundred modules; this keeps that short.

sqlglot asks Python's package metadata for dialects that others may have installed. We use PostgreSQL's alone, and the
machinery behind that question (zip files, mail headers, sockets) takes longer to load than the dialect. And a garbage
collection while modules load finds nothing, again and again.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

_METADATA = "importlib.metadata"


@contextmanager
def first_load() -> Iterator[None]:
    """A context for the imports of a first call."""
    known = _METADATA in sys.modules or "sqlglot" in sys.modules
    collects = gc.isenabled()
    gc.disable()
    if not known:
        sys.modules[_METADATA] = _no_plugins()
    try:
        yield
    finally:
        if not known:
            del sys.modules[_METADATA]
        if collects:
            gc.freeze()  # what is loaded stays: no later collection needs to look at it
            gc.enable()


def _no_plugins() -> ModuleType:
    module = ModuleType(_METADATA)
    module.entry_points = dict  # type: ignore[attr-defined]
    return module
