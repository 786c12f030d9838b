create or replace function _wedding_dbopt.other_disks(home text, names text[], paths text[])
returns table (name text, total bigint, free bigint)
language plpython3u volatile security invoker
set search_path = pg_catalog, pg_temp as $$
import os
at_home = os.stat(home).st_dev
disks = {}
for name, path in zip(names, paths):
    try:
        device, space = os.stat(path).st_dev, os.statvfs(path)
    except OSError:  # the server itself complains of a folder that is gone; the other disks are looked at
        continue
    if device != at_home and space.f_blocks:
        disks.setdefault(device, ([], space))[0].append(name)
return [(", ".join(held), space.f_frsize * space.f_blocks, space.f_frsize * space.f_bavail) for held, space in disks.values()]
$$;
comment on function _wedding_dbopt.other_disks(text, text[], text[]) is
  'Size and free space in bytes of each file system, other than that of home, that holds one of the paths; its name is what lies on it.';
