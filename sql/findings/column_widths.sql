-- SECURITY DEFINER: sizes cannot be estimated without pg_statistic, which only superusers read. Widths and shares of nulls
-- are no values of the user's, and nothing else leaves it.
create or replace function _wedding_dbopt.column_widths() returns table (relid oid, attnum smallint, width float8)
language sql stable parallel safe security definer set search_path = pg_catalog, pg_temp as $$
  select starelid, staattnum, max(stawidth * (1 - stanullfrac)::float8) from pg_statistic group by starelid, staattnum
$$;
comment on function _wedding_dbopt.column_widths() is 'Average bytes of each analysed column per row, nulls counted as none.';
