"""Deadlines as dates, places as codes, words that an officer adds, two editions compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from clearway.core.errors import InputError
from clearway.notices import Lexicon, Notice, Reader, diff_notices, standard_reader
from clearway.notices.orders.periods import Periods
from clearway.notices.orders.sentences import number_of

PERIODS = Periods(Lexicon.standard())


@pytest.mark.parametrize(
    ("printed", "day", "due"),
    [
        ("第一时间", None, {"at_once": True}),
        ("24小时内", "2022-11-14", {"within": 24, "unit": "小时"}),
        ("春节期间", "2022-01-10", {"from": "2022-01-31", "to": "2022-02-06"}),
        ("春节期间", "2022-11-14", {"from": "2023-01-21", "to": "2023-01-27"}),
        ("过年期间", "2021-01-28", {"from": "2021-02-11", "to": "2021-02-17"}),
        ("元旦、春节期间", "2023-12-20", {"from": "2023-12-30", "to": "2024-02-17"}),
        ("国庆前", "2022-09-01", {"to": "2022-09-30"}),
        ("年底前", "2022-11-14", {"to": "2022-12-31"}),
        ("2025年底前", None, {"to": "2025-12-31"}),
        ("6月底前", "2023-03-08", {"to": "2023-06-30"}),
        ("1月25日前", "2023-12-28", {"to": "2024-01-25"}),
        ("自2月25日至3月5日", "2022-02-20", {"from": "2022-02-25", "to": "2022-03-05"}),
        ("自2月25日至会议闭幕之日", "2022-02-20", {"from": "2022-02-25"}),
        ("月底前", "2022-02-20", {"to": "2022-02-28"}),
        # what no table dates stays open
        ("疫情防控期间", "2022-11-14", None),
        ("春节期间", "2035-01-01", None),
        ("春节期间", None, None),
    ],
)
def test_deadlines_as_dates(printed: str, day: str | None, due: dict[str, Any] | None) -> None:
    """A deadline is dated from the page's date where that is certain, and left open where it is not."""
    assert PERIODS.resolve(printed, day) == due


def read(text: str, reader: Reader | None = None) -> Notice:
    return (reader or standard_reader()).read(text.encode(), "a.txt")


MEETING = "近日，清原省邮政管理局召开会议。会议要求，{}。"


@pytest.mark.parametrize(
    ("text", "place", "codes"),
    [
        ("要做好湖北武汉、北京等地疫情防控", "湖北武汉；北京", ("420100", "110000")),
        ("要支持边远地区网点建设", "边远地区", ()),
        ("要确保定期检查，推广安全做法", None, ()),
        ("要支持鄂州机场建设", None, ()),
        ("要向海外仓发运，服务海外市场", "海外", ()),
    ],
)
def test_places(text: str, place: str | None, codes: tuple[str, ...]) -> None:
    """Places are found as printed with their codes; words that only look like places are none."""
    (order,) = read(MEETING.format(text)).orders
    assert (order.place, order.place_codes) == (place, codes)


@pytest.mark.parametrize(
    ("text", "orders"),
    [
        # what happened, what others said, what an issuer itself will do
        ("近日，清原省邮政管理局召开会议，总结上半年工作。会议由局长主持，各科室参加会议。", []),
        ("清原省邮政管理局按照上级要求，多措并举开展检查。一是加强领导。二是检查网点20个。", []),
        ("清原省邮政管理局强调，要加强管理。下一步，清原省邮政管理局将持续开展检查。", ["要加强管理"]),
        ("清原省邮政管理局强调，要加强管理。双方就下步工作进行了交流讨论。", ["要加强管理"]),
        ("会议指出，今年以来全省业务量同比增长9%。各企业要做好准备。", ["各企业要做好准备"]),
        # one list item a clause, a closed list, a sentence after it
        ("会议要求，一要加强检查，二要落实整改，三要及时报告。", ["一要加强检查", "二要落实整改", "三要及时报告"]),
        ("会议要求，一是加强检查；二是落实整改。要形成合力。", ["一是加强检查", "二是落实整改", "要形成合力"]),
        ("会议要求，一是加强检查。要抓好整改。二是及时报告。", ["一是加强检查。要抓好整改", "二是及时报告"]),
        # an enumeration and a word that only look like ordinals
        ("会议要求，要统一要求、进一步要求，做好一、二级网络衔接。", ["要统一要求、进一步要求，做好一、二级网络衔接"]),
    ],
)
def test_what_is_an_order(text: str, orders: list[str]) -> None:
    """Requirements under an authority's word are orders; reports, plans of its own and background are none."""
    assert [o.text for o in read(text).orders] == orders


