"""Give a function or a role the work_mem that its spilling statements need.

Why: a sort, hash or materialisation larger than work_mem goes through temporary files, block by block.
Sound when: statements of the role spilled often, the memory needed is known from what they wrote, and even at the worst
moment of the busiest season all connections together stay within nine tenths of the machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wedding_dbopt.settings.advice import LEVELS, Advice, Affected, size
from wedding_dbopt.settings.figures import MIN_HOURS, Server, fits
from wedding_dbopt.settings.parameters import Change, Parameter, for_function, for_role, in_bytes

KIND = "parameter_adjustment"
BLOCK = 8192
#: Spills per hour below which nobody notices, and calls below which chance decides.
MIN_BYTES_PER_HOUR = 16 * 2**20
MIN_CALLS = 20
#: Rows take more room in memory than in a temporary file.
IN_MEMORY = 2.5
#: The most that one step gives, by level; what needs more needs an index or another query, not memory.
MOST = {"conservative": 64 * 2**20, "moderate": 128 * 2**20, "aggressive": 256 * 2**20}


@dataclass(frozen=True)
class Spill:
    """What a statement wrote to temporary files in the window; `function` is set when it only calls one (regprocedure).

    `read_ms_per_block` is the measured time of a block read, None when track_io_timing was off.
    """

    statement: Affected
    role: str
    superuser: bool
    calls: int
    exec_ms: float
    temp_blocks: int
    own_value: str | None = None
    function: str | None = None
    function_schema: str = ""
    function_value: str | None = None

    @property
    def bytes_per_call(self) -> float:
        return self.temp_blocks * BLOCK / self.calls


def precondition(spills: Sequence[Spill], server: Server) -> list[Spill]:
    """The spills that are worth memory: often, much, and by a role that may be given some."""
    if server.hours < MIN_HOURS or server.parameter("work_mem") is None:
        return []
    return [
        spill
        for spill in spills
        if spill.calls >= MIN_CALLS
        and not spill.superuser
        and spill.temp_blocks * BLOCK / max(server.hours, 1.0) >= MIN_BYTES_PER_HOUR
    ]


def advise(spills: Sequence[Spill], server: Server) -> Iterator[Advice]:
    """One advice per function or role, for the least memory that keeps its spills in memory."""
    parameter = server.parameter("work_mem")
    groups: dict[tuple[str, str], list[Spill]] = {}
    for spill in precondition(spills, server):
        groups.setdefault((spill.role, spill.function or ""), []).append(spill)
    for (role, function), members in sorted(groups.items()):
        if parameter is not None:
            advice = _of_group(members, role, function, parameter, server)
            if advice is not None:
                yield advice


def _of_group(
    spills: Sequence[Spill], role: str, function: str, parameter: Parameter, server: Server
) -> Advice | None:
    old = spills[0].function_value if function else spills[0].own_value
    now = in_bytes(old) if old is not None else parameter.bytes
    # The memory that one spilling call held is filled too, so it comes on top of what it wrote.
    needed = [(needed_memory(spill, now), spill) for spill in spills]
    for level in LEVELS:
        served = [(need, spill) for need, spill in needed if need <= MOST[level]]
        if not served or max(need for need, _ in served) <= now:
            continue
        value = max(need for need, _ in served)
        if not fits(server, {role: value * server.hash_factor}):
            return None
        return _advice([spill for _, spill in served], role, function, value, now, parameter, level, server)
    return None


def needed_memory(spill: Spill, now: int) -> int:
    """Bytes with which a call would not spill: a power of two of megabytes."""
    wanted = now + IN_MEMORY * spill.bytes_per_call
    power = 2**20
    while power < wanted:
        power *= 2
    return power


def _advice(
    spills: Sequence[Spill],
    role: str,
    function: str,
    value: int,
    now: int,
    parameter: Parameter,
    level: str,
    server: Server,
) -> Advice:
    text = f"{value // 2**20}MB"
    change = _change(spills[0], role, function, text, parameter, server)
    hours = max(server.hours, 1.0)
    written = sum(spill.temp_blocks for spill in spills) * BLOCK
    calls = sum(spill.calls for spill in spills)
    exec_ms = sum(spill.exec_ms for spill in spills)
    # Each block is written once and read once.
    per_block = server.read_ms / server.blocks_read if server.blocks_read and server.read_ms > 0 else None
    saved = None if per_block is None else min(2 * written / BLOCK * per_block, 0.9 * exec_ms)
    where = f"function {function}" if function else f"role {role}"
    return Advice(
        kind=KIND,
        rule="work_mem",
        target=change.target,
        sql=change.sql,
        rollback_sql=change.rollback_sql,
        locks=change.locks,
        level=level,
        goal="gain",
        parameter="work_mem",
        value=text,
        gain_percent=None if saved is None or exec_ms <= 0 else round(100 * saved / exec_ms, 2),
        gain_ms_per_hour=None if saved is None else round(saved / hours, 3),
        basis="temporary blocks, each written and read once, times the measured time of a block read"
        if saved is not None
        else "not estimated: the time of a block read was not measured (track_io_timing)",
        affected=tuple(spill.statement for spill in spills),
        evidence={
            "temp_bytes_per_hour": round(written / hours),
            "temp_bytes_per_call": round(written / calls),
            "calls": calls,
            "work_mem_bytes": now,
            "wanted_bytes": value,
        },
        reason=f"{len(spills)} statements of {where} wrote {size(written / hours)} an hour to temporary files, "
        f"{size(written / calls)} a call over {calls} calls, because work_mem is {size(now)}. With {size(value)} they "
        f"stay in memory; all connections of the busiest season together stay below nine tenths of the machine. "
        f"Sessions begun afterwards have it.",
    )


def _change(
    spill: Spill, role: str, function: str, value: str, parameter: Parameter, server: Server
) -> Change:
    if function:
        return for_function(parameter, function, spill.function_schema, value, spill.function_value)
    return for_role(parameter, role, server.database, value, spill.own_value)
