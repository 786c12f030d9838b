"""Ways through a parsed statement that take no frame of the stack for each level, nor a step for each level each time."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

#: A node by its id, so that the id stays its own, and the topmost one that was reached from it.
Reached = dict[int, tuple[exp.Expr, exp.Expr]]


def flattened(node: exp.Expr, connector: type[exp.Expr]) -> list[exp.Expr]:
    """Return the operands of nested AND, OR or UNION in their order."""
    operands: list[exp.Expr] = []
    waiting = [node]
    while waiting:
        current = waiting.pop()
        inner = current.unnest()
        if isinstance(inner, connector):
            waiting += [inner.args["expression"], inner.this]
        else:
            operands.append(current)
    return operands


def topmost(node: exp.Expr, goes_through: Callable[[exp.Expr], bool], known: Reached) -> exp.Expr:
    """Return the topmost of the node and those above it, as far up as the way `goes_through` each parent.

    What is `known` of the tree, for this way alone, is added to: thousands of conditions stand below the same AND or OR.
    """
    climbed: list[exp.Expr] = []
    while (parent := node.parent) is not None and goes_through(parent):
        climbed.append(node)
        node = known[id(node)][1] if id(node) in known else parent
    known.update({id(passed): (passed, node) for passed in climbed[1:]})
    return node
