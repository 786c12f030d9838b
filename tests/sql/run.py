"""Run the pgTAP files of this folder with pg_prove in a throw-away cluster."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.cluster import Cluster

FOLDER = Path(__file__).parent


def main() -> int:
    files = [str(path) for path in sorted(FOLDER.glob("*.sql"))]
    chosen = [path for path in files if not sys.argv[1:] or Path(path).stem in sys.argv[1:]]
    with Cluster() as cluster:
        cluster.install("test", "hypopg", "pg_cron", "pgtap")
        return subprocess.run(
            ["pg_prove", "--quiet", "--dbname", "test", *chosen], env=cluster.environment(), check=False
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
