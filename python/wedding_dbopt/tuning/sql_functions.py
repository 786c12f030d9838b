"""The body of an SQL function as a statement with parameters, and back."""

from __future__ import annotations

from dataclasses import dataclass

from wedding_dbopt.database import Row
from wedding_dbopt.query import tokens


@dataclass(frozen=True)
class Body:
    """A body whose arguments are `$n`; `names` are those that stood there, by number."""

    text: str
    names: dict[int, str]
    source: str
    definition: str

    def definition_with(self, text: str) -> str | None:
        """The CREATE OR REPLACE FUNCTION with another body; None where the body cannot be found in it."""
        parts, position = [], 0
        for token in tokens(text):
            if token.kind == "parameter":
                name = self.names.get(int(text[token.start + 1 : token.end]))
                if name is not None:
                    parts += [text[position : token.start], name]
                    position = token.end
        body = "".join([*parts, text[position:]])
        # The server ends the body with a tag that the old one does not hold; in the new one it would end it too early.
        tag = self.definition.rstrip().rsplit("$", 2)[-2]
        if self.definition.count(self.source) != 1 or f"${tag}$" in body:
            return None
        return self.definition.replace(self.source, f"\n{body}\n")


def body_of(row: Row) -> Body | None:
    """Read a function of one SELECT; None where an argument's name cannot be told from a column's."""
    source = str(row["text"])
    text = source.strip().rstrip(";").rstrip()
    modes = row["modes"] or ["i"] * len(row["types"] or ())
    names = {
        name: number
        for number, name in enumerate(
            (name for name, mode in zip(row["arguments"] or (), modes) if mode in ("i", "b", "v")), 1
        )
        if name
    }
    parts, position, known = [], 0, {}
    found = list(tokens(text))
    for place, token in enumerate(found):
        word = text[token.start : token.end]
        if token.kind != "word" or word.lower() not in names:
            continue
        before = text[found[place - 1].start : found[place - 1].end] if place else ""
        after = text[found[place + 1].start] if place + 1 < len(found) else ""
        if before == "." or after in (".", "(") or before.lower() == "as":
            return None  # it may be a column or a table
        number = names[word.lower()]
        parts += [text[position : token.start], f"${number}"]
        position = token.end
        known[number] = word
    return Body("".join([*parts, text[position:]]), known, source, str(row["definition"]))
