-- The last file: whatever the stages made, PUBLIC has no part in it. grant_access() gives rights by level.
revoke all on schema wedding_dbopt, _wedding_dbopt from public;
revoke all on all tables in schema wedding_dbopt, _wedding_dbopt from public;
revoke all on all sequences in schema wedding_dbopt, _wedding_dbopt from public;
revoke all on all routines in schema wedding_dbopt, _wedding_dbopt from public;
