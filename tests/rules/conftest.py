"""A small pack of one's own, written to a folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

HEAD = "pack: own\ntitle: {zh: 自定, en: own}\n"
TOPIC = "topic: {id: own, zh: 自定, en: own}\n"
RULE = """
rules:
  - id: own-checked
    title: {zh: 实名, en: checked}
    measure: {unit: share, kind: share, of: scan, base: step = 'accepted', match: real_name = 'yes', per: [facility, day]}
    values:
      2020-01-01: {at_least: 1.0, cite: a notice of 2020}
    authority: {place: CN}
    force: order
    basis: text
    last_checked: 2026-01-01
"""


@pytest.fixture
def write_pack(tmp_path: Path) -> Callable[..., Path]:
    """Write a pack: its topic file's text after the topic line."""

    def write(body: str, head: str = HEAD, name: str = "own") -> Path:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        (folder / "pack.yaml").write_text(head, encoding="utf-8")
        (folder / "topic.yaml").write_text(TOPIC + dedent(body), encoding="utf-8")
        return folder

    return write
