"""Run pgspot over the built script. Functions with a standard body are left out: their names are bound when the script
runs, under its pinned search_path, and pgspot cannot read them."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

#: Procedures that commit cannot carry SET; every name in them is qualified.
COMMITTING = (
    "wedding_dbopt.collect_hour(at timestamptz)",
    "wedding_dbopt.collect_minute(at timestamptz)",
    "wedding_dbopt.collect_minutes(minutes integer,at timestamptz)",
    "wedding_dbopt.tick(at timestamptz)",
    "wedding_dbopt.maintain(at timestamptz)",
    "wedding_dbopt.process_actions(at timestamptz)",
    "_wedding_dbopt.process_queued_runs(at timestamptz)",
    "wedding_dbopt.run_tuning(aggressive_mode boolean,wedding_season_mode boolean,"
    "optimization_level text,dry_run boolean,at timestamptz)",
)
STANDARD_BODY = re.compile(r"^(begin atomic|return )", re.MULTILINE)


def main() -> int:
    pieces = re.split(r"^(?=-- sql/)", Path(sys.argv[1]).read_text(), flags=re.MULTILINE)
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write("".join(piece for piece in pieces if not STANDARD_BODY.search(piece)))
        script.flush()
        found = subprocess.run(
            [
                "build/tools/lint/bin/pgspot",
                *("--ignore", "PS002", "--ignore-lang", "plpython3u"),
                *[word for name in COMMITTING for word in ("--proc-without-search-path", name)],
                script.name,
            ],
            check=False,
            capture_output=True,
            text=True,
        )
    if found.returncode:
        print(found.stdout, found.stderr, sep="")
    return found.returncode


if __name__ == "__main__":
    sys.exit(main())
