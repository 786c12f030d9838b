"""The Python half of the PostgreSQL extension wedding_dbopt: parsing, planning, searching, judging.

Nothing heavy is imported here; sqlglot and psycopg load when they are first needed.
"""

__version__ = "0.1.0"
