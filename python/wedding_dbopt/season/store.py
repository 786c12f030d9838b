"""Reads the hours of a context, fits, and writes what the SQL functions read."""

from __future__ import annotations

from collections.abc import Iterable

from wedding_dbopt.database import Database, Row
from wedding_dbopt.season.calendar import Season
from wedding_dbopt.season.forecast import LoadModel, fit_load
from wedding_dbopt.season.history import WEEK, History

LEAST_HOURS = 24  # with calls; a context that ran less has no profile
DAYS_AHEAD = 28
#: A fit of the future is from before the clock was set back.
_DUE = """
select known.context
from (select c.context from _wedding_dbopt.contexts() c union all select 'all') known
left join _wedding_dbopt.load_fit f on f.context = known.context
where f.context is null or f.fitted_at <= $2 or f.fitted_at > $1
order by known.context
"""


def fit_next(database: Database, at: str, stale: str) -> bool:
    """Fit the next context that is due and has a history, replace what was expected from `at` on; whether there was one."""
    for due in database.query(_DUE, ["timestamptz", "timestamptz"], [at, stale]):
        found = database.query(
            "select * from _wedding_dbopt.load_history($1, $2)", ["timestamptz", "text"], [at, due["context"]]
        )
        if found and sum(1 for rate in found[0]["rates"] if rate > 0) >= LEAST_HOURS:
            row = found[0]
            history = History(row["local_hours"], row["rates"], row["minutes"])
            _store(database, at, row, fit_load(history, _seasons(database)))
            return True
        _forget(database, at, due["context"])
    return False


def _seasons(database: Database) -> list[Season]:
    return [
        Season(row["name"], row["first_day"], row["last_day"], float(row["prior_multiplier"]))
        for row in database.query("select * from _wedding_dbopt.calendar() where enabled order by name")
    ]


def _forget(database: Database, at: str, context: str) -> None:
    database.query(
        "delete from _wedding_dbopt.expected_hour where context = $1 and hour >= date_trunc('hour', $2, 'UTC')",
        ["text", "timestamptz"],
        [context, at],
    )
    database.query(
        """delete from _wedding_dbopt.expected_day
           where context = $1 and day >= date_trunc('day', $2, _wedding_dbopt.setting_value('time_zone'))""",
        ["text", "timestamptz"],
        [context, at],
    )
    for table in ("load_profile", "season_multiplier", "load_fit"):
        database.query(f"delete from _wedding_dbopt.{table} where context = $1", ["text"], [context])


def _store(database: Database, at: str, row: Row, model: LoadModel) -> None:
    hours, days = (
        database.query(
            f"select * from _wedding_dbopt.{name}($1, $2)", ["timestamptz", "integer"], [at, DAYS_AHEAD]
        )
        for name in ("hours_ahead", "days_ahead")
    )
    context = row["context"]
    _forget(database, at, context)
    expected = model.hours([hour["local_hour"] for hour in hours])
    _insert(
        database,
        "expected_hour (context, fitted_at, history_days, hour, calls_per_minute, low, high)",
        (context, at, len(row["local_hours"]) // 24),
        ("timestamptz", "float8", "float8", "float8"),
        ((hour["hour"], load.expected, load.low, load.high) for hour, load in zip(hours, expected)),
    )
    _insert(
        database,
        "expected_day (context, fitted_at, day, calls, low, high)",
        (context, at),
        ("timestamptz", "float8", "float8", "float8"),
        (
            (day["day"], load.expected, load.low, load.high)
            for day, load in ((day, model.day(day["local_day"])) for day in days)
        ),
    )
    _insert(
        database,
        "load_profile (context, hour_of_week, factor, low, high, hours)",
        (context,),
        ("smallint", "float8", "float8", "float8", "integer"),
        ((hour, *model.profile.interval(hour), int(model.profile.weeks[hour])) for hour in range(WEEK)),
    )
    _insert(
        database,
        "season_multiplier (context, fitted_at, season, multiplier, low, high, seasons_observed, days_observed, prior)",
        (context, at),
        ("text", "float8", "float8", "float8", "integer", "integer", "float8"),
        (
            (m.season, m.multiplier, m.low, m.high, m.seasons_observed, m.days_observed, m.prior)
            for m in model.annual.multipliers()
        ),
    )
    _insert(
        database,
        "load_fit (context, fitted_at, history_since, history_hours, growth, growth_low, growth_high)",
        (context, at, row["since"], len(row["local_hours"])),
        ("float8", "float8", "float8"),
        [model.annual.growth()],
    )


def _insert(
    database: Database,
    target: str,
    same: tuple[object, ...],
    types: tuple[str, ...],
    rows: Iterable[tuple[object, ...]],
) -> None:
    """Insert rows whose first columns are the same values; the others travel as one array each."""
    columns = [list(column) for column in zip(*rows)]
    if not columns:
        return
    same_types = [_TYPES[name] for name in target.split("(")[1].split(", ")[: len(same)]]
    fixed = ", ".join(f"${place}" for place in range(1, len(same) + 1))
    arrays = ", ".join(f"${len(same) + place}" for place in range(1, len(types) + 1))
    database.query(
        f"insert into _wedding_dbopt.{target} select {fixed}, u.* from unnest({arrays}) as u",
        [*same_types, *(f"{name}[]" for name in types)],
        [*same, *columns],
    )


_TYPES = {
    "context": "text",
    "fitted_at": "timestamptz",
    "history_days": "integer",
    "history_since": "timestamptz",
    "history_hours": "integer",
}
