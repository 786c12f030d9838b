"""Vacuum tables that autovacuum left behind, slowly; the executor waits for a quiet hour with it.

Why: dead rows are read by every scan; pages not known to be visible to all make index-only scans read the table; old
transaction ids end in a vacuum that cannot be put off, perhaps in the season.
Sound when: autovacuum had its chance (twice its threshold has passed), and no old transaction holds the dead rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wedding_dbopt.settings.advice import Advice
from wedding_dbopt.settings.figures import Finding, Server
from wedding_dbopt.settings.tables import Table

KIND = "vacuum"
FINDINGS = ("dead_rows", "never_vacuumed")
#: Share of autovacuum_freeze_max_age beyond which a large table is frozen ahead of the forced vacuum.
FREEZE_SHARE = 0.8
FREEZE_PAGES = 12_800
#: What autovacuum allows itself: at most 100 pages in each 2 ms that were not in memory.
LIMITS = ("set vacuum_cost_delay = '2ms'", "set vacuum_cost_limit = 200")
RESETS = ("reset vacuum_cost_delay", "reset vacuum_cost_limit")


def precondition(server: Server, tables: Mapping[int, Table]) -> list[tuple[Table, str, bool]]:
    """Table, reason and whether to freeze, each table once."""
    wanted: dict[int, tuple[Table, str, bool]] = {}
    for relid, table in tables.items():
        if table.xid_share >= FREEZE_SHARE and table.pages >= FREEZE_PAGES:
            reason = (
                f"The oldest transaction id in {table.name} has {100 * table.xid_share:.0f} % of the age at which a vacuum is "
                f"forced that nothing puts off. {table.pages} pages are better frozen in a quiet hour."
            )
            wanted[relid] = (table, reason, True)
    for finding in server.findings:
        found = tables.get(finding.relid or 0)
        if finding.kind in FINDINGS and found is not None and not _is_held(finding):
            wanted.setdefault(found.relid, (found, finding.reason, False))
    return list(wanted.values())


def _is_held(finding: Finding) -> bool:
    """Whether an old transaction keeps the rows: then a vacuum reads much and removes nothing."""
    return finding.cause == "horizon"


def advise(server: Server, tables: Mapping[int, Table]) -> Iterator[Advice]:
    for table, reason, freeze in precondition(server, tables):
        yield Advice(
            kind=KIND,
            rule="vacuum",
            target=table.target,
            sql=(
                *LIMITS,
                f"vacuum ({'freeze, ' if freeze else ''}analyze, truncate false) {table.name}",
                *RESETS,
            ),
            rollback_sql=(),
            locks=f"SHARE UPDATE EXCLUSIVE on {table.name}: reads and writes go on, DDL waits. The end of the file is not "
            f"given back, because that would lock readers out",
            level="conservative" if freeze else "moderate",
            basis="not estimated: it depends on which pages the statements read",
            affected=table.affected,
            evidence={
                "dead": table.dead,
                "live": table.live,
                "pages": table.pages,
                "xid_share": round(table.xid_share, 3),
            },
            reason=f"{reason} It reads and writes no faster than autovacuum would.",
        )
