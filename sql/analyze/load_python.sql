-- SECURITY DEFINER, because ordinary roles may not call pg_config(); it takes no argument and runs no SQL of others.
create or replace function _wedding_dbopt.load_python() returns void
language plpython3u volatile parallel unsafe security definer set search_path = pg_catalog, pg_temp as $$
import sys

row = plpy.execute("""
  select (select setting from pg_catalog.pg_config() where name = 'PKGLIBDIR') as folder,
         (select extversion from pg_catalog.pg_extension where extname = 'wedding_dbopt') as version
""")[0]
folder = f"{row['folder']}/wedding_dbopt/{row['version']}"
if folder not in sys.path:
    sys.path.insert(0, folder)
try:
    import wedding_dbopt
except ImportError:
    plpy.error(f"The Python package of wedding_dbopt {row['version']} is not installed",
               detail=f"Looked for it in {folder}.", hint="Run make install on the server.", sqlstate="WD010")
if wedding_dbopt.__version__ != row["version"]:
    plpy.error(f"This session runs wedding_dbopt {wedding_dbopt.__version__}, the database has {row['version']}",
               hint="Start a new session.", sqlstate="WD011")
from wedding_dbopt import api
GD["wedding_dbopt"] = api
$$;
comment on function _wedding_dbopt.load_python() is 'Loads the Python package that belongs to the installed version into the session.';
