"""How often the judgement of actions is wrong and how often it sees what is there, on simulated tunings."""

from __future__ import annotations

import math
import multiprocessing
import os

from tests.workload.tunings import SCENARIOS, Scenario, found_gain, harmless_price, nothing, reverted_at

TUNINGS = int(os.environ.get("TUNINGS", "200"))
#: Tunings that change nothing or little are looked at until the end, so they take most of the time.
UNCHANGED = int(os.environ.get("UNCHANGED", TUNINGS))
GAINS = int(os.environ.get("GAINS", TUNINGS))
#: The rules were chosen on seeds below.
FIRST_SEED = int(os.environ.get("FIRST_SEED", "70000"))


def interval(hits: int, trials: int) -> tuple[float, float]:
    """Wilson's interval (95 %) of a share."""
    z = 1.96
    share = hits / trials
    centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    reach = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials)) / (1 + z * z / trials)
    return 100 * max(centre - reach, 0), 100 * min(centre + reach, 1)


def shown(hits: int, trials: int) -> str:
    if not trials:
        return "not run"
    low, high = interval(hits, trials)
    return f"{100 * hits / trials:5.1f} ({low:4.1f}..{high:5.1f})"


def counts(scenario: Scenario) -> list[tuple[int, int]]:
    """Hits and trials of each column. Each scenario has seeds of its own, or its tunings would be those of the others."""
    first = FIRST_SEED + 1000 * SCENARIOS.index(scenario)
    seeds, unchanged, gains = (range(first, first + trials) for trials in (TUNINGS, UNCHANGED, GAINS))
    said = [nothing(scenario, seed) for seed in unchanged]
    minutes = [reverted_at(scenario, seed) for seed in seeds]
    alone = [reverted_at(scenario, seed, blocks=1.0) for seed in seeds]
    return [
        (said.count("gain"), UNCHANGED),
        (said.count("regression"), UNCHANGED),
        (sum(found_gain(scenario, seed) for seed in gains), GAINS),
        (sum(minute is not None and minute <= 2 for minute in minutes), TUNINGS),
        (sum(minute is not None for minute in minutes), TUNINGS),
        (sum(minute is not None and minute <= 2 for minute in alone), TUNINGS),
        (sum(harmless_price(scenario, seed) for seed in unchanged), UNCHANGED),
    ]


def run() -> None:
    print(
        f"\n  {TUNINGS} tunings of each kind and scenario, {UNCHANGED} of those that shall not be undone;"
        f" percent, with 95 % interval (Wilson)\n"
    )
    heads = (
        ("", "false gain"),
        ("", "false regression"),
        ("gain of 20 % found,", "500 calls a side"),
        ("2x slower critical", "undone in two looks"),
        ("", "in ten minutes"),
        ("2x time, same blocks", "undone in two looks"),
        ("write 5 % slower,", "undone for it"),
    )
    for line in zip(*heads, strict=True):
        print(f"  {'':32} " + " ".join(f"{title:>20}" for title in line))
    totals = [(0, 0)] * 7
    with multiprocessing.Pool() as pool:
        for scenario, found in zip(SCENARIOS, pool.imap(counts, SCENARIOS), strict=True):
            totals = [(a + c, b + d) for (a, b), (c, d) in zip(totals, found, strict=True)]
            print(f"  {scenario.name:32} " + " ".join(f"{shown(*one):>20}" for one in found), flush=True)
    print(f"  {'all':32} " + " ".join(f"{shown(*one):>20}" for one in totals))
