-- What a check returns. Kind and object make the key; findings with the same cause become one.
create type _wedding_dbopt.finding as (
  kind       text,
  severity   text,       -- critical, warning or info
  object     text,       -- what it is about, quoted; stable as long as the fault stays
  relid      oid,        -- the table whose statements pay for it
  statements integer[],  -- or these statements
  cause      text,
  reason     text,       -- plain words, with the numbers
  evidence   jsonb,      -- the numbers alone
  remedy     text        -- complete statements; null where none can help, and the reason says what does
);
comment on type _wedding_dbopt.finding is 'What a check of sql/findings returns; findings() adds key, title, cost and mutes.';

create table _wedding_dbopt.finding_mute (
  key         text primary key,
  reason      text not null,
  muted_by    text not null,
  muted_at    timestamptz not null,
  muted_until timestamptz
);
comment on table _wedding_dbopt.finding_mute is
  'Findings that somebody does not want to see: a key, or a kind for all of it; muted_until null = for good.';
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.finding_mute', '');

create table _wedding_dbopt.finding_seen (
  key        text primary key,
  first_seen timestamptz not null,
  last_seen  timestamptz not null
);
comment on table _wedding_dbopt.finding_seen is 'Since when maintain() sees a finding; a week after the last time it is forgotten.';
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.finding_seen', '');

create unlogged table _wedding_dbopt.check_noted (
  check_name text primary key,
  at         timestamptz not null
);
comment on table _wedding_dbopt.check_noted is 'The checks whose findings a run of maintain() that is under way has noted already; at is the time of that run.';

-- By name, because a restored database has other oids and must not call its indexes unused from its first day on.
create table _wedding_dbopt.index_use (
  name         text primary key,
  scans        bigint not null,
  unused_since timestamptz not null
);
comment on table _wedding_dbopt.index_use is
  'Each index and the time since which maintain() has seen no scan of it, whatever happened to the server''s counters.';
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.index_use', '');
