create or replace function _wedding_dbopt.html_escape(value text) returns text
language sql immutable parallel safe security invoker
return replace(replace(replace(replace(replace(value, '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), '''', '&#39;');
comment on function _wedding_dbopt.html_escape(text) is
  'A text for an HTML element or a quoted attribute; the only way values reach the report.';
