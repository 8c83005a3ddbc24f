"""Docs are true: the worked example runs, tables are up to date, links lead somewhere, commands are described."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

PAGES = [ROOT / name for name in ("README.md", "README.zh-CN.md", "CONTRIBUTING.md")] + sorted(
    (ROOT / "docs").glob("*.md")
)


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.S)


def environment() -> dict[str, str]:
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
    }


@pytest.mark.parametrize("name", ["bring-your-own-network.md", "notices.md", "records.md", "rules.md"])
def test_the_worked_example_runs(name: str, tmp_path: Path) -> None:
    """Every command of a worked example runs in order, and so does its Python."""
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    for block in blocks(ROOT / "docs" / name, "bash"):
        subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block], cwd=tmp_path, env=environment(), check=True, capture_output=True
        )
    for block in blocks(ROOT / "docs" / name, "python"):
        subprocess.run([sys.executable, "-c", block], cwd=tmp_path, env=environment(), check=True, capture_output=True)


def test_readme_python_runs(tmp_path: Path) -> None:
    """The README's Python runs."""
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    for block in blocks(ROOT / "README.md", "python"):
        subprocess.run([sys.executable, "-c", block], cwd=tmp_path, env=environment(), check=True, capture_output=True)


def test_readme_commands_run(tmp_path: Path) -> None:
    """The README's commands run as they stand (but for the make targets)."""
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    block = blocks(ROOT / "README.md", "bash")[1].replace(".venv/bin/", "")
    subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block], cwd=tmp_path, env=environment(), check=True, capture_output=True
    )


def test_tables_page_is_up_to_date() -> None:
    """docs/tables.md is what the declared columns give."""
    from scripts.docs_tables import render, render_records, render_rules

    assert (ROOT / "docs" / "tables.md").read_text(encoding="utf-8") == render()
    records = (ROOT / "docs" / "records.md").read_text(encoding="utf-8")
    assert records == render_records(records)
    rules = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    assert rules == render_rules(rules)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Relative links name files that exist."""
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_every_module_opens_with_its_answers() -> None:
    """Each module of the package says what goes in, what comes out and what it is not for."""
    for path in sorted((ROOT / "src").rglob("*.py")):
        head = path.read_text(encoding="utf-8")[:2500]
        assert head.startswith('"""'), path
        for word in ("In:", "Out:", "Not:"):
            assert word in head, f"{path}: {word}"
