"""Views, functions and policies that cost too much are found, replaced by an equal form, and brought back to the letter."""

from __future__ import annotations

import pytest

from tests.system.tuner import Tuner

SCHEMA = """
create table public.wedding (id integer primary key, owner text not null, made timestamp not null, note text);
insert into public.wedding select g, 'u' || g % 50, timestamp '2024-01-01' + g * interval '1 hour', 'n' || g
from generate_series(1, 20000) g;
create index on public.wedding (made);
create view public.of_the_day with (security_invoker = true) as
  select id, note from public.wedding where date(made) = '2025-05-02';
create view public.fine as select id from public.wedding where id = 7;
create function public.of_that_day(wanted text) returns setof integer language sql stable as
  $$ select w.id from public.wedding w where date(w.made) = '2025-05-02' and w.note <> wanted $$;
create function public.me() returns text language plpgsql stable as
  $$ begin return current_setting('app.user', true); end $$;
create table public.guarded as select g as id, 'u' || g % 50 as owner from generate_series(1, 20000) g;
alter table public.guarded enable row level security;
create policy own on public.guarded using (owner = public.me());
create policy good on public.guarded using (owner = (select public.me()));
analyze
"""
DEFINITIONS = """
select array[pg_get_viewdef('public.of_the_day'::regclass), array_to_string((
               select c.reloptions from pg_class c where c.oid = 'public.of_the_day'::regclass), ','),
             pg_get_functiondef('public.of_that_day'::regproc),
             (select pg_get_expr(polqual, polrelid) from pg_policy where polname = 'own')]
"""


@pytest.fixture
def platform(tuner: Tuner) -> Tuner:
    tuner.run(SCHEMA)
    tuner.run("create role builder")
    for name in ("wedding", "of_the_day", "fine", "guarded"):
        tuner.run(f"alter table public.{name} owner to builder")
    tuner.run("alter function public.of_that_day owner to builder")
    tuner.run("alter function public.me owner to builder")
    return tuner


def test_definitions_are_rewritten_and_brought_back(platform: Tuner) -> None:
    try:
        tuner = platform
        before = tuner.value(DEFINITIONS)
        rows = tuner.rows("select * from public.of_the_day order by 1")
        assert len(rows) == 24
        tuner.observed("select note from public.of_the_day where id > 0", times=60)
        tuner.set(**{"mode.query_rewrite": "auto", "mode.index_creation": "off"})
        tuner.tune("optimization_level => 'aggressive'")
        found = {
            row[0]: row
            for row in tuner.rows(
                "select object_name, object_kind, safety, reason from _wedding_dbopt.recommendation where kind = 'query_rewrite'"
            )
        }
        assert set(found) == {"of_the_day", "public.of_that_day(text)", "own"}, found
        assert "date_of_timestamp_to_range" in found["of_the_day"][3]
        assert "public.me()" in found["own"][3]
        fired = tuner.rows("select name, fired from wedding_dbopt.rewrite_rules() where fired > 0")
        assert fired == [("date_of_timestamp_to_range", 2)]
        tuner.process()
        after = tuner.value(DEFINITIONS)
        assert ">=" in after[0], after
        assert after[1] == "security_invoker=true"
        assert ">=" in after[2], after
        assert "SELECT public.me()" in after[3] or "SELECT me()" in after[3], after
        assert tuner.rows("select * from public.of_the_day order by 1") == rows
        for action, _ in tuner.actions():
            tuner.run("select wedding_dbopt.rollback_action(%s)", action)
        tuner.process()
        assert tuner.value(DEFINITIONS) == before
        assert {state for _, state in tuner.actions()} == {"rolled_back"}
    finally:
        platform.run("drop owned by builder cascade")
        platform.run("drop role builder")
