begin;
select plan(12);
create temporary table run as
  with made as (
    insert into _wedding_dbopt.tuning_run (trigger, requested_by, requested_at, level, season_mode)
    select 'rpc', 'tap', '2001-06-01Z', 'moderate', false from generate_series(1, 2) returning id)
  select min(id) as mine, max(id) as theirs from made;
create function pg_temp.deed(name text, run bigint, state text, relation text, kind text default 'index_creation', bytes bigint default 1000, wal bigint default 0, worked float8 default 0)
returns bigint language sql as $$
  insert into _wedding_dbopt.action (run_id, action_type, state, schema_name, table_name, object_name, description, sql, rollback_sql, locks,
    wedding_context, criticality, estimated_bytes, measured_wal, worked_ms, created_at, started_at)
  values (run, kind, state, 'public', relation, name, 'tap', '{}', '{}', 'none', 'booking', 'critical', bytes, wal, worked, now(),
          case when state not in ('approved', 'proposed') then now() end)
  returning id
$$;
select pg_temp.deed('subject', mine, 'approved', 'tap') as subject from run \gset
select is(_wedding_dbopt.obstacle(:subject), null, 'nothing is in the way');
select pg_temp.deed('sister', mine, 'verifying', 'tap') from run;
select is(_wedding_dbopt.obstacle(:subject), null, 'indexes of one run on one table are one design');
select pg_temp.deed('neighbour', theirs, 'verifying', 'tap') as neighbour from run \gset
select is(_wedding_dbopt.obstacle(:subject), format('action %s (index_creation) on the same object is not judged yet', :neighbour), 'T18: another run''s action on the table is judged first');
update _wedding_dbopt.action set state = 'kept' where id = :neighbour;
select is(_wedding_dbopt.obstacle(:subject), null, 'then this one may begin');
select pg_temp.deed('hidden', theirs, 'verifying', 'tap', 'index_drop') as hidden from run \gset
update _wedding_dbopt.action set final_sql = '{DROP}', verdict = 'undecided: 3 of 50 calls' where id = :hidden;
select is(_wedding_dbopt.obstacle(:subject), format('action %s (index_drop) on the same object is not judged yet', :hidden), 'a hidden index that somebody may miss comes first');
update _wedding_dbopt.action set verdict = 'kept: nobody missed it' where id = :hidden;
select is(_wedding_dbopt.obstacle(:subject), null, 'one that was missed by nobody and only waits for its drop keeps nobody waiting');
update _wedding_dbopt.action set state = 'verifying' where id = :subject;
select is(_wedding_dbopt.unjudged_neighbour(:hidden), format('action %s (index_creation) on the same object is not judged yet', :subject), 'and its drop waits for what began behind it');
update _wedding_dbopt.action set state = 'approved' where id = :subject;
delete from _wedding_dbopt.action where id = :hidden;
select wedding_dbopt.set_setting('daily_actions', '2');
select matches(_wedding_dbopt.obstacle(:subject), '^2 actions were begun within 24 hours', 'T18: actions of a day');
select wedding_dbopt.set_setting('daily_actions', '50');
update _wedding_dbopt.action set worked_ms = 8e6 where id = :neighbour;
select matches(_wedding_dbopt.obstacle(:subject), '^actions worked for 8000 s', 'T18: seconds of a day');
update _wedding_dbopt.action set worked_ms = 0, measured_wal = 2e9 where id = :neighbour;
select matches(_wedding_dbopt.obstacle(:subject), '^actions wrote 1907 MB of WAL', 'T18: WAL of a day');
update _wedding_dbopt.action set measured_wal = 0, measured_bytes = 6e8 where id = :neighbour;
select matches(_wedding_dbopt.obstacle(:subject), '^actions took 572 MB of disk', 'T18: disk of a day');
update _wedding_dbopt.action set started_at = now() - interval '25 hours' where id = :neighbour;
select is(_wedding_dbopt.obstacle(:subject), null, 'yesterday does not count');
select * from finish();
rollback;
