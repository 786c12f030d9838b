-- Some clients put a process number or a user into their name: that would make every session a group of its own.
create or replace function _wedding_dbopt.session_label(application_name text) returns text
language sql immutable parallel safe security invoker
return case when application_name ~ '@|[0-9]{4}'
            then regexp_replace(regexp_replace(application_name, '[^[:space:]]*@[^[:space:]]*', '#', 'g'), '[0-9]{4,}', '#', 'g')
            else application_name end;
comment on function _wedding_dbopt.session_label(text) is
  'Name of an application without addresses and long numbers, which tell single users and processes apart.';
