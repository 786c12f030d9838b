"""Data classes that are finished at their first instance behave like those that are finished at once."""

from __future__ import annotations

import subprocess
import sys

LOADS = """
import dataclasses
from wedding_dbopt import first_load
with first_load.first_load():
    import wedding_dbopt.analysis
    from dataclasses import dataclass, field

    @dataclass(frozen=True)
    class Base:
        first: int
        names: list[str] = field(default_factory=list)

    @dataclass(frozen=True)
    class Derived(Base):
        last: int = 7

        @property
        def both(self) -> int:
            return self.first + self.last
"""


def run(text: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", LOADS + text], check=True, capture_output=True, text=True
    ).stdout


def test_a_class_is_finished_with_its_bases() -> None:
    shown = run("""
one = Derived(3)
assert one.both == 10 and one == Derived(first=3) and one != Derived(4)
assert dataclasses.replace(one, first=1) == Derived(1) and dataclasses.asdict(one)["names"] == []
assert Derived(1).names is not Derived(1).names
assert hash(Base(3, ())) == hash(Base(3, ()))
try:
    one.first = 4
except dataclasses.FrozenInstanceError:
    print(repr(Base(1)), repr(one))
""")
    assert shown == "Base(first=1, names=[]) Derived(first=3, names=[], last=7)\n"


def test_every_class_of_the_analysis_waits_and_can_be_finished() -> None:
    shown = run("""
waiting = list(first_load._waiting)
for kind in waiting:
    first_load._finish(kind)
    assert dataclasses.is_dataclass(kind) and "_first_init" not in kind.__init__.__qualname__, kind
assert not first_load._waiting and dataclasses.dataclass is first_load._defined
import sqlglot.diff, importlib.metadata
print(len(waiting) > 40, callable(sqlglot.diff.ChangeDistiller), callable(importlib.metadata.version))
""")
    assert shown == "True True True\n"
