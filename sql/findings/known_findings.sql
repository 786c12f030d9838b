-- One cause is one finding: of those that share a cause, the kind that finding_kinds() names first stands for all, and
-- the remedies of the others follow its own. Mutes come first, so that a muted symptom stays muted whoever leads.
create or replace function _wedding_dbopt.known_findings(at timestamptz)
returns table (key text, kind text, severity text, object text, relid oid, statements integer[], reason text, evidence jsonb,
  remedy text, symptoms text[], muted boolean)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  with found as (
    select item.kind || ':' || item.object as key, item.*, known.place, mute.key is not null as muted,
           array_position(array['info', 'warning', 'critical'], item.severity) as level
    from _wedding_dbopt.run_checks(known_findings.at) as item
    join wedding_dbopt.finding_kinds() with ordinality as known (kind, check_name, title, action_type, auto, everywhere, place)
      on known.kind = item.kind
    left join lateral (
      select mute.key from _wedding_dbopt.finding_mute as mute
      where mute.key in (item.kind, item.kind || ':' || item.object)
        and (mute.muted_until is null or mute.muted_until > known_findings.at)
      limit 1) as mute on true
  ), grouped as (
    select found.*, coalesce(found.cause, found.key) as one_cause,
           row_number() over part as rank, max(found.level) over whole as worst
    from found
    window whole as (partition by coalesce(found.cause, found.key), found.muted),
           part as (partition by coalesce(found.cause, found.key), found.muted order by found.place, found.object)
  ), others as (
    select grouped.one_cause, grouped.muted, array_agg(grouped.key order by grouped.rank) as keys,
           string_agg(grouped.reason, ' ' order by grouped.rank) as reasons,
           array_agg(grouped.remedy order by grouped.rank) filter (where grouped.remedy is not null) as remedies,
           array_agg(grouped.relid) filter (where grouped.relid is not null) as relids
    from grouped where grouped.rank > 1 group by grouped.one_cause, grouped.muted
  )
  select grouped.key, grouped.kind, (array['info', 'warning', 'critical'])[grouped.worst], grouped.object,
         coalesce(grouped.relid, others.relids[1]), grouped.statements, concat_ws(' ', grouped.reason, others.reasons), grouped.evidence,
         (select string_agg(part.text, E';\n' order by part.place)
          from (select line.text, min(line.place) as place
                from unnest(grouped.remedy || others.remedies) with ordinality as line (text, place)
                where line.text is not null group by line.text) as part),
         coalesce(others.keys, '{}'), grouped.muted
  from grouped left join others on others.one_cause = grouped.one_cause and others.muted = grouped.muted
  where grouped.rank = 1
$$;
comment on function _wedding_dbopt.known_findings(timestamptz) is
  'What the checks find, one row per cause: symptoms are the keys of the other findings of the same cause.';
