create table _wedding_dbopt.rule_use (
  at    timestamptz not null,
  rule  text not null,
  gain  float8 not null,
  basis text not null
);
comment on table _wedding_dbopt.rule_use is
  'Each time a rewrite rule took part in a form that was offered: when, which share of the cost the whole form saves, and by which figure. Rows are only added, so that no analysis waits for another.';
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.rule_use', '');
