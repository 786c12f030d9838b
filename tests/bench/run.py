"""Run the benchmarks and print their tables; each figure stands beside a floor or a peer of the same run."""

from __future__ import annotations

import sys

from tests.bench import (
    alerts,
    analysing,
    collecting,
    findings,
    history,
    indexes,
    locks,
    planning,
    readiness,
    reading,
    rewrites,
    roundtrip,
    season,
    season_load,
    soak,
    tpch,
    truth,
    truth_under_load,
    verdicts,
    warehouse,
)

BENCHMARKS = {
    "alerts": alerts.run,
    "analysing": analysing.run,
    "collecting": collecting.run,
    "findings": findings.run,
    "history": history.run,
    "indexes": indexes.run,
    "locks": locks.run,
    "planning": planning.run,
    "reading": reading.run,
    "rewrites": rewrites.run,
    "season": season.run,
    "truth": truth.run,
}
#: These take many minutes each and run only when they are named.
LONG = {
    "readiness": readiness.run,
    "season_load": season_load.run,
    "soak": soak.run,
    "roundtrip": roundtrip.run,
    "verdicts": verdicts.run,
    "tpch": tpch.run,
    "truth_under_load": truth_under_load.run,
    "warehouse": warehouse.run,
}


def main() -> int:
    for name in sys.argv[1:] or BENCHMARKS:
        print(f"\n{name}\n{'=' * len(name)}", flush=True)
        (BENCHMARKS | LONG)[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main())
