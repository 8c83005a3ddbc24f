"""Identifiers of the trade: S10 items, organisations (USCC), places (GB/T 2260).

In:     columns of text
Out:    regular forms and masks of what is wrong
Not:    EPC identifiers (epcis/identifiers.py), who holds which identifier (registers.py)
Words:  S10 = the UPU's 13-character item identifier; USCC = 统一社会信用代码; GB/T 2260 = division codes of China
Source: UPU S10 (weights 8 6 4 2 3 5 9 7, modulus 11); GB 32100; GB/T 2260 with the years a code held, by python-stdnum
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

import polars as pl
from stdnum import numdb
from stdnum.cn import uscc

from clearway.core.places import all_places, place_names
from clearway.core.schema import nearest

_S10_SHAPE = r"^[A-Za-z]{2}[0-9]{9}[A-Za-z]{2}$"
_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)
# service indicators that S10 reserves
_RESERVED = ("J", "S", "W")
_BLANKS = r"[\s\u00a0\u2007\u202f\u3000\ufeff]+"
_CODE = re.compile(r"[1-9][0-9]{5}")
_OWN_PLACE = re.compile(r"[A-Za-z][A-Za-z0-9]*[-_.A-Za-z0-9]*")
_YEARS = re.compile(r"\[(\d{4})?-(\d{4})?\]")


def normalise_s10(text: str) -> str:
    """An S10 identifier in its regular form, as printed without blanks.

    >>> normalise_s10("RB 123 456 785 gb")
    'RB123456785GB'

    Raises ``ValueError`` where the text is no S10 identifier; full-width characters are made regular first.
    """
    regular = re.sub(_BLANKS, "", unicodedata.normalize("NFKC", text)).upper()
    if not re.fullmatch(_S10_SHAPE, regular) or not regular.isascii():
        raise ValueError(f"{text!r} is not two letters, nine digits, two letters")
    if regular[0] in _RESERVED:
        raise ValueError(f"service indicators starting with {regular[0]} are reserved")
    if int(regular[10]) != _check_digit(regular[2:10]):
        raise ValueError(f"the check digit of {regular} is {_check_digit(regular[2:10])}, not {regular[10]}")
    return regular


def _check_digit(digits: str) -> int:
    rest = 11 - sum(w * int(d) for w, d in zip(_WEIGHTS, digits, strict=True)) % 11
    return {10: 0, 11: 5}.get(rest, rest)


def regular_items(text: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Item identifiers in their regular form, and a mask of S10 identifiers that are wrong.

    What has the shape of S10 once blanks are gone is one; anything else is an operator's own and kept
    but for blanks around it.
    """
    if not text.len():
        return text, pl.Series([], dtype=pl.Boolean)
    name = text.name
    odd = text.str.contains(r"[^!-~]").fill_null(False)
    if odd.any():
        tidy = text.filter(odd).map_elements(lambda t: unicodedata.normalize("NFKC", t), return_dtype=pl.String)
        text = text.scatter(odd.arg_true(), tidy)
    bare = text.str.replace_all(_BLANKS, "") if odd.any() else text
    s10 = bare.str.contains(_S10_SHAPE).fill_null(False)
    if not s10.any():
        return text.str.strip_chars().alias(name), s10
    upper = bare.str.to_uppercase()
    digits = [upper.str.slice(2 + i, 1).cast(pl.Int32, strict=False) for i in range(9)]
    total = digits[0] * _WEIGHTS[0]
    for digit, weight in zip(digits[1:8], _WEIGHTS[1:], strict=True):
        total = total + digit * weight
    rest = 11 - total % 11
    right = rest.set(rest == 10, 0).set(rest == 11, 5)
    wrong = s10 & ((right != digits[8]) | upper.str.slice(0, 1).is_in(list(_RESERVED))).fill_null(True)
    return upper.zip_with(s10, text.str.strip_chars()).alias(name), wrong.fill_null(False)


def is_uscc(text: str) -> bool:
    """Whether a text is a unified social credit code with the right check character."""
    return bool(uscc.is_valid(text))


@cache
def _known_places() -> dict[str, str]:
    return {place.code: place.name for place in all_places()}


@lru_cache(maxsize=1 << 14)
def place_code(text: str, year: int) -> str:
    """The code of a place as it was in a year.

    Six digits must be a GB/T 2260 code of that year; a Chinese name must be known; two capital letters
    are a country, and any other word of Latin letters a place of the network's own.

    >>> place_code("杭州市", 2022), place_code("330100", 2022)
    ('330100', '330100')

    Raises ``ValueError`` where there is no such place.
    """
    if _CODE.fullmatch(text):
        if not code_stood(text, year):
            raise ValueError(text)
        return text
    if text in place_names():
        return place_names()[text].code
    if _OWN_PLACE.fullmatch(text):
        return text
    raise ValueError(text)


@lru_cache(maxsize=1 << 14)
def code_stood(code: str, year: int) -> bool:
    """Whether a code of GB/T 2260 was in force in a year: by the dated list, else the list of 2023."""
    dated = {name: value for _, found in numdb.get("cn/loc").info(code) for name, value in found.items()}
    counties = dated.get("county", "")
    if not counties:
        return code in _known_places()
    for county in counties.split(","):
        years = _YEARS.match(county)
        if not years or int(years[1] or 0) <= year <= int(years[2] or 9999):
            return True
    return False


def nearest_place(text: str) -> str:
    """The known place most like a faulty one, for messages."""
    if text.isdigit():
        return nearest(text, _known_places())
    return nearest(text, place_names())