@pytest.mark.parametrize(
    ("text", "issuer", "speaker", "verb", "addressee"),
    [
        (
            "近日，清溪市邮政管理局召开会议。相关负责人要求，各企业要加强管理。",
            "清溪市邮政管理局",
            None,
            "要求",
            "各企业",
        ),
        ("清溪市邮政业防控工作领导小组要求，要加强管理。", "清溪市邮政业防控工作领导小组", None, "要求", None),
        ("清溪市局要求全市寄递企业做到“四个强化”。", "清溪市局", None, "要求", "全市寄递企业"),
        ("清溪市邮政管理局局长王某在讲话中强调，要加强管理。", "清溪市邮政管理局", "王某", "强调", None),
        ("近日，国家邮政局印发《关于做好旺季工作的通知》，要求各省局加强管理。", "国家邮政局", None, "要求", "各省局"),
        ("国家邮政局市场监管司要求，要加强管理。", "国家邮政局市场监管司", None, "要求", None),
        ("座谈会上，李某对企业提出要求。一要加强管理。", None, None, "提出", None),
        ("清溪市邮政管理局召开会议，强调要加强管理。", "清溪市邮政管理局", None, "强调", None),
        ("近日，清溪市邮政管理局开展检查。国家局要求，各单位要加强管理。", "国家邮政局", None, "要求", "各单位"),
    ],
)
def test_who_says_it_and_to_whom(
    text: str, issuer: str | None, speaker: str | None, verb: str, addressee: str | None
) -> None:
    """Subject and verb open a passage; who is told to act is told as printed."""
    (order,) = read(text).orders
    assert (order.issuer, order.speaker, order.verb, order.addressee) == (issuer, speaker, verb, addressee)


def test_a_list_in_paragraphs_of_their_own() -> None:
    """After a colon the items that follow, each in its paragraph, are under the same verb."""
    text = "近日，清溪市邮政管理局召开会议，部署安全工作。\n会议要求：\n（一）加强管理。各企业要落实责任。\n（二）做好值班。"
    orders = read(text).orders
    assert [(o.ordinal, o.verb, o.addressee) for o in orders] == [("一", "要求", "各企业"), ("二", "要求", None)]


def test_the_fullest_name_of_an_issuer() -> None:
    """A bureau named in short gets the full name that the page gives."""
    notice = read("近日，清溪市邮政管理局开展检查。清溪局要求，各企业要落实整改。该局强调，要举一反三。")
    assert notice.issuers == ("清溪市邮政管理局",)


def test_a_slogan_is_not_actionable() -> None:
    """Stance without a duty is marked as such."""
    stance, duty = read("清溪市邮政管理局要求，一是提高政治站位，坚定信心。二是各网点每日消毒两次。").orders
    assert not stance.actionable
    assert duty.actionable


def test_a_notice_without_orders_says_so() -> None:
    """Nothing to order is an answer."""
    assert read("全省快递业务量同比增长9%，运行总体平稳，服务民生作用增强。").orders == ()


def test_words_that_an_officer_adds(tmp_path: Path) -> None:
    """A folder adds phrases, topics and advertising without Python."""
    (tmp_path / "phrases.txt").write_text("# ours\n无人机配送航线\n", encoding="utf-8")
    (tmp_path / "page.toml").write_text('spam_brands = ["某某乐园"]\n', encoding="utf-8")
    (tmp_path / "topics.toml").write_text(
        '[low-altitude]\nzh = "低空"\nen = "low altitude"\nwords = { "无人机" = 2.0 }\n', encoding="utf-8"
    )
    reader = Reader(Lexicon.read(tmp_path))
    notice = read(MEETING.format("要开通无人?配送航线，加强某某乐园官网管理"), reader)
    assert "无人机配送航线，加强管理" in notice.clean
    assert notice.orders[0].topics[0] == "low-altitude"


def test_faults_of_added_words_are_listed(tmp_path: Path) -> None:
    """Every fault of a folder of words is told at once."""
    (tmp_path / "topic.toml").write_text("", encoding="utf-8")
    (tmp_path / "page.toml").write_text('spam_brand = ["x"]\nfooter = ["("]\nrelated = "x"\n', encoding="utf-8")
    (tmp_path / "orders.toml").write_text("[[[", encoding="utf-8")
    with pytest.raises(InputError) as listed:
        Lexicon.read(tmp_path)
    assert sorted(f.code for f in listed.value.faults) == [
        "not_pattern",
        "other_kind",
        "unknown_key",
        "unknown_lexicon",
        "unreadable",
    ]


