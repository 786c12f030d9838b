create table _wedding_dbopt.readiness (
  id           bigint generated always as identity primary key,
  requested_by text not null,
  requested_at timestamptz not null,
  season       text not null,
  state        text not null default 'queued' check (state in ('queued', 'finished', 'failed')),
  finished_at  timestamptz,
  result       jsonb,
  error_sqlstate text,
  error        text
);
comment on table _wedding_dbopt.readiness is 'Readiness runs of prepare_season(): what would break first under the load of a season, and what was proposed.';
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.readiness', '');
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.readiness_id_seq', '');
