"""Whatever comes in, reading ends: with a notice whose every change has an entry, or with a reason.

Long rounds run with make soak: a million damaged, spliced and random inputs.
"""

from __future__ import annotations

import os
import random
import signal
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearway.notices import Notice, NoticeFaultError, standard_reader
from tests.notices.damage import FAMILIES, HEADERS, as_html, damaged
from tests.notices.samples import samples
from tests.notices.test_samples import assert_accounted

SHARE = os.environ.get("CLEARWAY_SOAK_SHARE")
ROUNDS = 10_000 if SHARE == "small" else 1_000_000
PARTS = 4
SAMPLES = samples()
TOKENS = [
    *"一二三四五，。；：、“”《》（）()【】,.;:!?？！ \t\n\v\r　\u200b\ufeff\ufffd□①②1234567890aAzZ<>&\"'=+-@",
    *("要", "一是", "二是", "三要", "会议要求，", "强调，", "各企业", "各市局", "要求", "通知如下：", "邮政管理局"),
    *(
        "河北、山东",
        "党组书记、局长",
        "李某",
        "24小时内",
        "春节期间",
        "自2月1日至3月1日",
        "年底前",
        "“三项制度”",
        "十",
        "2022年13月45日",
        "0000年底前",
        "发布时间：2022-02-31",
    ),
    *("《邮政法》", "湖北武汉", "开云体育", "hth", "业(yè)", "务(wu) ", "傳達", "係統", "锟斤拷", "?;", "&nbsp;"),
    *("<p>", "</p>", "<div>", "<br>", "免责声明", "相关新闻", "版权所有", "首页 > 新闻", "发布时间：2022-01-01"),
]


def check(data: bytes, name: str) -> Notice | None:
    """Read, and hold the promises of a reading."""
    try:
        notice = standard_reader().read(data, name)
    except NoticeFaultError:
        return None
    assert_accounted(notice)
    for order in notice.orders:
        assert notice.clean[order.start : order.end] == order.text
        assert all(part.text in order.text for part in order.sub)
        assert 1 <= len(order.topics) <= 3
    return notice


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(TOKENS), max_size=60), st.sampled_from(["a.txt", "a.html"]))
def test_any_mixture_of_words_and_noise(words: list[str], name: str) -> None:
    """Words of the trade and of noise in any order are read."""
    check("".join(words).encode("utf-8", "replace"), name)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(["a.txt", "a.html", "a.docx", "a.pdf"]))
def test_any_bytes(data: bytes, name: str) -> None:
    """Any bytes under any name are read or refused."""
    check(data, name)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(SAMPLES) - 1), st.integers(0, 10_000))
def test_what_is_clean_stays_clean(which: int, seed: int) -> None:
    """The clean text of a damaged page, read again, is the same, and so are its orders."""
    page = damaged(SAMPLES[which].clean, random.Random(seed))
    once = standard_reader().read(page.data, "a" + page.suffix)
    twice = standard_reader().read(once.clean.encode(), "a.txt")
    assert twice.clean == once.clean
    assert [o.text for o in twice.orders] == [o.text for o in once.orders]


def mutated(rng: random.Random) -> tuple[bytes, str]:
    """One input: a damaged sample cut, spliced, flipped or repeated; words in any order; random bytes."""
    kind = rng.random()
    if kind < 0.1:
        return rng.randbytes(rng.randrange(300)), rng.choice(("a.txt", "a.html", "a.docx", "a.pdf"))
    if kind < 0.45:
        text = "".join(rng.choice(TOKENS) for _ in range(rng.randrange(1, 60)))
        if rng.random() < 0.3:
            text = rng.choice(TOKENS) * rng.randrange(1, 300) + text
        return text.encode(rng.choice(("utf-8", "gb18030", "utf-16")), "replace"), rng.choice(("a.txt", "a.html"))
    sample = rng.choice(SAMPLES).clean
    start = rng.randrange(len(sample))
    piece = sample[start : start + rng.randrange(20, 160)]
    for family in rng.sample(sorted(FAMILIES), rng.randrange(4)):
        if family != "pieces":
            piece = FAMILIES[family](piece, rng)
    if rng.random() < 0.3:
        data, name = as_html(rng.choice(HEADERS) + piece, piece[:10], rng), "a.html"
    else:
        data, name = piece.encode(rng.choice(("utf-8", "gb18030", "big5hkscs", "utf-16-le")), "replace"), "a.txt"
    hurt = bytearray(data)
    for _ in range(rng.randrange(4)):
        if not hurt:
            break
        at = rng.randrange(len(hurt))
        match rng.randrange(4):
            case 0:
                hurt[at] = rng.randrange(256)
            case 1:
                del hurt[at : at + rng.randrange(1, 20)]
            case 2:
                hurt[at:at] = hurt[at // 2 : at]
            case 3:
                hurt = hurt[:at]
    return bytes(hurt), name


@pytest.mark.soak
@pytest.mark.parametrize("part", range(PARTS))
def test_a_million_inputs(part: int) -> None:
    """No uncaught error and no input that takes a minute."""

    def too_long(number: int, frame: FrameType | None) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, too_long)
    for k in range(ROUNDS // PARTS):
        rng = random.Random(f"{part}-{k}")
        data, name = mutated(rng)
        signal.alarm(60)
        try:
            check(data, name)
        except BaseException as error:
            raise AssertionError(f"input {part}-{k}: {name} {data[:200]!r}") from error
        finally:
            signal.alarm(0)
