"""One action of each type and scope, as the tests of the state machine need them: what it is about, and the whole catalogue.

Each is planted on the table booking of `Tuner.table`. A type that is added gets its line here, and is then done, undone
and interrupted between any two writes like the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.system.tuner import Tuner

#: All that an action may change, as text: the same before it and after its undoing.
CATALOGUE = """
select string_agg(x, e'\\n' order by x) from (
  select concat_ws(' ', pg_get_indexdef(i.indexrelid), i.indisvalid, obj_description(i.indexrelid, 'pg_class'),
                   (select string_agg(a.attstattarget::text, ',') from pg_attribute a where a.attrelid = i.indexrelid))
  from pg_index i join pg_class c on c.oid = i.indrelid where c.relnamespace = 'public'::regnamespace
  union all
  select concat_ws(' ', c.relname, c.relkind, c.reloptions, t.reloptions, obj_description(c.oid, 'pg_class'),
                   (select string_agg(concat(a.attname, a.attstattarget, a.attoptions), ',') from pg_attribute a
                    where a.attrelid = c.oid and a.attnum > 0),
                   case c.relkind when 'v' then pg_get_viewdef(c.oid) end)
  from pg_class c left join pg_class t on t.oid = c.reltoastrelid
  where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'm', 'v')
  union all select pg_get_statisticsobjdef(s.oid) from pg_statistic_ext s
  union all select pg_get_functiondef(p.oid) from pg_proc p
            where p.pronamespace = 'public'::regnamespace and p.prokind = 'f'
              and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
  union all select concat_ws(' ', p.polname, pg_get_expr(p.polqual, p.polrelid)) from pg_policy p
  union all select concat_ws(' ', s.setrole, s.setdatabase, s.setconfig) from pg_db_role_setting s
  union all select concat_ws(' ', r.rolname, r.rolconnlimit) from pg_roles r
  union all select concat_ws(' ', d.datname, d.datconnlimit) from pg_database d where d.datname = current_database()
  union all select concat_ws(' ', f.name, f.setting) from pg_file_settings f where f.sourcefile like '%auto.conf'
) catalogue (x)
"""


@dataclass(frozen=True)
class Case:
    """`setup` is run once before; {role} and {database} are put in everywhere. `undone`: whether there is an undo."""

    name: str
    kind: str
    object_kind: str
    setup: tuple[str, ...] = ()
    table: str = "booking"
    target: str | None = None
    sql: tuple[str, ...] = ()
    rollback_sql: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    undone: bool = True
    #: A question whose answer is true while the deed is in place.
    done: str = "select true"

    def enqueue(self, tuner: Tuner, role: str, state: str = "approved") -> int:
        """The action as a run would enqueue it."""

        def filled(text: str) -> str:
            return _filled(text, tuner, role)

        return tuner.deed(
            self.kind,
            object_kind=self.object_kind,
            schema="public",
            table=self.table,
            name=None if self.target is None else filled(self.target),
            sql=self.sql,
            rollback_sql=self.rollback_sql,
            details={
                name: filled(value) if isinstance(value, str) else value
                for name, value in self.details.items()
            },
            state=state,
        )

    def prepare(self, tuner: Tuner, role: str) -> None:
        for statement in self.setup:
            tuner.run(_filled(statement, tuner, role))

    def is_done(self, tuner: Tuner, role: str) -> bool:
        return bool(tuner.value(_filled(self.done, tuner, role)))


def _filled(text: str, tuner: Tuner, role: str) -> str:
    return text.replace("{role}", role).replace("{database}", tuner.database)


_MEMORY = {"parameter": "work_mem", "value": "33MB"}
CASES = (
    Case(
        "index_creation",
        "index_creation",
        "index",
        target="made",
        sql=("CREATE INDEX CONCURRENTLY made ON public.booking (vendor)",),
        rollback_sql=("DROP INDEX CONCURRENTLY IF EXISTS public.made",),
        done="select indisvalid from pg_index where indexrelid = 'public.made'::regclass",
    ),
    Case(
        "index of a partitioned table",
        "index_creation",
        "index",
        setup=(
            "create table parted (id integer, day date, vendor integer) partition by range (day)",
            "create table parted_old partition of parted for values from ('2020-01-01') to ('2021-01-01')",
            "create table parted_now partition of parted for values from ('2021-01-01') to (maxvalue) "
            "partition by list (vendor)",
            "create table parted_one partition of parted_now for values in (1)",
            "create table parted_rest partition of parted_now default",
        ),
        table="parted",
        target="parted_vendor",
        sql=(
            "CREATE INDEX CONCURRENTLY parted_vendor ON public.parted USING btree (vendor) WHERE (vendor > 0)",
        ),
        done="select bool_and(indisvalid) and count(*) = 5 from pg_index where indrelid in "
        "(select relid from pg_partition_tree('parted'))",
    ),
    Case(
        "index_drop",
        "index_drop",
        "index",
        setup=(
            "create index old on booking (amount) with (fillfactor = 80) where amount > 5",
            "comment on index old is 'it''s theirs'",
        ),
        target="old",
        done="select not indisvalid from pg_index where indexrelid = 'public.old'::regclass",
    ),
    Case(
        "index_renewal",
        "index_renewal",
        "index",
        setup=(
            "create index dated_old on booking (vendor) where amount >= 100",
            "comment on index dated_old is 'Made by wedding_dbopt, action 0'",
        ),
        target="dated_new",
        sql=(
            "CREATE INDEX CONCURRENTLY dated_new ON public.booking USING btree (vendor) WHERE amount >= 200",
        ),
        details={"old": "dated_old"},
        done="select bool_and(indisvalid = (indexrelid = 'public.dated_new'::regclass)) from pg_index "
        "where indexrelid::regclass::text like 'dated%'",
    ),
    Case(
        "reindex",
        "reindex",
        "index",
        setup=("create index worn on booking (note)",),
        target="worn",
        sql=("REINDEX INDEX CONCURRENTLY public.worn",),
        undone=False,
    ),
    Case("analyze", "statistics", "table", sql=("ANALYZE public.booking",), undone=False),
    Case(
        "number of values",
        "statistics",
        "column",
        setup=("alter table booking alter column vendor set (n_distinct_inherited = 7)",),
        target="vendor",
        details={"parameter": "n_distinct", "column": "vendor", "n_distinct": "-0.05"},
        done="select 'n_distinct=-0.05' = any (attoptions) from pg_attribute "
        "where attrelid = 'booking'::regclass and attname = 'vendor'",
    ),
    Case(
        "column target",
        "statistics",
        "column",
        target="vendor",
        details={"column": "vendor", "target": 500},
        done="select attstattarget = 500 from pg_attribute where attrelid = 'booking'::regclass and attname = 'vendor'",
    ),
    Case(
        "extended statistics",
        "statistics",
        "statistics",
        target="together",
        sql=("CREATE STATISTICS IF NOT EXISTS public.together ON vendor, amount FROM public.booking",),
        done="select count(*) = 1 from pg_statistic_ext where stxname = 'together'",
    ),
    Case("vacuum", "vacuum", "table", sql=("VACUUM (TRUNCATE OFF) public.booking",), undone=False),
    Case(
        "table_setting",
        "table_setting",
        "table",
        setup=("alter table booking set (fillfactor = 95, toast.autovacuum_enabled = on)",),
        target="booking",
        details={"options": {"fillfactor": "80", "autovacuum_vacuum_scale_factor": "0.01"}},
        done="select reloptions::text like '%fillfactor=80%' from pg_class where oid = 'booking'::regclass",
    ),
    Case(
        "parameter of a role",
        "parameter_adjustment",
        "role",
        setup=(
            "alter role {role} set jit = off",
            "alter role {role} set work_mem = '5MB'",
        ),
        target="{role}",
        details=_MEMORY,
        done="select 'work_mem=33MB' = any (setconfig) from pg_db_role_setting "
        "where setrole = '{role}'::regrole and setdatabase = 0",
    ),
    Case(
        "parameter of a role in the database",
        "parameter_adjustment",
        "role",
        target="{role}",
        details={**_MEMORY, "database": "{database}"},
        done="select 'work_mem=33MB' = any (setconfig) from pg_db_role_setting "
        "where setrole = '{role}'::regrole and setdatabase > 0",
    ),
    Case(
        "parameter of the database",
        "parameter_adjustment",
        "database",
        target="{database}",
        details=_MEMORY,
        done="select 'work_mem=33MB' = any (setconfig) from pg_db_role_setting where setrole = 0 and setdatabase > 0",
    ),
    Case(
        "parameter of a function",
        "parameter_adjustment",
        "function",
        setup=("create function public.search() returns integer language sql set jit = off as 'select 1'",),
        target="public.search()",
        details=_MEMORY,
        done="select 'work_mem=33MB' = any (proconfig) from pg_proc where proname = 'search'",
    ),
    Case(
        "parameter of the server",
        "parameter_adjustment",
        "system",
        target="work_mem",
        details=_MEMORY,
        done="select setting = '33MB' from pg_file_settings where name = 'work_mem' and sourcefile like '%auto.conf'",
    ),
    Case(
        "materialized view",
        "cache_optimization",
        "materialized view",
        target="totals",
        sql=(
            "CREATE MATERIALIZED VIEW IF NOT EXISTS public.totals AS SELECT vendor, sum(amount) FROM public.booking GROUP BY 1",
            "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS totals_key ON public.totals (vendor)",
        ),
        details={"index": "totals_key"},
        done="select indisvalid from pg_index where indexrelid = 'public.totals_key'::regclass",
    ),
    Case(
        "reading into the cache",
        "cache_optimization",
        "database",
        sql=("SELECT count(*) FROM public.booking",),
        undone=False,
    ),
    Case(
        "view",
        "query_rewrite",
        "view",
        setup=(
            "create view shown with (security_barrier = on) as select * from booking where amount + 0 > 5",
        ),
        target="shown",
        sql=(
            "CREATE OR REPLACE VIEW public.shown WITH (security_barrier = on) AS SELECT * FROM public.booking WHERE amount > 5",
        ),
        done="select pg_get_viewdef('shown'::regclass) not like '%+ 0%'",
    ),
    Case(
        "function",
        "query_rewrite",
        "function",
        setup=(
            "create function public.slow() returns bigint language sql stable set jit = off "
            "as 'select count(*) from public.booking where amount + 0 > 5'",
        ),
        target="public.slow()",
        sql=(
            "CREATE OR REPLACE FUNCTION public.slow() RETURNS bigint LANGUAGE sql STABLE SET jit = off "
            "AS 'select count(*) from public.booking where amount > 5'",
        ),
        done="select prosrc not like '%+ 0%' from pg_proc where proname = 'slow'",
    ),
    Case(
        "policy",
        "query_rewrite",
        "policy",
        setup=("create policy own on booking for select using (amount + 0 > 5)",),
        target="own",
        sql=("ALTER POLICY own ON public.booking USING (amount > 5)",),
        done="select pg_get_expr(polqual, polrelid) not like '%+ 0%' from pg_policy where polname = 'own'",
    ),
    Case(
        "limit of a role",
        "connection_scaling",
        "role",
        target="{role}",
        details={"limit": 7},
        done="select rolconnlimit = 7 from pg_roles where rolname = '{role}'",
    ),
    Case(
        "limit of the database",
        "connection_scaling",
        "database",
        target="{database}",
        details={"limit": 77},
        done="select datconnlimit = 77 from pg_database where datname = '{database}'",
    ),
)
