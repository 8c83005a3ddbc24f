"""The vocabulary of EPCIS and CBV as data: fields of events, closed lists, which business step is which of ours.

In:     fields.csv, vocabulary.csv, steps.csv
Out:    tables of them
Not:    checking (checking.py), hashing (hashing.py)
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

EVENT_TYPES = ("ObjectEvent", "AggregationEvent", "AssociationEvent", "TransactionEvent", "TransformationEvent")
# our own terms: steps that CBV lacks, fields of a scan as extensions, ids of units
STEP_URI = "urn:clearway:step:"
FIELD_URI = "urn:clearway:field:"
UNIT_URI = "urn:clearway:unit:"
ITEM_URI = "urn:clearway:item:"
# why an event was refused; written beside it, and no part of it when it comes again
REASON_KEY = f"{{{FIELD_URI}}}rejected_because"
# namespaces that are known without being declared
PREFIXES = {
    "epcis": "https://ref.gs1.org/epcis/",
    "cbv": "https://ref.gs1.org/cbv/",
    "cbvmda": "urn:epcglobal:cbv:mda:",
    "gs1": "https://gs1.org/voc/",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "dcterms": "http://purl.org/dc/terms/",
}


def _rows(name: str) -> list[dict[str, str]]:
    text = files("clearway.records.epcis").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text)))


@dataclass(frozen=True)
class Shape:
    """What an object may and must hold; an open one may hold fields of other namespaces too."""

    kinds: dict[str, str]
    required: tuple[str, ...]
    open: bool


_CLOSED = frozenset(("quantity", "transaction", "source", "destination", "persistentDisposition"))


@cache
def shapes() -> dict[str, Shape]:
    """Shapes of events and of their parts, by name; what every event has is in each event type."""
    rows = _rows("fields.csv")
    found = {}
    for name in dict.fromkeys(row["object"] for row in rows if row["object"] != "event"):
        mine = [row for row in rows if row["object"] in ((name, "event") if name in EVENT_TYPES else (name,))]
        required = tuple(dict.fromkeys(row["field"] for row in mine if row["required"]))
        found[name] = Shape({row["field"]: row["kind"] for row in mine}, required, name not in _CLOSED)
    return found


@dataclass(frozen=True)
class Vocabulary:
    """A closed list: its words, and the ways they are written."""

    words: frozenset[str]
    urn: str
    uri: str

    def word(self, text: str) -> str | None:
        """The bare word of a term of this list however written; ``None`` for other vocabularies' terms.

        Raises ``ValueError`` for what claims to be of this list, or of no vocabulary at all, and is not.
        """
        bare = text
        if self.urn and text.startswith(self.urn):
            bare = text[len(self.urn) :]
        elif text[: len(self.uri)].casefold() == self.uri.casefold():  # Bizstep- is seen as well
            bare = text[len(self.uri) :]
        elif self.uri.startswith(PREFIXES["cbv"]) and text.startswith("cbv:"):
            full = PREFIXES["cbv"] + text[4:]
            if not full.startswith(self.uri):
                if "-" in text:
                    raise ValueError(text)
                return None
            bare = full[len(self.uri) :]
        elif self.uri == PREFIXES["gs1"] and text.startswith("gs1:"):
            bare = text[4:]
        elif ":" in text:
            return None
        if bare not in self.words:
            # the older draft's names of measurements
            if self.uri == PREFIXES["gs1"] and bare.startswith("MT-"):
                return bare
            raise ValueError(text)
        return bare

    def canonical(self, text: str) -> str:
        """The URI of a term; a term of another vocabulary as it is."""
        return _canonical(self, text)


@lru_cache(maxsize=1 << 12)
def _canonical(vocabulary: Vocabulary, text: str) -> str:
    try:
        word = vocabulary.word(text)
    except ValueError:
        return text
    return text if word is None else vocabulary.uri + word


@cache
def vocabularies() -> dict[str, Vocabulary]:
    """Closed lists by name."""
    return {
        row["list"]: Vocabulary(
            frozenset(row["values"].split()), f"urn:epcglobal:cbv:{row['prefix']}:" if row["prefix"] else "", row["uri"]
        )
        for row in _rows("vocabulary.csv")
    }


@lru_cache(maxsize=1 << 12)
def step_of(biz_step: str | None, disposition: str | None) -> str | None:
    """The step of our vocabulary for a business step and a disposition; ``None`` where there is none."""
    if biz_step is None:
        return None
    if biz_step.startswith(STEP_URI):
        return biz_step[len(STEP_URI) :]
    lists = vocabularies()
    words = []
    for name, value in (("bizStep", biz_step), ("disposition", disposition)):
        try:
            words.append(lists[name].word(value) if value is not None else None)
        except ValueError:
            words.append(None)
    step, state = words
    if step is None:
        return None
    for row in _rows_of_steps():
        if row[0] in ("*", step) and row[1] in ("*", state):
            return row[2]
    return None


@cache
def _rows_of_steps() -> tuple[tuple[str, str, str], ...]:
    return tuple((r["bizStep"], r["disposition"], r["step"]) for r in _rows("steps.csv"))
