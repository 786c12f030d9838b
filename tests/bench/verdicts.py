"""How often the judgement of actions is wrong and how often it sees what is there, on simulated tunings."""

from __future__ import annotations

import math
import os

from tests.workload.tunings import SCENARIOS, found_gain, nothing, reverted_at

TUNINGS = int(os.environ.get("TUNINGS", "200"))


def interval(hits: int, trials: int) -> tuple[float, float]:
    """Wilson's interval (95 %) of a share."""
    z = 1.96
    share = hits / trials
    centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    reach = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials)) / (1 + z * z / trials)
    return 100 * max(centre - reach, 0), 100 * min(centre + reach, 1)


def shown(hits: int, trials: int) -> str:
    low, high = interval(hits, trials)
    return f"{100 * hits / trials:5.1f} ({low:4.1f}..{high:5.1f})"


def run() -> None:
    print(f"\n  {TUNINGS} tunings of each kind and scenario; percent, with 95 % interval (Wilson)")
    print(
        f"  {'':32} {'false gain':>20} {'false regression':>20} {'gain of 20 % found,':>20}"
        f" {'2x slower critical':>20} {'the same':>20}\n"
        f"  {'':32} {'':>20} {'':>20} {'500 calls a side':>20} {'undone in two looks':>20} {'in ten minutes':>20}"
    )
    totals = [0, 0, 0, 0, 0]
    for scenario in SCENARIOS:
        said = [nothing(scenario, seed) for seed in range(TUNINGS)]
        found = sum(found_gain(scenario, seed) for seed in range(TUNINGS))
        minutes = [reverted_at(scenario, seed) for seed in range(TUNINGS)]
        counts = [
            said.count("gain"),
            said.count("regression"),
            found,
            sum(minute is not None and minute <= 2 for minute in minutes),
            sum(minute is not None for minute in minutes),
        ]
        totals = [total + count for total, count in zip(totals, counts, strict=True)]
        print(f"  {scenario.name:32} " + " ".join(f"{shown(c, TUNINGS):>20}" for c in counts), flush=True)
    trials = TUNINGS * len(SCENARIOS)
    print(f"  {'all':32} " + " ".join(f"{shown(c, trials):>20}" for c in totals))
