"""What is about people and must not be kept: columns dropped at the door, numbers masked, pseudonyms.

In:     frames, JSON values, texts, as they came
Out:    the same without what is about people; names of what was dropped
Not:    which fields a record has (declared.py: none of them names a person)
Words:  personal column = a column of personal.csv, however it is written; pseudonym = keyed hash of a person's
        number, only in types that declare a field of kind ``person``
Source: docs/records.md, section on privacy

The order matters: event hashes are computed over what came, then everything personal goes, and only then
anything is written: raw copies, rejected rows, faults and messages included.
"""

from __future__ import annotations

import csv
import hmac
import io
import os
import re
import stat
import unicodedata
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl

from clearway.core.errors import ClearwayError

KEY_VARIABLE = "CLEARWAY_PSEUDONYM_KEY"
KEY_FILE_VARIABLE = "CLEARWAY_PSEUDONYM_KEY_FILE"
MASK = "▇"
_SPLIT = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# resident identity numbers and mobile numbers of China, standing alone in a text
_ID_NUMBER = re.compile(
    r"(?<![0-9A-Za-z])[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?![0-9A-Za-z])"
)
_MOBILE = re.compile(r"(?<![0-9A-Za-z])(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?![0-9A-Za-z])")
_SUSPECT = re.compile(r"\d{15}|1[3-9]\d")


@cache
def _names() -> dict[str, str]:
    text = files("clearway.records").joinpath("personal.csv").read_text(encoding="utf-8")
    return {_folded(row["name"]): row["why"] for row in csv.DictReader(io.StringIO(text))}


def _folded(name: str) -> str:
    """A column's name without case, blanks and punctuation: senderName, Sender Name and sender_name are one."""
    local = unicodedata.normalize("NFKC", name).rsplit("}", 1)[-1].rsplit("/", 1)[-1].rsplit("#", 1)[-1]
    local = local.rsplit(":", 1)[-1]
    return re.sub(r"[\W_]+", "", _SPLIT.sub("_", local).casefold())


@lru_cache(maxsize=1 << 14)
def is_personal(name: str) -> bool:
    """Whether a column or key of this name is about people and is never kept."""
    folded = _folded(name)
    if folded in _names():
        return True
    # 收件人（必填）, 收件人姓名2, phone1
    bare = re.sub(r"(必填|选填|required|optional)|\d+$", "", folded)
    return bare in _names()


def without_personal(value: Any, dropped: set[str], extension: bool = False) -> Any:
    """A JSON value without keys that are about people, whose names go to ``dropped``.

    In extensions (keys with a namespace), where words of the sender's own stand, numbers of persons are masked
    too. Deeper than 64 levels everything goes.
    """
    return _without(value, dropped, 0, extension)


def _without(value: Any, dropped: set[str], depth: int, extension: bool) -> Any:
    if type(value) is dict:
        out = {}
        for name, inner in value.items():
            what = _key(name)
            if what == _PERSONAL:
                dropped.add(name)
            elif type(inner) is str:
                out[name] = masked(inner) if extension or what == _EXTENSION else inner
            elif type(inner) in (dict, list):
                if depth <= _DEPTH:
                    out[name] = _without(inner, dropped, depth + 1, extension or what == _EXTENSION)
            else:
                out[name] = inner
        return out
    if type(value) is list:
        if not extension and all(type(v) is str for v in value):
            return value
        return [
            _without(v, dropped, depth + 1, extension)
            if type(v) in (dict, list)
            else (masked(v) if extension and type(v) is str else v)
            for v in value
        ]
    return value


_STANDARD, _EXTENSION, _PERSONAL = range(3)
_DEPTH = 64


@lru_cache(maxsize=1 << 12)
def _key(name: str) -> int:
    """What a key is: of the standard, of an extension, about people."""
    if is_personal(name):
        return _PERSONAL
    return _EXTENSION if ":" in name or name[:1] == "{" else _STANDARD


def masked(text: str) -> str:
    """A text with identity and mobile numbers blotted out."""
    if not _SUSPECT.search(text):
        return text
    return _MOBILE.sub(MASK, _ID_NUMBER.sub(MASK, text))


def masked_column(text: pl.Series) -> pl.Series:
    """The same for a column of free text."""
    suspect = text.str.contains(r"[0-9]{15}[0-9Xx]|1[3-9][0-9][- ]?[0-9]{4}[- ]?[0-9]{4}").fill_null(False)
    if not suspect.any():
        return text
    tidy = text.filter(suspect).map_elements(masked, return_dtype=pl.String)
    return text.scatter(suspect.arg_true(), tidy)


def pseudonym_key(lake: Path) -> bytes:
    """The key of pseudonyms: from the environment, or from a file of mode 0600 that lies outside the lake.

    Raises
    ------
    ClearwayError
        If there is none, the file can be read by others, or it lies within the lake, where a backup
        of the lake would take it along.
    """
    if value := os.environ.get(KEY_VARIABLE):
        return value.encode()
    name = os.environ.get(KEY_FILE_VARIABLE)
    path = Path(name) if name else Path.home() / ".config" / "clearway" / "pseudonym.key"
    if not path.is_file():
        raise ClearwayError(
            f"These records name persons, who are kept under pseudonyms only. Set {KEY_VARIABLE}, or put a key "
            f"into {path} with mode 0600 (head -c 32 /dev/urandom | base64 > {path}; chmod 600 {path})."
        )
    if path.resolve().is_relative_to(lake.resolve()):
        raise ClearwayError(f"The key {path} lies in the lake; a copy of the lake would carry it. Move it outside.")
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ClearwayError(f"The key {path} can be read by others. Type: chmod 600 {path}")
    return path.read_bytes().strip()


def pseudonyms(text: pl.Series, key: bytes) -> pl.Series:
    """Keyed hashes of persons' numbers (HMAC-SHA256, first 16 bytes as hex); equal numbers stay equal."""
    distinct = text.drop_nulls().unique()
    hashed = [hmac.digest(key, t.encode(), "sha256")[:16].hex() for t in distinct.to_list()]
    table = pl.DataFrame(
        {"t": distinct, "h": pl.Series(hashed, dtype=pl.String)}, schema={"t": pl.String, "h": pl.String}
    )
    return pl.DataFrame({"t": text}).join(table, on="t", how="left", maintain_order="left")["h"].alias(text.name)
