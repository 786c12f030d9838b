-- Where pg_cron starts the collecting job each ten minutes: when its session dies, the passes until then are the tick's.
create or replace function _wedding_dbopt.pass_missed(at timestamptz) returns boolean
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp as $$
declare
  scheduled boolean;
begin
  if exists (select from _wedding_dbopt.collect_log l where l.source = 'pass' and l.at > pass_missed.at - interval '90 seconds')
     or to_regclass('cron.job') is null then
    return false;
  end if;
  execute $sql$select exists (select from cron.job where active and jobname = 'wedding_dbopt collect' and database = current_database())$sql$ into scheduled;
  return scheduled;
end $$;
comment on function _wedding_dbopt.pass_missed(timestamptz) is 'Whether collection is scheduled, but nothing was collected for a minute and a half.';
