"""Packs: the built-in ones are sound and give what their cases say; faulty ones are told fault by fault."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from clearway.core.errors import InputError
from clearway.rules import BUILT_IN, load_packs
from clearway.rules.explaining import explain, overdue
from clearway.rules.testing import try_cases
from tests.rules.conftest import HEAD, RULE

Write = Callable[..., Path]


def faults_of(folder: Path, *others: str) -> list[tuple[str, str, int | None, str | None]]:
    with pytest.raises(InputError) as caught:
        load_packs([str(folder), *others], check=True)
    return [(f.code, f.file, f.row, f.value) for f in caught.value.faults]


def test_the_built_in_packs_are_sound() -> None:
    """Every name, unit, date and citation of cn and cn-epidemic holds."""
    packs = load_packs(check=True)
    assert {p.id for p in packs} == set(BUILT_IN)
    assert all(r.cases for r in packs.rules.values()), "every rule has a case beside it"
    for rule in packs.rules.values():
        states = {c.state for c in rule.cases}
        assert "breached" in states or rule.id in ("grn-2582-box",), rule.id


@pytest.mark.parametrize("name", BUILT_IN)
def test_cases_give_what_they_say_by_both_engines(name: str) -> None:
    """Compiled and interpreted, every case of every rule ends in the finding it asks for."""
    packs = load_packs([name])
    tried = try_cases(packs, [r for r in packs.rules.values() if r.pack == name])
    assert [f"{t.rule}, {t.title}: {t.wrong}" for t in tried if t.wrong] == []
    assert len(tried) > 60


def test_a_case_that_is_wrong_is_told(write_pack: Write) -> None:
    """The test command would fail where a case asks for another state."""
    case = "    cases:\n      - {title: one, state: met, records: {scan: [{step: accepted, real_name: 'no'}]}}\n"
    packs = load_packs([str(write_pack(RULE + case))])
    assert [t.wrong for t in try_cases(packs, list(packs.rules.values()))] == ["breached instead of met"]


def broken(old: str, new: str) -> str:
    assert old in RULE
    return RULE.replace(old, new)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (broken("real_name = 'yes'", "real_nam = 'yes'"), "unknown_name"),
        (broken("real_name = 'yes'", "real_name = 'ja'"), "not_choice"),
        (broken("real_name = 'yes'", "real_name = 3"), "unlike"),
        (broken("step = 'accepted'", "step == 'accepted'"), "expression"),
        (broken("of: scan", "of: scans"), "unknown_type"),
        (broken("at_least: 1.0, cite: a notice of 2020", "at_least: 1.0"), "pack_cite"),
        (broken("at_least: 1.0", "at_least: 90"), "unit_mismatch"),
        (broken("at_least: 1.0", "at_leas: 1.0"), "pack_key"),
        (broken("at_least: 1.0, ", ""), "limit_which"),
        (broken("2020-01-01:", "2020-02-30:"), "not_date"),
        (broken("at_least: 1.0,", "ended: true,"), "never_applies"),
        (broken("basis: text", "basis: rumour"), "not_choice"),
        (broken("    force: order\n", ""), "pack_missing"),
        (broken("match: real_name = 'yes', ", ""), "pack_missing"),
        (broken("unit: share,", "unit: hours,"), "unit_mismatch"),
        (broken("day]}", "fortnight]}"), "not_choice"),
        (broken("{unit: share", "{first: 2021-01-01, unit: share"), "value_before"),
        (broken("authority:", "scope: {kind: [depot]}\n    authority:"), "not_choice"),
        (broken("id: own-checked", "id: sec-realname-check"), "pack_over"),
        (
            broken("authority:", "replaces: sec-realname-check\n    scope: {place: ['330000']}\n    authority:"),
            "local_fixed",
        ),
        (
            broken("authority:", "replaces: sec-realname\n    scope: {place: ['330000']}\n    authority:"),
            "unknown_rule",
        ),
        (RULE.replace("  - id:", "  - &a\n    id:", 1) + "  - *a\n", "id_twice"),
        ("rules: [", "not_yaml"),
        ("rules: []\nrules: []\n", "key_twice"),
    ],
)
def test_each_fault_is_told_with_file_and_line(write_pack: Write, body: str, code: str) -> None:
    """One broken pack for each fault: the code, the file and a line inside it."""
    found = faults_of(write_pack(body), *BUILT_IN)
    assert code in {f[0] for f in found}
    for seen, file, row, _ in found:
        if seen == code:
            assert file == "own/topic.yaml"
            assert row is not None
            assert row > 1


def test_all_faults_are_told_at_once(write_pack: Write) -> None:
    """A name, a choice and a unit wrong in three rules: three faults, each on its own line."""
    parts = [
        broken("real_name = 'yes'", "real_nam = 'yes'"),
        broken("real_name = 'yes'", "real_name = 'ja'").replace("\nrules:\n", "").replace("own-checked", "own-b"),
        broken("at_least: 1.0", "at_least: 2").replace("\nrules:\n", "").replace("own-checked", "own-c"),
    ]
    found = faults_of(write_pack("".join(parts)))
    assert [f[0] for f in found] == ["unknown_name", "not_choice", "unit_mismatch"]
    assert len({f[2] for f in found}) == 3


def test_a_circle_of_measures_is_told(write_pack: Write) -> None:
    """Two measures formed of each other: told once, with the way round."""
    ratio = "{title: {zh: 甲, en: a}, unit: ratio, kind: ratio, per: [facility, day]"
    body = f"""
