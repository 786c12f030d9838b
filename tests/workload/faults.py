"""One fault at a time for the sound platform: what findings() must find, and what its remedy must mend."""

from __future__ import annotations

from dataclasses import dataclass, field

#: Rows that make a statement known to the history: its share of the last hour, in one sample a minute ago.
_STATEMENT = """
insert into _wedding_dbopt.statement
  (queryid, dbid, userid, toplevel, first_seen, kind, tables, context, criticality, classified_at)
select {queryid}, d.oid, {user}, true, now() - interval '30 days', 'select', array['public.{table}'], '{context}', 'high', now()
from pg_database d where d.datname = current_database();
insert into _wedding_dbopt.statement_sample
  (at, previous_at, complete, ids, calls, exec_us, exec_sq, rows, hit, read, temp_written)
select clock_timestamp() - interval '1 minute', clock_timestamp() - interval '2 minutes', true, array[id],
       '{{{calls}}}', '{{{us}}}', '{{{sq}}}', '{{{rows}}}', '{{{hit}}}', '{{0}}', '{{{temp}}}'
from _wedding_dbopt.statement where queryid = {queryid};
"""


def _statement(queryid: int, context: str, calls: int, ms: float, **more: object) -> str:
    figures = {"user": 999999, "table": "bookings", "rows": calls, "hit": 10 * calls, "temp": 0, **more}
    return _STATEMENT.format(
        queryid=queryid,
        context=context,
        calls=calls,
        us=round(1000 * ms * calls),
        sq=ms * ms * calls,
        **figures,
    )


@dataclass(frozen=True)
class Fault:
    """`plant` makes it in a database of the sound platform; `sessions` are left open, each after its statements.

    `mends` tells whether the remedy is SQL that makes the finding disappear at once; what needs a person, a restart or
    the tuner's next run does not. `undo` takes away what outlives the database and no remedy mends.
    """

    key: str
    plant: str = ""
    sessions: tuple[tuple[str, ...], ...] = field(default=())
    mends: bool = True
    undo: str = ""

    @property
    def kind(self) -> str:
        return self.key.split(":", 1)[0]


