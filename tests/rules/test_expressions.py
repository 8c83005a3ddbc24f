"""The grammar of packs: what it takes, what it refuses, and where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway.rules import expressions as ex


def test_and_binds_closer_than_or() -> None:
    """a or b and c is a or (b and c)."""
    tree = ex.parse("a or b and c")
    assert isinstance(tree, ex.Any)
    assert isinstance(tree.of[1], ex.All)


def test_a_bare_name_is_a_question() -> None:
    """A field alone asks whether it is yes."""
    assert ex.parse("consent") == ex.Compare("=", ex.Field("consent"), ex.Constant(True))


def test_not_in_and_not_between_turn_round() -> None:
    """not stands before in and between too."""
    assert isinstance(ex.parse("step not in ('a', 'b')"), ex.Not)
    assert isinstance(ex.parse("x not between 1 and 2"), ex.Not)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("step = ", 7),
        ("step = 'a' and", 14),
        ("step + 1 > 2", 5),
        ("count(step) > 2", 5),
        ("step in ()", 9),
        ("(a = 1", 6),
        ("a = 2022-13-40", 4),
        ("rank(level, rank(level, x)) > 1", 12),
        ("'a'", 3),
    ],
)
def test_what_is_no_expression_is_refused_where_it_goes_wrong(text: str, at: int) -> None:
    """The fault says where in the text."""
    with pytest.raises(ex.GrammarError) as caught:
        ex.parse(text)
    assert caught.value.at == at


@given(st.text(max_size=60))
def test_no_text_crashes_the_parser(text: str) -> None:
    """Any text is an expression or a grammar error."""
    try:
        ex.parse(text)
    except ex.GrammarError as error:
        assert 0 <= error.at <= len(text)


_names = st.sampled_from(["step", "facility.kind", "season.peak", "weather.tmax_c"])
_constants = st.one_of(st.integers(-9, 9).map(str), st.sampled_from(["'a'", "'it''s'", "yes", "2022-11-18"]))
_leaf = st.tuples(_names, st.sampled_from(ex.COMPARISONS), _constants).map(" ".join)
_texts = st.recursive(
    _leaf,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
        inner.map(lambda t: f"not ({t})"),
    ),
    max_leaves=8,
)


@given(_texts)
def test_what_is_built_by_the_grammar_is_read(text: str) -> None:
    """Every expression of the grammar has a tree, and double negation is still one."""
    tree = ex.parse(text)
    assert ex.parse(f"not (not ({text}))") == ex.Not(ex.Not(tree))
