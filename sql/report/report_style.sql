create or replace function _wedding_dbopt.report_style() returns text
language sql immutable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  select $css$
:root { color-scheme: light dark; --page: #f6f5f1; --card: #ffffff; --ink: #1d1d1b; --soft: #66645e; --rule: #e3e1da;
  --booking: #2a78d6; --vendor: #12a06f; --payment: #e2602a; --timeline: #5546b8; --guest: #d9579a; --rest: #8a8880;
  --good: #157f3b; --warning: #9a6400; --critical: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --page: #141413; --card: #1e1e1c; --ink: #f2f1ec; --soft: #a8a69e; --rule: #373631;
  --booking: #5b9dec; --vendor: #2fbd8b; --payment: #f08354; --timeline: #a497f2; --guest: #ee86bb; --rest: #a09e96;
  --good: #5fce85; --warning: #e3b04b; --critical: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 28px 20px 48px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; } h2 { font-size: 17px; margin: 0 0 10px; } p { margin: 0 0 10px; }
.muted { color: var(--soft); } .empty { color: var(--soft); padding: 18px 0; margin: 0; }
section, .tile { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; }
section { padding: 18px 20px; margin-top: 18px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(170px, 1fr)); gap: 12px; margin-top: 18px; }
.tile { padding: 12px 16px; font-size: 13px; } .tile strong { display: block; font-size: 25px; line-height: 1.3; font-weight: 600; }
.grid2 { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 22px 28px; }
figure { margin: 0; min-width: 0; } figcaption { margin-bottom: 4px; } svg { display: block; width: 100%; height: auto; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 0 0 6px; padding: 0; font-size: 13px; }
i[class] { display: inline-block; width: 10px; height: 10px; border-radius: 3px; margin-right: 6px; background: currentColor; }
.grid { stroke: var(--rule); stroke-width: 1; } .tick { fill: var(--soft); font-size: 11px; }
.objective { stroke: var(--ink); stroke-width: 1.2; stroke-dasharray: 5 4; } .mark { stroke: var(--soft); stroke-width: 1.5; stroke-dasharray: 2 3; }
svg g path { fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.dot { fill: currentColor; opacity: 0; } .dot:hover { opacity: 1; }
.c-booking { color: var(--booking); } .c-vendor_search { color: var(--vendor); } .c-payment { color: var(--payment); }
.c-timeline { color: var(--timeline); } .c-guest_management { color: var(--guest); } .c-other { color: var(--rest); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: 14px; }
th { text-align: left; color: var(--soft); font-weight: 500; font-size: 13px; } th, td { padding: 7px 12px 7px 0; vertical-align: top; border-bottom: 1px solid var(--rule); }
tr:last-child td { border-bottom: 0; } .num { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; } .over { color: var(--critical); }
td:has(> .tag), td:has(> i) { white-space: nowrap; }
code { display: block; font: 12.5px/1.45 ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: pre-wrap; overflow-wrap: anywhere; min-width: 200px; }
.tag { display: inline-block; padding: 0 8px; border: 1px solid currentColor; border-radius: 9px; font-size: 12px; white-space: nowrap; color: var(--soft); }
.tag.good { color: var(--good); } .tag.warning { color: var(--warning); } .tag.critical { color: var(--critical); }
@media print { body { background: none; } section { break-inside: avoid; } }
$css$
$$;
comment on function _wedding_dbopt.report_style() is 'The style sheet of the report: light and dark, narrow and wide, screen and paper.';
