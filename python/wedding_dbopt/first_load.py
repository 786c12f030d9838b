"""The first call of a session loads the parser and a hundred modules; this keeps that short.

- sqlglot asks Python's package metadata for dialects that others may have installed. We use PostgreSQL's alone, and the
  machinery behind that question (zip files, mail headers, sockets) takes longer to load than the dialect.
- sqlglot also loads a comparison of trees that nothing here calls.
- A data class compiles half a dozen functions when it is defined, and few classes are needed in a call: each is finished
  when its first instance is made.
- A garbage collection while modules load finds nothing, again and again.
"""

from __future__ import annotations

import dataclasses
import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

_UNUSED = {"importlib.metadata": "entry_points", "sqlglot.diff": "diff"}
_defined = dataclasses.dataclass
_waiting: dict[type, dict[str, Any]] = {}


@contextmanager
def first_load() -> Iterator[None]:
    """A context for the imports of a first call."""
    left_out = [] if "sqlglot" in sys.modules else [name for name in _UNUSED if name not in sys.modules]
    collects = gc.isenabled()
    gc.disable()
    for name in left_out:
        sys.modules[name] = _empty(name)
    dataclasses.dataclass = _later
    try:
        yield
    finally:
        dataclasses.dataclass = _defined
        for name in left_out:
            del sys.modules[name]
        if collects:
            gc.freeze()  # what is loaded stays: no later collection needs to look at it
            gc.enable()


def _empty(name: str) -> ModuleType:
    module = ModuleType(name)
    setattr(module, _UNUSED[name], dict)
    return module


def _later(cls: type | None = None, /, **options: Any) -> Any:
    """Stand in for dataclasses.dataclass: keep the class as it is until somebody makes an instance."""
    if cls is None:
        return lambda given: _later(given, **options)
    if "__init__" in cls.__dict__ or options.get("slots"):
        return _defined(cls, **options)
    _waiting[cls] = options
    cls.__init__ = _first_init(cls)  # type: ignore[misc]
    return cls


def _first_init(cls: type) -> Callable[..., None]:
    def __init__(self: Any, *values: Any, **named: Any) -> None:
        _finish(cls)
        type(self).__init__(self, *values, **named)

    return __init__


def _finish(cls: type) -> None:
    for base in reversed(cls.__mro__):
        options = _waiting.pop(base, None)
        if options is not None:
            del base.__init__  # type: ignore[misc]
            _defined(base, **options)
