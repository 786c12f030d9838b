"""How often each rule took part in what was offered, and what that saved.

Planning makes functions for a moment, so no analysis runs in a read-only transaction, and a call that only reads never writes.
"""

from __future__ import annotations

from collections.abc import Sequence

from wedding_dbopt.database import Database, Row
from wedding_dbopt.rewrite.choice import Choice

_USES = """
select u.rule, count(*) as fired, round((100 * avg(u.gain))::numeric, 2) as mean_gain, max(u.at) as last_fired
from _wedding_dbopt.rule_use u group by 1
"""


def note(database: Database, choice: Choice) -> None:
    """Note the rules of a form that is offered. Call it where nothing is rolled back."""
    if choice.form is None:
        return
    rules = list(dict.fromkeys(step.rule for step in choice.rewriting.steps))
    database.query(
        "select _wedding_dbopt.note_rules($1, $2, $3)",
        ["text[]", "float8", "text"],
        [rules, max(-1.0, min(choice.gain, 1.0)), choice.basis],
    )


def counted(database: Database, rules: Sequence[Row]) -> list[Row]:
    """The catalogue of rules with their use."""
    uses = {row["rule"]: row for row in database.query(_USES)}
    return [
        {
            **rule,
            "fired": uses.get(rule["name"], {}).get("fired", 0),
            "mean_gain": uses.get(rule["name"], {}).get("mean_gain"),
            "last_fired": uses.get(rule["name"], {}).get("last_fired"),
        }
        for rule in rules
    ]
