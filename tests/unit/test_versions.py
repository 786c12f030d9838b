"""The version is written once, in the control file; every other place says the same."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import wedding_dbopt

ROOT = Path(__file__).parents[2]


def first(pattern: str, path: str) -> str:
    found = re.search(pattern, (ROOT / path).read_text(), re.MULTILINE)
    assert found is not None, f"{path} has nothing like {pattern}"
    return found[1]


@pytest.fixture
def version() -> str:
    return first(r"^default_version\s*=\s*'(.+)'", "wedding_dbopt.control")


@pytest.fixture
def meta() -> dict[str, Any]:
    return dict(json.loads((ROOT / "META.json").read_text()))


def test_the_package_has_the_version_of_the_control_file(version: str) -> None:
    assert wedding_dbopt.__version__ == version


def test_the_changelog_has_it_on_top(version: str) -> None:
    assert first(r"^## (\d+\.\d+\.\d+)\b", "CHANGELOG.md") == version


def test_meta_has_it_for_the_distribution_and_the_extension(version: str, meta: dict[str, Any]) -> None:
    assert [meta["version"], meta["provides"][meta["name"]]["version"]] == [version, version]


def test_meta_provides_what_the_makefiles_build_and_install(version: str, meta: dict[str, Any]) -> None:
    built = first(r"^INSTALL_SQL\s*:=\s*(\S+)", "Makefile")
    for name, value in {"EXTENSION": meta["name"], "VERSION": version}.items():
        built = built.replace(f"$({name})", value)
    provided = meta["provides"][meta["name"]]
    assert provided["file"] == built
    assert provided["docfile"] == first(r"^DOCS\s*=\s*(\S+)", "extension/pgxs.mk")
    assert (ROOT / provided["docfile"]).is_file()
