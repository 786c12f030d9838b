create or replace function _wedding_dbopt.disk_space(path text, out total bigint, out free bigint)
language plpython3u volatile security invoker
set search_path = pg_catalog, pg_temp as $$
import os
space = os.statvfs(path)
return space.f_frsize * space.f_blocks, space.f_frsize * space.f_bavail
$$;
comment on function _wedding_dbopt.disk_space(text) is 'Size and free space in bytes of the file system that holds a path of the server.';
