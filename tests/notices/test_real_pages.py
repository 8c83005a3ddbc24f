"""The five real pages beside the repository are read to the figures that are asked for; no sentence of them is kept."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from clearway.notices import standard_reader, write_notice
from tests.conftest import ROOT
from tests.notices.test_samples import assert_accounted

LEAST = {
    "f1": 0.97,
    "sub_f1": 0.90,
    "issuer": 0.99,
    "topics_f1": 0.80,
    "addressee": 0.85,
    "deadline": 0.90,
    "targets_f1": 0.85,
    "place": 0.85,
}
_TEXTS = (".py", ".toml", ".txt", ".md", ".csv", ".j2")


def test_scores(shared: Path, tmp_path: Path) -> None:
    """By the scorer beside the pages: text to 0.2 %, nothing leaked or lost, orders and their fields."""
    gold = shared / "data" / "notices"
    for path in sorted(gold.glob("seed-?.txt")):
        notice = standard_reader().read(path.read_bytes(), path.name)
        assert_accounted(notice)
        write_notice(notice, tmp_path)
    scorer = shared / "tools" / "score_notices.py"
    out = subprocess.run(
        [sys.executable, str(scorer), str(tmp_path), str(gold), "--json"], capture_output=True, text=True, check=True
    )
    total = json.loads(out.stdout)["rows"][-1]
    assert total["cer"] <= 0.002
    assert (total["leak"], total["lost"]) == (0, 0)
    for name, least in LEAST.items():
        assert total[name] >= least, name


@pytest.mark.parametrize(("folder", "length"), [("src", 12), ("tests", 20), ("docs", 20), ("samples", 20)])
def test_no_sentence_of_them_is_kept(shared: Path, folder: str, length: int) -> None:
    """No twelve consecutive characters of the pages stand in the source, and no sentence in the repository."""
    grams: set[str] = set()
    for path in sorted((shared / "data" / "notices").glob("seed-?*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            pieces = (line[i : i + length] for i in range(len(line) - length + 1))
            grams |= {piece for piece in pieces if any("一" <= c <= "鿿" for c in piece)}
    for path in sorted((ROOT / folder).rglob("*")):
        if path.suffix in _TEXTS:
            text = path.read_text(encoding="utf-8")
            pieces = (text[i : i + length] for i in range(len(text) - length + 1))
            found = next((piece for piece in pieces if piece in grams), None)
            assert found is None, f"{path}: {found}"