FAULTS = (
    # ---- definitions
    Fault("no_primary_key:public.notes", "create table notes (body text not null)"),
    Fault(
        "no_primary_key:public.codes",
        "create table codes (code text not null); create unique index codes_once on codes (code)",
    ),
    Fault(
        "integer_overflow:public.tickets.id",
        """create table tickets (id integer generated always as identity primary key);
           select setval('tickets_id_seq', 2000000000)""",
    ),
    Fault(
        "sequence_exhaustion:public.invoice_numbers",
        "create sequence invoice_numbers maxvalue 1000; select setval('invoice_numbers', 950)",
    ),
    Fault(
        "unvalidated_constraint:public.guests.guest_is_named",
        "alter table guests add constraint guest_is_named check (full_name <> '') not valid",
    ),
    Fault("unindexed_foreign_key:public.guests.wedding_id", "drop index guests_wedding_id_idx"),
    Fault(
        "unindexed_foreign_key:public.visits.guest_id",
        """create table visits (id bigint generated always as identity, guest_id bigint references guests, at date,
             primary key (id, at)) partition by range (at);
           create table visits_old partition of visits for values from ('2000-01-01') to ('2020-01-01');
           create table visits_new partition of visits for values from ('2020-01-01') to ('2040-01-01')""",
    ),
    Fault(
        "foreign_key_type_mismatch:public.receipts.payment_id",
        """create table receipts (id bigint primary key, payment_id integer references payments);
           create index on receipts (payment_id)""",
    ),
    Fault(
        "timestamp_without_time_zone:public.rehearsals",
        'create table rehearsals (id bigint primary key, starts_at timestamp, "ends At" timestamp)',
    ),
    Fault("money_type:public.gifts", "create table gifts (id bigint primary key, worth money)"),
    Fault("padded_text:public.halls", "create table halls (id bigint primary key, name char(40))"),
    Fault(
        "serial_column:public.songs.id",
        "create table songs (id serial primary key); insert into songs default values",
    ),
    Fault("type_without_upgrade:public.hooks", "create table hooks (id bigint primary key, handler regproc)"),
    # ---- indexes
    Fault(
        "invalid_index:public.payments_booking_id_idx",
        "update pg_index set indisvalid = false where indexrelid = 'payments_booking_id_idx'::regclass",
    ),
    Fault('redundant_index:public."Again"', 'create index "Again" on weddings (user_id)'),
    Fault("redundant_index:public.bookings_short", "create index bookings_short on bookings (wedding_id)"),
    Fault(
        "unused_index:public.letters_body",
        """create table letters (id bigint generated always as identity primary key, body text not null);
           insert into letters (body) select md5(g::text) from generate_series(1, 40000) g;
           create index letters_body on letters (body);
\\c
vacuum analyze letters;
           insert into _wedding_dbopt.index_use values ('public.letters_body', 0, now() - interval '1 year')""",
    ),
    Fault(
        "partition_without_index:public.audit_log_what",
        "create index audit_log_what on only audit_log (what)",
    ),
    Fault(
        "partition_indexes_apart:public.audit_log",
        """do $$declare part regclass; begin
           for part in select inhrelid::regclass from pg_inherits where inhparent = 'audit_log'::regclass loop
             execute format('create index on %s (what)', part); end loop; end$$""",
    ),
    # ---- partitions
    Fault(
        "no_future_partition:public.clicks",
        """create table clicks (at timestamptz primary key) partition by range (at);
           do $$begin execute format('create table clicks_now partition of clicks for values from (%L) to (%L)',
             date_trunc('day', now()), date_trunc('day', now()) + interval '1 day'); end$$""",
    ),
    Fault(
        "default_partition_filled:public.views_rest",
        """create table views (id bigint primary key) partition by list (id);
           create table views_rest partition of views default; insert into views values (1); analyze views""",
        mends=False,
    ),
    # ---- vacuum and statistics
    Fault(
        "autovacuum_off_for_table:public.vendors",
        "alter table vendors set (autovacuum_enabled = false)",
    ),
    Fault(
        "dead_rows:public.hotels",
        """create table hotels (id bigint primary key, name text);
           insert into hotels select g, 'Hotel' from generate_series(1, 40000) g;
\\c
vacuum analyze hotels;
           delete from hotels where id % 2 = 0""",
    ),
    Fault(
        "bloated_table:public.drafts",
        """create table drafts (id bigint primary key, body text);
           insert into drafts select g, repeat(md5(g::text), 4) from generate_series(1, 150000) g;
           delete from drafts where id % 20 > 0;
\\c
vacuum analyze drafts""",
    ),
    Fault(
        "bloated_index:public.tokens_token",
        """create table tokens (id bigint generated always as identity primary key, token text, body text);
           create index tokens_token on tokens (token) where token is not null;
           insert into tokens (token) select repeat(md5(g::text), 3) from generate_series(1, 200000) g;
           delete from tokens where id % 20 > 0;
\\c
vacuum tokens; insert into tokens (body) select repeat('x', 96) from generate_series(1, 190000) g;
\\c
vacuum analyze tokens""",
    ),
    Fault(
        "never_analyzed:public.imports",
        """create table imports (id bigint primary key);
           insert into imports select generate_series(1, 20000)""",
    ),
    Fault(
        "stale_statistics:public.answers",
        """create table answers (id bigint primary key); insert into answers select generate_series(1, 1000);
\\c
vacuum analyze answers; insert into answers select generate_series(1001, 40000)""",
    ),
    Fault(
        "lowered_statistics_target:public.guests.rsvp",
        "alter table guests alter rsvp set statistics 0; analyze guests",
    ),
    Fault(
        "few_hot_updates:public.seats",
        """create table seats (id bigint primary key, guest text);
           insert into seats select g, 'nobody' from generate_series(1, 20000) g;
           update seats set guest = 'somebody';
\\c
vacuum analyze seats""",
    ),
    Fault(
        "transaction_id_age:{database}",
        "update pg_database set datfrozenxid = '2500000000' where datname = current_database()",
    ),
    # ---- sessions
    Fault(
        "idle_in_transaction",
        sessions=(("begin", "insert into users (email, full_name) values ('idle@example.org', 'Idle')"),),
    ),
    Fault("long_transaction", sessions=(("select pg_sleep(600)",),)),
    Fault(
        "lock_waits",
        sessions=(
            ("begin", "update weddings set budget = 1 where id = (select min(id::text)::uuid from weddings)"),
            ("update weddings set budget = 2 where id = (select min(id::text)::uuid from weddings)",),
        ),
    ),
    Fault(
        "prepared_transaction:o'brien",
        "begin; select pg_current_xact_id(); prepare transaction 'o''brien'",
    ),
    Fault(
        "lock_pile_up:locks",
        """insert into _wedding_dbopt.lock_sample (at, waiting, longest_wait_s)
           values (clock_timestamp() - interval '5 minutes', 12, 31.5)""",
        mends=False,
    ),
    # ---- the public API
    Fault("policy_without_row_security:public.payments", "alter table payments disable row level security"),
    Fault(
        "api_table_without_row_security:public.contacts",
        "create table contacts (id bigint primary key, phone text); grant select on contacts to anon",
    ),
    Fault(
        "row_security_without_policy:public.secrets",
        """create table secrets (id bigint primary key); alter table secrets enable row level security;
           grant select on secrets to authenticated""",
        mends=False,
    ),
    Fault(
        "definer_view:public.all_users",
        "create view all_users as select id, email from users; grant select on all_users to anon",
    ),
    Fault(
        "materialized_view_in_api:public.totals",
        """create materialized view totals as select wedding_id, sum(amount) from bookings group by 1;
           grant select on totals to authenticated""",
    ),
    Fault(
        "auth_users_exposed:public.logins",
        """create table auth.users (id uuid primary key, email text);
           create view logins as select * from auth.users; grant select on logins to anon""",
    ),
    Fault(
        "policy_function_per_row:public.users.own_user",
        "alter policy own_user on users using (id = auth.uid())",
    ),
    Fault(
        "several_permissive_policies:public.weddings.own_weddings+planned_weddings",
        """create policy planned_weddings on weddings to authenticated using (wedding_date > current_date)""",
    ),
    Fault(
        "policy_always_true:public.guests.anybody",
        "drop policy own_guests on guests; create policy anybody on guests for update to authenticated using (true)",
    ),
    Fault(
        "mutable_search_path:public.wipe()",
        """create function wipe() returns void language sql security definer as 'delete from guests';
           revoke all on function wipe() from public""",
    ),
    Fault(
        "definer_function_for_anybody:public.reset_rsvp()",
        """create function reset_rsvp() returns void language sql security definer set search_path = public, pg_temp
             as $$update guests set rsvp = 'pending'$$""",
    ),
    Fault("extension_in_api:hypopg", "alter extension hypopg set schema public"),
    Fault("api_role_without_timeout:anon", "alter role anon reset statement_timeout"),
    Fault(
        "md5_password:old_app",
        "set password_encryption = md5; create role old_app login password 'x'",
        undo="drop role old_app",
    ),
    # ---- settings
    *(
        Fault(f"{kind}:{name}", f"alter system set {name} = {value}; select pg_reload_conf()")
        for kind, name, value in (
            ("unsafe_setting", "autovacuum", "off"),
            ("unsafe_setting", "full_page_writes", "off"),
            ("unsafe_setting", "synchronous_commit", "off"),
            ("planner_switched_off", "enable_indexscan", "off"),
            ("weak_password_hash", "password_encryption", "md5"),
            ("logs_everything", "log_min_duration_statement", "0"),
            ("low_statistics_default", "default_statistics_target", "10"),
            ("wrong_cache_size", "effective_cache_size", "'15TB'"),
            ("synchronous_standby_missing", "synchronous_standby_names", "'nobody'"),
        )
    ),
    Fault(
        "pending_restart:server",
        "alter system set max_wal_senders = 20; select pg_reload_conf()",
        mends=False,
        undo="alter system set max_wal_senders = 10; select pg_reload_conf()",
    ),
    # ---- replication
    Fault(
        "replication_slot:gone_away",
        """select pg_create_physical_replication_slot('gone_away', true);
           insert into users (email, full_name) values ('wal1@example.org', 'W'); select pg_switch_wal();
           insert into users (email, full_name) values ('wal2@example.org', 'W'); select pg_switch_wal();
           insert into users (email, full_name) values ('wal3@example.org', 'W')""",
    ),
    Fault(
        "unbounded_slot_wal:max_slot_wal_keep_size",
        """select pg_create_physical_replication_slot('waiting');
           alter system reset max_slot_wal_keep_size; select pg_reload_conf()""",
        undo="select pg_drop_replication_slot('waiting')",
    ),
    # ---- the workload; what it shows of a setting counts from the last reload on
    Fault(
        "frequent_checkpoints:max_wal_size",
        """insert into _wedding_dbopt.system_sample (at, checkpoints_requested, wal_bytes)
           values (clock_timestamp(), 40, 100000000000)""",
    ),
    Fault("objective_missed:payment", _statement(101, "payment", 500, 80), mends=False),
    Fault(
        "slow_statement:102",
        _statement(102, "booking", 50, 400) + _statement(103, "booking", 100000, 1),
        mends=False,
    ),
    Fault("spills_to_disk:104", _statement(104, "other", 100, 200, temp=100000)),
    Fault("too_many_rows:105", _statement(105, "guest_management", 100, 50, rows=5000000), mends=False),
    Fault(
        "superuser_application:postgres",
        _statement(106, "guest_management", 90000, 1, user=10),
        mends=False,
    ),
    Fault(
        "regressed_statement:107",
        _statement(107, "vendor_search", 400, 40, hit=4000000)
        + """insert into _wedding_dbopt.statement_hour (hour, chunk, ids, calls, exec_us, exec_sq, hit)
             select date_trunc('hour', now()) - interval '3 days', _wedding_dbopt.chunk_of(id), array[id], '{10000}',
                    '{50000000}', '{300000}', '{100000}'
             from _wedding_dbopt.statement where queryid = 107;
             insert into _wedding_dbopt.rolled_hour select hour, 60, 3600, true from _wedding_dbopt.statement_hour""",
        mends=False,
    ),
    Fault(
        "large_sequential_scans:public.guests",
        """insert into _wedding_dbopt.table_sample (at, previous_at, complete, relids, seq_scan, seq_tup_read)
           values (clock_timestamp(), clock_timestamp() - interval '1 minute', true, array['guests'::regclass::oid],
                   '{500}', '{10000000}')""",
        mends=False,
    ),
    Fault(
        "many_rollbacks:{database}",
        "insert into _wedding_dbopt.system_sample (at, xact_commit, xact_rollback) values (clock_timestamp(), 10000, 5000)",
        mends=False,
    ),
    Fault(
        "connection_churn:{database}",
        """insert into _wedding_dbopt.connection_sample (at, total, total_max, avg_age_s)
           select clock_timestamp() - g * interval '1 minute', 20, 25, 0.4 from generate_series(1, 40) g""",
        mends=False,
    ),
    Fault(
        "deadlocks:{database}",
        "insert into _wedding_dbopt.system_sample (at, deadlocks) values (clock_timestamp(), 12)",
        mends=False,
    ),
    # ---- this extension
    Fault("kill_switch:enabled", "select wedding_dbopt.pause()"),
    Fault(
        "pg_stat_statements_evictions:pg_stat_statements.max",
        """update _wedding_dbopt.statement_sample set dealloc = 0;
           insert into _wedding_dbopt.statement_sample (at, previous_at, complete, dealloc, entries, ids, calls, exec_us, exec_sq)
           values (clock_timestamp(), clock_timestamp() - interval '1 minute', true, 7, 4000, '{}', '{}', '{}', '{}')""",
        mends=False,
    ),
    Fault(
        "disk_space:data directory",
        """insert into _wedding_dbopt.system_sample (at, disk_total, disk_free)
           values (clock_timestamp(), 1000000000000, 20000000000)""",
        mends=False,
    ),
)
