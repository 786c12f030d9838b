-- Both belong to the extension, so that DROP EXTENSION removes them; a schema named in the control file would stay.
create schema wedding_dbopt;
comment on schema wedding_dbopt is 'What people and PostgREST call: functions of the extension wedding_dbopt.';
create schema _wedding_dbopt;
comment on schema _wedding_dbopt is 'Tables and internal functions of the extension wedding_dbopt; call the functions of schema wedding_dbopt instead.';
