"""S10, USCC, places."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway.records.identifiers import is_uscc, normalise_s10, place_code, regular_items
from clearway.records.registers import places_above


def test_s10_vectors(shared: Path) -> None:
    """Every published and computed number is judged as its vector says, one by one and by column."""
    vectors = json.loads((shared / "data/standards/upu-s10/vectors.json").read_text(encoding="utf-8"))
    for vector in vectors:
        text = vector["identifier"]
        try:
            regular = normalise_s10(text)
        except ValueError:
            regular = None
        if vector["expected"] == "invalid":
            # what is wrong only until normalised may be refused or made regular, never kept as it is
            assert regular is None or regular != text, vector
        else:
            assert regular is not None, vector
            column, wrong = regular_items(pl.Series([text]))
            assert column[0] == regular and not wrong[0], vector


@given(st.integers(0, 99_999_999), st.sampled_from(["EE", "RA", "CP", "LZ"]), st.integers(0, 8), st.integers(1, 9))
def test_s10_one_wrong_digit_is_seen(number: int, service: str, place: int, off: int) -> None:
    """Exactly one check digit is right, and any single wrong digit is found."""
    right = [f"{service}{number:08d}{d}CN" for d in range(10)]
    good = [t for t in right if _valid(t)]
    assert len(good) == 1
    digits = list(good[0])
    digits[2 + place] = str((int(digits[2 + place]) + off) % 10)
    _, wrong = regular_items(pl.Series(["".join(digits), good[0]]))
    assert wrong[0] == (not _valid("".join(digits))) and not wrong[1]


def _valid(text: str) -> bool:
    try:
        return normalise_s10(text) == text
    except ValueError:
        return False


def test_places_of_the_year() -> None:
    """A code holds in its years; names become codes; a network's own places are words of Latin letters."""
    assert place_code("320584", 2010) == "320584"  # 吴江市, a district since 2012
    with pytest.raises(ValueError):
        place_code("320584", 2020)
    with pytest.raises(ValueError):
        place_code("999999", 2022)
    assert place_code("杭州市", 2022) == "330100"
    assert place_code("CN", 2022) == "CN" and place_code("hub-1", 2022) == "hub-1"
    with pytest.raises(ValueError):
        place_code("没有这个地方", 2022)


def test_places_above() -> None:
    """A county stands in its prefecture, province and country; a code of an earlier year by its digits."""
    assert places_above("330106") == ("330106", "330100", "330000", "CN")
    assert places_above("320584") == ("320584", "320500", "320000", "CN")
    assert places_above("CN") == ("CN",)


def test_uscc() -> None:
    """The check character counts."""
    assert is_uscc("91110000600037341L") and not is_uscc("91110000600037342L")
