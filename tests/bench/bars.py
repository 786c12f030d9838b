"""The bars of the season's load: what must be reached, which figure of a measurement it is, and how both are shown."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.workload.drive import Result

LEFT, WIDTH, ROW, LANE = 250, 620, 54, 12
LOWEST_MS, HIGHEST_MS = 0.5, 10_000
COLOURS = ("#b0413e", "#c98a1b", "#2f7d4f")


@dataclass(frozen=True)
class Measured:
    """A profile on one platform: what users felt, and what a transaction cost the server."""

    result: Result
    cpu_ms: float
    blocks: float
    others_cores: float
    """CPUs' worth that everything else on the machine used meanwhile, pgbench included."""


@dataclass(frozen=True)
class Bar:
    """What must be reached; `limit` is an upper one in ms, for success a lower one in percent."""

    promise: str
    what: str
    limit: float
    value: Callable[[Result], float]
    percent: bool = False

    def met(self, result: Result) -> bool:
        return self.value(result) > self.limit if self.percent else self.value(result) < self.limit


def _p95(context: str) -> Callable[[Result], float]:
    return lambda result: result.contexts[context].percentile_ms(95)


BARS = (
    Bar("E94 E95", "booking, average", 50, lambda result: result.contexts["booking"].average_ms),
    Bar("E92", "booking, p95", 50, _p95("booking")),
    Bar("E90", "payment, p95", 20, _p95("payment")),
    Bar("E91", "timeline, p95", 30, _p95("timeline")),
    Bar("E93", "vendor full text, p95", 100,
        lambda result: result.contexts["vendor_search"].scripts["text"].percentile_ms(95)),
    Bar("E89", "vendor search, p95", 100, _p95("vendor_search")),
    Bar("E94", "all, average", 50, lambda result: result.total.average_ms),
    Bar("E94", "all, p95", 200, lambda result: result.total.percentile_ms(95)),
    Bar("E88 E95", "success, worst context", 99,
        lambda result: 100 * min(context.success for context in result.contexts.values()), percent=True),
)  # fmt: skip


def figures(
    found: Mapping[str, Mapping[str, Measured]], variants: Sequence[str], profiles: Sequence[str]
) -> str:
    """The bars beside the figures of each platform. Latencies are of transactions that were done."""
    lines = []
    for profile in profiles:
        lines.append(
            f"\nprofile {profile}; latencies in ms from the scheduled arrival, of transactions that were done"
        )
        lines.append(
            f"{'':9}{'':28}{'bar':>8}" + "".join(f"{variant:>17}" for variant in variants) + "  reached"
        )
        for bar in BARS:
            values = [bar.value(found[variant][profile].result) for variant in variants]
            limit = f"> {bar.limit:g} %" if bar.percent else f"< {bar.limit:g}"
            shown = "".join(f"{value:>15.2f} %" if bar.percent else f"{value:>17.1f}" for value in values)
            met = "yes" if bar.met(found[variants[-1]][profile].result) else "NO"
            lines.append(f"{bar.promise:9}{bar.what:28}{limit:>8}{shown}  {met}")
        for what, value in (
            ("CPU ms per transaction", lambda measured: measured.cpu_ms),
            ("blocks per transaction", lambda measured: measured.blocks),
            ("transactions done", lambda measured: float(measured.result.total.done)),
            ("CPUs used by others", lambda measured: measured.others_cores),
        ):
            cells = "".join(f"{value(found[variant][profile]):>17.2f}" for variant in variants)
            lines.append(f"{'':9}{what:28}{'':>8}{cells}")
    return "\n".join(lines) + "\n"


def chart(
    found: Mapping[str, Mapping[str, Measured]], variants: Sequence[str], profiles: Sequence[str]
) -> str:
    """The latencies as a bar chart with a logarithmic scale; a black line marks what must be reached."""
    bars = [bar for bar in BARS if not bar.percent]
    height = 70 + len(profiles) * (len(bars) * ROW + 40)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 90} {height}" '
        'font-family="sans-serif" font-size="13"><rect width="100%" height="100%" fill="white"/>'
    ]
    for place, (variant, colour) in enumerate(zip(variants, COLOURS)):
        x = LEFT + place * 150
        parts.append(
            f'<rect x="{x}" y="14" width="12" height="12" fill="{colour}"/><text x="{x + 18}" y="25">{variant}</text>'
        )
    y = 50
    for profile in profiles:
        parts.append(
            f'<text x="10" y="{y + 14}" font-size="15" font-weight="bold">{profile}, ms (logarithmic)</text>'
        )
        y += 30
        for bar in bars:
            parts.append(f'<text x="10" y="{y + 24}">{bar.what} &lt; {bar.limit:g}</text>')
            for lane, (variant, colour) in enumerate(zip(variants, COLOURS)):
                value = bar.value(found[variant][profile].result)
                top = y + lane * (LANE + 2)
                parts.append(
                    f'<rect x="{LEFT}" y="{top}" width="{_x(value) - LEFT:.1f}" height="{LANE}" fill="{colour}"/>'
                    f'<text x="{_x(value) + 5:.1f}" y="{top + 10}" font-size="11">{value:.1f}</text>'
                )
            parts.append(
                f'<path d="M{_x(bar.limit):.1f} {y - 3}v{3 * LANE + 10}" stroke="black" stroke-width="2"/>'
            )
            y += ROW
        y += 10
    return "\n".join(parts) + "\n</svg>\n"


def _x(value: float) -> float:
    if math.isnan(value):
        return LEFT
    bounded = min(max(value, LOWEST_MS), HIGHEST_MS)
    return LEFT + WIDTH * math.log(bounded / LOWEST_MS) / math.log(HIGHEST_MS / LOWEST_MS)
