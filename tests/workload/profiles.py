"""The traffic of the platform: what each context does, how often, as whom and how fast it must answer."""

from dataclasses import dataclass

LATENCY_LIMIT_FACTOR = 4
"""A transaction counts as failed beyond this multiple of its objective.

The objective is what users are promised; at four times that they see a spinner and try again, which is a
failure for them. For booking this is the 200 ms that the platform allows its 95th percentile in the season.
"""


@dataclass(frozen=True)
class Context:
    """One business context of the platform under normal traffic."""

    rate: float
    """Transactions per second."""
    objective_ms: float
    role: str
    """The database role the application switches to after connecting as `authenticator`."""
    scripts: dict[str, int]
    """Weight of each file `scripts/<context>_<name>.sql`, in per mille."""

    @property
    def latency_limit_ms(self) -> float:
        return LATENCY_LIMIT_FACTOR * self.objective_ms


CONTEXTS = {
    "booking": Context(
        rate=8,
        objective_ms=50,
        role="service_role",
        scripts={
            "search": 350,
            "availability": 300,
            "overview": 185,
            "create": 100,
            "confirm": 60,
            "dashboard": 5,
        },
    ),
    "vendor_search": Context(
        rate=8,
        objective_ms=100,
        role="anon",
        scripts={
            "category": 400,
            "price": 200,
            "profile": 280,
            "text": 100,
            "new": 20,
        },
    ),
    "payment": Context(
        rate=5,
        objective_ms=20,
        role="service_role",
        scripts={
            "status": 500,
            "record": 240,
            "history": 205,
            "overdue": 52,
            "revenue": 3,
        },
    ),
    "timeline": Context(
        rate=6,
        objective_ms=30,
        role="authenticated",
        scripts={
            "day": 350,
            "notifications": 300,
            "upcoming": 150,
            "update": 150,
            "delay": 50,
        },
    ),
    "guest_management": Context(
        rate=5,
        objective_ms=100,
        role="authenticated",
        scripts={
            "list": 250,
            "rsvp": 250,
            "counts": 200,
            "login": 150,
            "add": 100,
            "uninvited": 50,
        },
    ),
}

SEASON = 4.0
SURGE = 10.0

PROFILES: dict[str, dict[str, float]] = {
    "normal": dict.fromkeys(CONTEXTS, 1.0),
    "season": dict.fromkeys(CONTEXTS, SEASON),
    # Saturday morning in the season: everybody books.
    "surge": dict.fromkeys(CONTEXTS, SEASON) | {"booking": SEASON * SURGE},
}
"""Factor on the normal rate of each context."""
