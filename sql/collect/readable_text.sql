-- A database in SQL_ASCII takes any bytes; Python, JSON and whoever reads a report do not.
create or replace function _wedding_dbopt.readable_text(query text) returns text
language plpgsql stable parallel safe security invoker
set search_path = pg_catalog, pg_temp as $$
begin
  if getdatabaseencoding() <> 'SQL_ASCII' then
    return readable_text.query;
  end if;
  return convert_from(convert_to(readable_text.query, 'SQL_ASCII'), 'UTF8');
exception when character_not_in_repertoire or untranslatable_character then
  return (select string_agg(case when get_byte(whole.bytes, place) < 128 then chr(get_byte(whole.bytes, place)) else '?' end, '' order by place)
          from (select convert_to(readable_text.query, 'SQL_ASCII') as bytes) as whole, generate_series(0, length(whole.bytes) - 1) as place);
end $$;
comment on function _wedding_dbopt.readable_text(text) is
  'A text as it is, or with question marks for the bytes beyond ASCII where it is not valid UTF-8.';
