-- The public schema wedding_dbopt is made by CREATE EXTENSION (control file); this one holds tables and helpers.
create schema _wedding_dbopt;
comment on schema _wedding_dbopt is 'Tables and internal functions of the extension wedding_dbopt; call the functions of schema wedding_dbopt instead.';
