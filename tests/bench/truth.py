"""What is stored after resets, evictions and restarts: the calls that can be seen, those stored, and whether it is marked."""

from __future__ import annotations

import os
import statistics

from tests.system.truth import CASES, Ledger, trial, truthful_cluster

TRIALS = int(os.environ.get("TRIALS", "30"))


def run() -> None:
    with truthful_cluster() as cluster:
        ledger = Ledger(cluster)
        print(f"\n  PostgreSQL {ledger.value('show server_version')}, {TRIALS} trials of each case")
        print(
            f"  {'':44} {'can be seen':>12} {'stored':>10} {'right':>7} {'marked':>7} {'right or marked':>16}"
        )
        for name in CASES:
            outcomes = [trial(ledger, name) for _ in range(TRIALS)]
            print(
                f"  {name:44} {outcomes[0].seen:12} {statistics.median(o.stored for o in outcomes):10g}"
                f" {sum(o.right for o in outcomes):7} {sum(o.marked for o in outcomes):7}"
                f" {sum(o.right or o.marked for o in outcomes):16}",
                flush=True,
            )
        ledger.close()
