"""Samples are read as they should be, clean and damaged; whatever is left out has an entry."""

from __future__ import annotations

import random

import pytest

from clearway.notices import Notice, standard_reader
from tests.notices.damage import FAMILIES, Damaged, damaged
from tests.notices.samples import Sample, samples
from tests.notices.scoring import distance, f1, folded, pairs, uncovered

SAMPLES = samples()
FIELDS = ("issuer", "verb", "addressee", "ordinal", "deadline", "place")


def read(page: Damaged, name: str) -> Notice:
    return standard_reader().read(page.data, name + page.suffix)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: s.name)
def test_a_clean_sample_is_left_as_it_is(sample: Sample) -> None:
    """Clean text comes back as it was, with no repair."""
    notice = standard_reader().read(sample.clean.encode(), f"{sample.name}.txt")
    assert notice.clean == sample.clean
    assert notice.repairs == ()
    assert notice.title == sample.document["title"]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: s.name)
def test_orders_of_a_clean_sample(sample: Sample) -> None:
    """Each order is found as it is printed, with who, whom, until when and where; nothing else is an order."""
    notice = standard_reader().read(sample.clean.encode(), f"{sample.name}.txt")
    found = [order.to_dict() for order in notice.orders]
    assert [o["text"] for o in found] == [o["text"] for o in sample.document["orders"]]
    for got, wanted in zip(found, sample.document["orders"], strict=True):
        assert {k: got[k] for k in FIELDS} == {k: wanted[k] for k in FIELDS}, got["text"]
        assert set(got["targets"]) == set(wanted["targets"])
        assert [p["text"] for p in got["sub"]] == [p["text"] for p in wanted["sub"]]
        assert got["text"] == notice.clean[got["start"] : got["end"]]


def test_topics_of_clean_samples() -> None:
    """Over all samples the topics agree by 0.8 or more (micro-averaged F1)."""
    hits = found = wanted = 0
    for sample in SAMPLES:
        notice = standard_reader().read(sample.clean.encode(), f"{sample.name}.txt")
        for got, told in zip(notice.orders, sample.document["orders"], strict=True):
            hits += len(set(got.topics) & set(told["topics"]))
            found += len(got.topics)
            wanted += len(told["topics"])
    assert f1(hits, found, wanted) >= 0.8


@pytest.mark.parametrize("family", [*FAMILIES, "all"])
def test_damage_is_undone(family: str) -> None:
    """Pages damaged in each way, and in several at once, are read back to the text that they were."""
    edits = length = leak = lost = hits = found = wanted = 0
    for sample in SAMPLES:
        for k in range(3):
            rng = random.Random(f"{family}-{k}-{sample.name}")
            kinds = (family,) if family != "all" else None
            notice = read(damaged(sample.clean, rng, kinds), sample.name)
            got, told = folded(notice.clean), folded(sample.clean)
            edits += distance(got, told)
            length += len(told)
            leak += uncovered(got, told)
            lost += uncovered(told, got)
            orders = [o.to_dict() for o in notice.orders]
            hits += len(pairs(orders, sample.document["orders"]))
            found += len(orders)
            wanted += len(sample.document["orders"])
    assert edits / length <= 0.004
    assert leak <= 30
    assert lost <= 20
    assert f1(hits, found, wanted) >= 0.97


@pytest.mark.parametrize("k", range(4))
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: s.name)
def test_nothing_is_dropped_or_added_without_an_entry(sample: Sample, k: int) -> None:
    """Outside its repairs a page stands in the clean text, in order; what else the clean text has, a repair put there."""
    notice = read(damaged(sample.clean, random.Random(f"entries-{k}-{sample.name}")), sample.name)
    assert_accounted(notice)


def assert_accounted(notice: Notice) -> None:
    """Every character of the page is kept in order or lies in a repair; every other one was put there by a repair."""
    gone = bytearray(len(notice.page) + 1)
    put: list[str] = []
    for repair in notice.repairs:
        assert 0 <= repair.start <= repair.end <= len(notice.page)
        gone[repair.start : repair.end] = b"x" * (repair.end - repair.start)
        put.append(repair.after)
    kept = [c for i, c in enumerate(notice.page) if not gone[i] and not c.isspace()]
    available = set("".join(put)) | {" "}
    at = 0
    for c in notice.clean:
        if at < len(kept) and c == kept[at]:
            at += 1
        else:
            assert c.isspace() or c in available, (c, notice.clean[:40])
    assert at == len(kept), f"{''.join(kept[at : at + 20])!r} is neither kept nor accounted for"