measures:
  - {ratio[:-1]}], id: a, value: {{measure: b}}, over: {{measure: b}}}}
  - {ratio[:-1]}], id: b, value: {{measure: a}}, over: {{measure: a}}}}
"""
    found = faults_of(write_pack(body.replace("day]]", "day]")))
    assert [f[0] for f in found] == ["measure_circle"]


def test_the_nearest_name_is_offered(write_pack: Write) -> None:
    """An unknown field comes with the field that was meant."""
    folder = write_pack(broken("real_name = 'yes'", "real_nme = 'yes'"))
    with pytest.raises(InputError) as caught:
        load_packs([str(folder)])
    assert "real_name" in caught.value.faults[0].problem()


def test_an_unknown_pack_is_told() -> None:
    """Neither built in nor a folder."""
    with pytest.raises(InputError, match="cn"):
        load_packs(["cnn"])


def test_explain_says_which_edition_holds() -> None:
    """Before, during and after; with the citation of the day."""
    packs = load_packs()
    assert explain(packs, "sec-realname-check", date(2022, 11, 18)).limit.first == date(2018, 5, 1)  # type: ignore[union-attr]
    assert "第 23 条" in " ".join(explain(packs, "sec-realname-check", date(2025, 6, 1)).lines)
    ended = explain(packs, "epi-disinf-import", date(2023, 1, 8))
    assert ended.limit is None
    assert "2023-01-08" in ended.lines[1]
    with pytest.raises(InputError, match="sec-realname-check"):
        explain(packs, "sec-realname-chek", date(2022, 1, 1))


def test_gaps_are_declared_and_listed() -> None:
    """What sources leave unknown is listed, and no rule has its name."""
    packs = load_packs()
    late, gaps = overdue(packs, date(2026, 11, 26))
    assert not late
    names = {g.id for g in gaps}
    assert {"grn-9918", "epi-ppe-days", "exp-abnormal-report", "emg-postal-thresholds"} <= names
    assert not names & set(packs.rules)
    assert len(overdue(packs, date(2028, 1, 1))[0]) == len(packs.rules)


def test_only_rules_whose_text_was_read_bind() -> None:
    """What is memory, draft, secondary, a target or a benchmark advises."""
    for rule in load_packs().rules.values():
        assert rule.advisory == (rule.basis != "text" or rule.force in ("target", "benchmark"))


def test_head_without_name_is_told(write_pack: Write) -> None:
    """pack.yaml is checked as well."""
    folder = write_pack(RULE, head=HEAD.replace("pack: own\n", ""))
    assert [f[:2] for f in faults_of(folder)] == [("pack_missing", "own/pack.yaml")]


def test_an_unknown_measure_comes_with_the_nearest(write_pack: Write) -> None:
    """A rule that names a measure nobody declared."""
    body = RULE.replace(RULE[RULE.index("    measure:") : RULE.index("    values:")], "    measure: cmp-firm-8d\n")
    folder = write_pack(body)
    with pytest.raises(InputError, match="cmp-firm-7d"):
        load_packs([str(folder), *BUILT_IN])


def test_a_related_record_of_a_related_record_is_a_fault(write_pack: Write) -> None:
    """It is told and not tried."""
    inner = "{related: {where: step = 'sorted', before: true}}"
    body = broken("match: real_name = 'yes'", f"match: {{related: {{where: {inner}, before: true}}}}")
    assert [f[0] for f in faults_of(write_pack(body))] == ["related_nested"]
