"""Write a changed node into the text of its statement: what the change leaves alone keeps its characters.

A rule returns a new node made of copies of old ones and of nodes of its own. Copies are found again by the number
that `numbered` gave to every node of the tree, and come out as they stand in the text, comments and all.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.splice import Span, span_of

#: Nodes that sqlglot's generator writes without looking inside, so that a stand-in can take their place.
WHOLE = (exp.Condition, exp.Query)
NEVER = (exp.Var, exp.DataType, exp.Identifier, exp.Null, exp.Boolean, exp.Interval, exp.JSONPath)
#: Clauses: a change of their shape is written with the statement they belong to.
CLAUSES = (
    exp.Where, exp.From, exp.Join, exp.Group, exp.Order, exp.Ordered, exp.Having, exp.With, exp.CTE, exp.Limit,
    exp.Offset, exp.TableAlias, exp.Identifier, exp.Distinct, exp.Lateral, exp.If, exp.Table, exp.Var, exp.JSONPath,
    exp.DataType, exp.Alias,
)  # fmt: skip
ATOMS = (exp.Interval, exp.JSONPath, exp.DataType)
STAND_IN = "wd_part_"


def numbered(tree: exp.Expr) -> list[exp.Expr]:
    """Number the nodes of a tree, so that copies of them are known again; return them in that order."""
    nodes = list(tree.walk())
    for number, node in enumerate(nodes):
        node.meta["number"] = number
    return nodes


class Writer:
    """Writes nodes that were made of the nodes of one statement."""

    def __init__(self, text: str, nodes: list[exp.Expr]) -> None:
        """Take the text and its numbered nodes."""
        self._text = text
        self._nodes = nodes
        self._spans: dict[int, Span | None] = {}

    def span(self, node: exp.Expr) -> Span | None:
        """Return where a node of the statement stands in the text."""
        number = int(node.meta.get("number", -1))
        if isinstance(node, CLAUSES) or (isinstance(node, exp.Subquery) and node.args.get("alias")):
            return None  # no such part is a statement or an expression by itself
        if number not in self._spans:
            self._spans[number] = span_of(self._text, node)
        return self._spans[number]

    def edits(self, old: exp.Expr, new: exp.Expr) -> list[tuple[Span, exp.Expr, exp.Expr]] | None:
        """Return the smallest parts to replace, in the order of the text; None where no place is found."""
        pairs = _differences(old, new)
        placed = [] if pairs is None else [(self.span(a), a, b) for a, b in pairs]
        if not placed or any(span is None for span, _, _ in placed):
            placed = [(self.span(old), old, new)]
        found = [(span, a, b) for span, a, b in placed if span is not None]
        return sorted(found, key=lambda edit: edit[0]) if len(found) == len(placed) else None

    def written(self, node: exp.Expr) -> str:
        """Return the text of a node; parts of the statement keep theirs."""
        kept: dict[str, str] = {}
        # A holder, so that the node itself may be replaced.
        holder = exp.Paren(this=node.copy())
        self._stand_in(holder.this, kept)
        text: str = holder.this.sql(dialect="postgres", comments=False)
        for name, part in reversed(kept.items()):
            text = text.replace(name, part)
        return text

    def _stand_in(self, node: exp.Expr, kept: dict[str, str]) -> None:
        original = self._original(node)
        if original is not None:
            span = self.span(original)
            if span is not None:
                name = f"{STAND_IN}{len(kept)}_"
                kept[name] = self._text[span.start : span.end]
                node.replace(exp.Var(this=name))
                return
        if isinstance(node, ATOMS):
            return
        for child in list(node.iter_expressions()):
            self._stand_in(child, kept)

    def _original(self, node: exp.Expr) -> exp.Expr | None:
        number = node.meta.get("number")
        if number is None or not isinstance(node, WHOLE) or isinstance(node, NEVER):
            return None
        original = self._nodes[number]
        return original if original == node else None


def widened_to_statement(node: exp.Expr, new: exp.Expr) -> tuple[exp.Expr, exp.Expr]:
    """Return what holds a clause, and a copy of it with the new clause: clauses are not written by themselves."""
    while isinstance(node, CLAUSES) and node.parent is not None:
        holder = node.parent.copy()
        place = next(part for part in holder.walk() if part.meta.get("number") == node.meta["number"])
        place.replace(new)
        node, new = node.parent, holder
    return node, new


def _differences(old: exp.Expr, new: exp.Expr) -> list[tuple[exp.Expr, exp.Expr]] | None:
    """Return the pairs of nodes that differ; None where the holder of the difference must be written."""
    if old == new:
        return []
    if type(old) is not type(new):
        return None if isinstance(old, CLAUSES) else [(old, new)]
    pairs: list[tuple[exp.Expr, exp.Expr]] = []
    for key in {*old.args, *new.args}:
        found = _of_values(old.args.get(key), new.args.get(key))
        if found is None:
            return None if isinstance(old, CLAUSES) else [(old, new)]
        pairs += found
    return pairs


def _of_values(old: object, new: object) -> list[tuple[exp.Expr, exp.Expr]] | None:
    if isinstance(old, exp.Expr) and isinstance(new, exp.Expr):
        return _differences(old, new)
    if isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            return None
        pairs: list[tuple[exp.Expr, exp.Expr]] = []
        for a, b in zip(old, new):
            found = _of_values(a, b)
            if found is None:
                return None
            pairs += found
        return pairs
    return [] if (old or None) == (new or None) else None
