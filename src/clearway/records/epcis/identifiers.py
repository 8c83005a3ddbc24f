"""EPC URNs and GS1 Digital Links in one regular form.

In:     identifiers as they come
Out:    canonical Digital Links (https://id.gs1.org/...); ids of items and units as records hold them
Not:    S10 and the like (records.identifiers)
Words:  EPC = electronic product code; GTIN, SSCC, GLN … = GS1 keys
Source: GS1 EPC Tag Data Standard 2.0 (URN forms), GS1 Digital Link 1.2 (paths),
        CBV 2.0 section 8.9 (which form is hashed)
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import quote, unquote

from clearway.records.epcis.terms import ITEM_URI, UNIT_URI

ROOT = "https://id.gs1.org"
_WORDS = {
    "gtin": "01", "itip": "8006", "cpid": "8010", "gln": "414", "payTo": "415", "party": "417", "gsrnp": "8017",
    "gsrn": "8018", "gcn": "255", "sscc": "00", "gdti": "253", "ginc": "401", "gsin": "402", "grai": "8003",
    "giai": "8004", "ser": "21", "lot": "10", "cpv": "22", "glnx": "254", "cpsn": "8011",
}  # fmt: skip
# primary keys of a Digital Link with the shape of their values
_PRIMARY = {
    "01": r"\d{8}|\d{12,14}", "8006": r"\d{18}", "8010": r"[^/]{1,30}", "414": r"\d{13}", "415": r"\d{13}",
    "417": r"\d{13}", "8017": r"\d{18}", "8018": r"\d{18}", "255": r"\d{13,25}", "00": r"\d{18}",
    "253": r"\d{13}[^/]{0,17}", "401": r"[^/]{1,30}", "402": r"\d{17}", "8003": r"\d{14}[^/]{0,16}",
    "8004": r"[^/]{1,30}",
}  # fmt: skip
_NAMES = "|".join(sorted([*_PRIMARY, *(w for w, ai in _WORDS.items() if ai in _PRIMARY)], key=len, reverse=True))
_LINK = re.compile(rf"^https?://[^/]+(?:/[^/?#]+)*?/({_NAMES})/([^/?#]+)((?:/[^?#]*)?)(?:[?#].*)?$")
_S10 = re.compile(r"[A-Za-z]{2}[0-9]{9}[A-Za-z]{2}")
_FITS = {ai: re.compile(rf"(?:{shape})\Z") for ai, shape in _PRIMARY.items()}


def _check(digits: str) -> str:
    """The last digit of a GS1 key: weights 3 and 1 from the right."""
    if not digits.isascii() or not digits.isdigit():
        raise ValueError(digits)
    total = sum(int(d) * (3 if i % 2 == 0 else 1) for i, d in enumerate(reversed(digits)))
    return str(-total % 10)


def _with_check(digits: str) -> str:
    return digits + _check(digits)


def _serial(text: str) -> str:
    return quote(unquote(text), safe="'")


def _gtin(company: str, item: str) -> str:
    return _with_check(item[:1] + company + item[1:])


def _gln(company: str, reference: str) -> str:
    return _with_check(company + reference)


_URNS: dict[str, tuple[int, Callable[[list[str]], str]]] = {
    "id:sgtin": (3, lambda p: f"/01/{_gtin(p[0], p[1])}/21/{_serial(p[2])}"),
    "id:sscc": (2, lambda p: f"/00/{_with_check(p[1][:1] + p[0] + p[1][1:])}"),
    "id:sgln": (3, lambda p: f"/414/{_gln(p[0], p[1])}" + ("" if p[2] == "0" else f"/254/{_serial(p[2])}")),
    "id:grai": (3, lambda p: f"/8003/0{_gln(p[0], p[1])}{_serial(p[2])}"),
    "id:giai": (2, lambda p: f"/8004/{p[0]}{_serial(p[1])}"),
    "id:gsrn": (2, lambda p: f"/8018/{_with_check(p[0] + p[1])}"),
    "id:gsrnp": (2, lambda p: f"/8017/{_with_check(p[0] + p[1])}"),
    "id:gdti": (3, lambda p: f"/253/{_gln(p[0], p[1])}{_serial(p[2])}"),
    "id:cpi": (3, lambda p: f"/8010/{p[0]}{_serial(p[1])}/8011/{_serial(p[2])}"),
    "id:sgcn": (3, lambda p: f"/255/{_gln(p[0], p[1])}{p[2]}"),
    "id:ginc": (2, lambda p: f"/401/{p[0]}{_serial(p[1])}"),
    "id:gsin": (2, lambda p: f"/402/{_with_check(p[0] + p[1])}"),
    "id:itip": (5, lambda p: f"/8006/{_gtin(p[0], p[1])}{p[2]}{p[3]}/21/{_serial(p[4])}"),
    "id:upui": (3, lambda p: f"/01/{_gtin(p[0], p[1])}/235/{_serial(p[2])}"),
    "id:pgln": (2, lambda p: f"/417/{_gln(p[0], p[1])}"),
    "class:lgtin": (3, lambda p: f"/01/{_gtin(p[0], p[1])}/10/{_serial(p[2])}"),
    "idpat:sgtin": (3, lambda p: f"/01/{_gtin(p[0], p[1])}"),
    "idpat:grai": (3, lambda p: f"/8003/0{_gln(p[0], p[1])}"),
    "idpat:gdti": (3, lambda p: f"/253/{_gln(p[0], p[1])}"),
    "idpat:sgcn": (3, lambda p: f"/255/{_gln(p[0], p[1])}"),
    "idpat:cpi": (3, lambda p: f"/8010/{p[0]}{_serial(p[1])}"),
    "idpat:itip": (5, lambda p: f"/8006/{_gtin(p[0], p[1])}{p[2]}{p[3]}"),
    "idpat:upui": (3, lambda p: f"/01/{_gtin(p[0], p[1])}"),
}


@lru_cache(maxsize=1 << 17)
def canonical(uri: str) -> str:
    """An identifier in its regular form; what is no GS1 identifier stays as it is.

    >>> canonical("urn:epc:id:sscc:4012345.3111111111")
    'https://id.gs1.org/00/340123451111111111'
    """
    if uri.startswith("urn:epc:"):
        scheme, _, rest = uri[8:].rpartition(":") if uri.count(":") == 4 else _scheme(uri)
        known = _URNS.get(scheme)
        if known is None:
            return uri
        parts = rest.split(".", known[0] - 1)
        try:
            return ROOT + known[1](parts) if len(parts) == known[0] else uri
        except (ValueError, IndexError):
            return uri
    if uri.startswith("http"):
        found = _LINK.match(uri)
        if found:
            ai = _WORDS.get(found[1], found[1])
            value = found[2]
            if _FITS[ai].match(value):
                return ROOT + f"/{ai}/{value.zfill(14) if ai == '01' else value}" + _qualifiers(found[3])
    return uri


def _scheme(uri: str) -> tuple[str, str, str]:
    parts = uri.split(":", 4)
    return (":".join(parts[2:4]), ":", parts[4]) if len(parts) == 5 else ("", "", "")


def _qualifiers(path: str) -> str:
    parts = path.strip("/").split("/") if path.strip("/") else []
    out = ""
    for name, value in zip(parts[::2], parts[1::2], strict=False):
        out += f"/{_WORDS.get(name, name)}/{value}"
    return out


@lru_cache(maxsize=1 << 17)
def item_id(uri: str) -> str:
    """The id of an item as a scan holds it: S10 or the operator's own where the URI is about one, else the link."""
    if uri.startswith(ITEM_URI):
        return uri[len(ITEM_URI) :]
    last = re.split(r"[:/]", uri)[-1]
    if _S10.fullmatch(last):
        return last  # whether its check digit is right is told with the record
    return canonical(uri)


@lru_cache(maxsize=1 << 14)
def unit_id(uri: str) -> str:
    """The id of a unit: our own URN without its stem, else the regular form of the location."""
    return uri[len(UNIT_URI) :] if uri.startswith(UNIT_URI) else canonical(uri)