def test_a_deadline_that_an_officer_adds(tmp_path: Path) -> None:
    """An added expression is found whatever it begins with."""
    (tmp_path / "orders.toml").write_text('deadlines = ["谷雨前后"]\n', encoding="utf-8")
    (order,) = read(MEETING.format("要在谷雨前后完成检查"), Reader(Lexicon.read(tmp_path))).orders
    assert order.deadline == "谷雨前后"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("page.toml", 'spam_brands = ["某(?:乐|园)"]'),
        ("page.toml", 'spam_brands = ["("]'),
        ("topics.toml", '[new]\nzh = "新"'),
        ("topics.toml", "new = 3"),
        ("topics.toml", '[disinfection]\nwords = { "(" = 1.0 }'),
        ("topics.toml", '[disinfection]\nwords = { "消毒液" = "much" }'),
        ("characters.toml", '[variants]\n"両両" = "两"'),
        ("characters.toml", '[words]\n"一两字" = "两字"'),
        ("periods.toml", '[holidays."春节"]\n2027 = ["2027-02-30", "2027-03-01"]'),
        ("periods.toml", '[holidays]\n"春节" = 3'),
    ],
)
def test_words_that_no_reader_can_be_made_of_are_faults(tmp_path: Path, name: str, text: str) -> None:
    """A faulty word is told when the folder is read, not met as a crash later."""
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError):
        Lexicon.read(tmp_path)


@pytest.mark.parametrize(
    "day", ["2022年2月30日", "2022年13月45日", "0000年底前", "9999年12月31日前", "自9月40日至0月3日"]
)
def test_days_that_no_calendar_has(day: str) -> None:
    """Such days are left open: no crash, no date."""
    notice = read(f"{day}，清溪市邮政管理局召开会议。会议要求，各企业要在{day}完成检查，春节期间做好值守。")
    assert len(notice.orders) == 1
    assert PERIODS.resolve(day, "2022-02-01") is None or day.startswith("9999")
    page = f"市局部署检查工作\n发布时间：2022-02-31 来源：某局\n清溪市邮政管理局召开会议。会议要求，要在{day}前完成检查工作。"
    assert read(page).date is None


@pytest.mark.parametrize(
    ("numeral", "number"),
    [
        ("一", 1),
        ("十", 10),
        ("十一", 11),
        ("二十", 20),
        ("九十九", 99),
        ("十二一", 0),
        ("二一十", 0),
        ("十十", 0),
        ("一二", 0),
    ],
)
def test_numerals(numeral: str, number: int) -> None:
    """Numerals up to 99; what is none is no ordinal."""
    assert number_of(numeral) == number


def test_a_plug_in_is_found_by_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    """--classifier NAME loads what a package offers under that name."""
    from importlib import metadata

    from clearway.cli.notice_commands import _plugged

    point = metadata.EntryPoint("mine", "tests.notices.test_understanding:keep", "clearway.notices.classifier")
    monkeypatch.setattr(metadata, "entry_points", lambda group: [point])
    assert _plugged("mine") is keep


def keep(clean: str, orders: tuple[Any, ...]) -> tuple[Any, ...]:
    """A further opinion that changes nothing."""
    return orders


def test_two_editions() -> None:
    """Orders that are new, changed or gone are told apart; a reprint's noise changes nothing."""
    head = "清溪市邮政管理局要求，"
    earlier = read(head + "一是各企业每日消毒两次。二是各网点7月底前完成整改。三是做好信息报送工作。")
    later = read(head + "一是各企業每日消毒兩次,,。二是各网点8月底前完成整改。三是开展应急演练，储备物资。")
    changes = diff_notices(earlier, later)
    assert [(c.kind, c.fields) for c in changes] == [
        ("same", ()),
        ("changed", ("text", "deadline")),
        ("new", ()),
        ("gone", ()),
    ] or [(c.kind, c.fields) for c in changes] == [
        ("same", ()),
        ("changed", ("text", "deadline")),
        ("gone", ()),
        ("new", ()),
    ]


def test_a_classifier_has_a_say_but_adds_no_text() -> None:
    """A plug-in may change orders; one whose text the page does not have is refused."""
    import dataclasses

    def plug(clean: str, orders: tuple[Any, ...]) -> tuple[Any, ...]:
        kept = tuple(dataclasses.replace(o, topics=("other",)) for o in orders)
        return (*kept, dataclasses.replace(orders[0], text="invented"))

    (order,) = read(MEETING.format("要加强消毒"), Reader(classifier=plug)).orders
    assert order.topics == ("other",)
