"""What is likely to hurt in a plan: each weakness with its place, its figures and a sentence that holds them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wedding_dbopt.plan import Finding, Node, Plan, Visit, examined

_MANY_ROWS = 1000
_FEW_KEPT = 0.1
_MANY_PAIRS = 1_000_000
_MISESTIMATE = 10
_TUPLE_OVERHEAD = 24


def findings(plan: Plan, table_rows: Mapping[str, float], work_mem_bytes: int) -> list[Finding]:
    """All weaknesses, in plan order."""
    found: list[Finding] = []
    for visit in plan.visits():
        found += _scan_findings(visit, table_rows)
        found += _order_findings(visit, table_rows)
        found += _spill_findings(visit.node, work_mem_bytes)
        found += _loop_findings(visit.node)
        found += _late_filter_findings(visit.node)
        found += _estimate_findings(visit.node)
    return found


def _scan_findings(visit: Visit, table_rows: Mapping[str, float]) -> Iterator[Finding]:
    node = visit.node
    if not node.is_scan:
        return
    read = examined(visit, table_rows)
    kept = (node.rows if node.actual_rows is None else node.actual_rows) * (
        visit.executions * visit.share if node.loops is None else node.loops
    )
    if read < _MANY_ROWS or kept > read * _FEW_KEPT:
        return
    if node.type == "Seq Scan" and node.filter:
        text = (
            f"The scan of {node.relation} reads {read:,.0f} rows and keeps {kept:,.0f} ({kept / read:.2%})."
        )
        yield Finding("selective_seq_scan", node, {"rows_read": read, "rows_kept": kept}, text)
    elif node.filter and node.rows_removed:
        text = (
            f"The index {node.index or 'condition'} of {node.relation} finds {read:,.0f} rows, "
            f"of which the filter {node.filter} keeps {kept:,.0f}."
        )
        yield Finding("index_scan_filters_much", node, {"rows_read": read, "rows_kept": kept}, text)


def _spill_findings(node: Node, work_mem_bytes: int) -> Iterator[Finding]:
    needed = node.rows * (node.width + _TUPLE_OVERHEAD)
    numbers = {"bytes_needed": needed, "work_mem_bytes": float(work_mem_bytes)}
    if node.type == "Sort" and node.sort_space_type == "Disk":
        numbers["disk_kb"] = float(node.sort_space_kb or 0)
        text = f"The sort wrote {node.sort_space_kb or 0:,} kB to disk; work_mem is {work_mem_bytes:,} bytes."
        yield Finding("sort_spill", node, numbers, text)
    elif node.type == "Hash" and (node.hash_batches or 0) > 1:
        numbers["batches"] = float(node.hash_batches or 0)
        text = (
            f"The hash table took {node.hash_batches} batches on disk; work_mem is {work_mem_bytes:,} bytes."
        )
        yield Finding("hash_spill", node, numbers, text)
    elif node.type in ("Sort", "Hash") and not node.analysed and needed > work_mem_bytes:
        text = (
            f"The {node.type.lower()} of {node.rows:,.0f} rows needs about {needed:,.0f} bytes "
            f"and will spill to disk: work_mem is {work_mem_bytes:,} bytes."
        )
        yield Finding(f"{node.type.lower()}_spill", node, numbers, text)


def _loop_findings(node: Node) -> Iterator[Finding]:
    if node.type != "Nested Loop" or len(node.children) < 2:
        return
    outer, inner = node.children[:2]
    loops = outer.rows if inner.loops is None else inner.loops
    rows = inner.rows if inner.actual_rows is None else inner.actual_rows
    rows += inner.rows_removed or 0.0
    if loops * rows < _MANY_PAIRS or loops < 2:
        return
    text = f"The nested loop runs {inner.label()} {loops:,.0f} times: {loops * rows:,.0f} pairs of rows."
    yield Finding("nested_loop_explosion", node, {"loops": loops, "pairs": loops * rows}, text)


def _estimate_findings(node: Node) -> Iterator[Finding]:
    if node.actual_rows is None or not node.loops:
        return
    ratio = max(node.actual_rows, 1.0) / max(node.rows, 1.0)
    factor = max(ratio, 1 / ratio)
    if factor <= _MISESTIMATE:
        return
    text = (
        f"{node.label()} was expected to give {node.rows:,.0f} rows and gave {node.actual_rows:,.0f}: "
        f"{factor:,.0f} times {'more' if ratio > 1 else 'fewer'}."
    )
    numbers = {"rows_estimated": node.rows, "rows_actual": node.actual_rows, "factor": factor}
    yield Finding("misestimate", node, numbers, text)


def _order_findings(visit: Visit, table_rows: Mapping[str, float]) -> Iterator[Finding]:
    """An index read from one end for its order, while a filter throws most of it away."""
    node = visit.node
    ordered = node.type in ("Index Scan", "Index Only Scan") and node.index_cond is None and node.filter
    if not ordered or visit.share >= 1:
        return
    whole = table_rows.get(f"{node.schema}.{node.relation}", table_rows.get(str(node.relation), 0.0))
    kept = max(node.rows, 1.0)
    if whole < _MANY_ROWS or kept > whole * _FEW_KEPT:
        return
    read = min(whole * visit.share, whole)
    text = (
        f"The index {node.index} is read for its order, and the filter {node.filter} keeps {kept:,.0f} of "
        f"{whole:,.0f} rows of {node.relation}: if those lie at the other end, nearly all are read before the page is full."
    )
    yield Finding(
        "index_read_for_order", node, {"rows_read": read, "rows_of_table": whole, "rows_kept": kept}, text
    )


def _late_filter_findings(node: Node) -> Iterator[Finding]:
    """A condition with OR over both sides of a join: no side can be filtered before."""
    if node.join_cond is None or " OR " not in node.join_cond or len(node.children) < 2:
        return
    outer, inner = (
        child.rows if child.actual_rows is None else child.actual_rows for child in node.children[:2]
    )
    pairs = outer * inner if node.type == "Nested Loop" else max(outer, inner)
    if pairs < _MANY_ROWS:
        return
    text = (
        f"The condition {node.join_cond} is tested only when the rows are joined, on about {pairs:,.0f} pairs, because "
        "its alternatives lie on both sides."
    )
    yield Finding("late_join_filter", node, {"pairs": pairs}, text)
