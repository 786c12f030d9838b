create or replace function _wedding_dbopt.print_plan(run_id bigint) returns void
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
declare
  plan record;
  number integer := 0;
begin
  for plan in
    select p.place, p.phase, p.state, r.kind, r.reason, r.sql, r.final_sql, r.rollback_sql, r.locks
    from _wedding_dbopt.tuning_run run
    cross join lateral _wedding_dbopt.planned_actions(run.level, run.season_mode, run.id) p
    join _wedding_dbopt.recommendation r on r.id = p.recommendation_id
    where run.id = print_plan.run_id
    order by p.place
  loop
    number := number + 1;
    raise notice '%', concat_ws(E'\n',
      format('%s. %s (%s), %s', plan.place, plan.kind, plan.phase,
             case plan.state when 'approved' then 'would be applied' else 'would wait for approve()' end),
      plan.reason, array_to_string(plan.sql, E';\n') || ';',
      'when judged good: ' || nullif(array_to_string(plan.final_sql, E';\n'), '') || ';',
      'undo: ' || coalesce(nullif(array_to_string(plan.rollback_sql, E';\n'), '') || ';', 'nothing to undo'),
      'locks: ' || plan.locks);
  end loop;
  if number = 0 then
    raise notice 'Nothing new would be done. Proposed, approved or under judgement already: % (see get_actions()).',
      (select count(*) from _wedding_dbopt.action as deed where deed.state in ('proposed', 'approved', 'applying', 'verifying'));
  end if;
end $$;
comment on function _wedding_dbopt.print_plan(bigint) is
  'Prints, as notices, what a run would do, in order: the statements, their undo and their locks.';
