"""Repairs one by one: what each family changes, and what it leaves alone."""

from __future__ import annotations

import pytest

from clearway.notices import standard_reader
from clearway.notices.repair.readings import reads

HEAD = "清原省邮政管理局召开会议部署工作。"


def clean(text: str) -> str:
    """The sentence as it is read within an article."""
    notice = standard_reader().read(f"{HEAD}\n{text}".encode(), "a.txt")
    lines = notice.clean.rstrip("\n").split("\n")
    assert lines[0] == HEAD
    return lines[1] if len(lines) > 1 else ""


@pytest.mark.parametrize(
    ("noisy", "meant"),
    [
        # pinyin, with and without tones, in either bracket, of one character or several, with ü and capitals
        ("快遞業(yè)務(wù)量持續(xù)增長(zhǎng)。", "快递业务量持续增长。"),
        ("黨(dang) 組書(shu) 記作出部署。", "党组书记作出部署。"),
        ("做好疫情（yì qíng）防控工作。", "做好疫情防控工作。"),
        ("保护妇女(nü)权益，减少战略(lve)误判。", "保护妇女权益，减少战略误判。"),
        ("各企业yè要做好准备。", "各企业要做好准备。"),
        ("銀行(háng)和行(Xíng)人。", "银行和行人。"),
        # brackets that are no reading stay
        ("推广手机应用(app)和射频标签(RFID)。", "推广手机应用（app）和射频标签（RFID）。"),
        ("各市（州）局和企业(含加盟)要落实。", "各市（州）局和企业（含加盟）要落实。"),
        # fillers, doubled marks, half-width marks
        ("一是加強管理,,二是加強檢查,、督導,。", "一是加强管理，二是加强检查、督导。"),
        ("要求如下:一是检查;二是整改!", "要求如下：一是检查；二是整改！"),
        ("共处理1,234件,12:30前完成。", "共处理1,234件，12:30前完成。"),
        ("等等……还有——其他。", "等等……还有——其他。"),
        # spaces
        ("各 级 邮 政 企 业 要 做 好 准 备 。", "各级邮政企业要做好准备。"),
        ("使用 PDA 扫描。", "使用 PDA 扫描。"),
        # traditional and wrongly converted
        ("全麵恢複係統，機製運行，最後一公裏，同誌們。", "全面恢复系统，机制运行，最后一公里，同志们。"),
        ("著力提升，顯著成效，隨著發展，著名品牌。", "着力提升，显著成效，随着发展，著名品牌。"),
        ("「暖蜂行動」要深入開展。", "“暖蜂行动”要深入开展。"),
        ("複蓋全部網點，瞭解情況，明瞭任務。", "覆盖全部网点，了解情况，明了任务。"),
        # vocabulary of Taiwan and the mainland is left
        ("網路品質要提升。", "网路品质要提升。"),
        # forms, invisible characters, entities, full-width digits
        ("各\u200b企\ufeff业要在２０２３年完成⼯作&nbsp;&ldquo;双11&rdquo;。", "各企业要在2023年完成工作“双11”。"),
    ],
)
def test_repaired(noisy: str, meant: str) -> None:
    """A noisy sentence becomes the one that was meant."""
    assert clean(noisy) == meant


@pytest.mark.parametrize(
    ("before", "pinyin", "is_one"),
    [
        ("绿", "lǜ", True),
        ("绿", "lu", True),
        ("行", "hang", True),
        ("疫情", "yiqing", True),
        ("疫情", "yi", False),
        ("应用", "app", False),
    ],
)
def test_readings(before: str, pinyin: str, is_one: bool) -> None:
    """What is in a bracket is a reading of the characters before it, or is none."""
    assert reads(before, pinyin) is is_one


@pytest.mark.parametrize(
    ("noisy", "meant"),
    [
        # punctuation replaced byte by byte in GBK
        ("立足“保疫情防控、?;久裆?,做好服务。", "立足“保疫情防控、保基本民生”，做好服务。"),
        # characters that were not in the character set
        ("保障寄?渠道安全畅通。", "保障寄递渠道安全畅通。"),
        ("落实安全生产主\ufffd责任。", "落实安全生产主体责任。"),
    ],
)
def test_lost_characters_are_restored(noisy: str, meant: str) -> None:
    """Where one phrase of the trade alone explains the damage, it is restored, as an entry."""
    notice = standard_reader().read(f"{HEAD}\n{noisy}".encode(), "a.txt")
    assert notice.clean.split("\n")[1] == meant
    assert [r.kind for r in notice.repairs if r.kind in ("restored", "unclear")] == ["restored"]


def test_two_readings_are_flagged_and_not_guessed() -> None:
    """省 or 市: nobody can tell, so a person is asked to look."""
    noisy = "落实省局和\ufffd邮政管理局要求。"
    notice = standard_reader().read(f"{HEAD}\n{noisy}".encode(), "a.txt")
    assert "\ufffd" in notice.clean
    assert [r.kind for r in notice.repairs] == ["unclear"]


def test_a_question_mark_stays() -> None:
    """A question is no damage."""
    assert clean("为什么?因为要保障安全。") == "为什么？因为要保障安全。"


@pytest.mark.parametrize(
    "piece", ["华体会登录界面", "开云体育app官网入口", "九游会J9", "(hth)", "bob综合体育官方app下载", "kaiyun.com"]
)
def test_pieces_of_advertising_go(piece: str) -> None:
    """A betting site's name in the middle of a word goes, the sentence stays."""
    assert clean(f"各企业要加强安全管{piece}理，做好消防工作。") == "各企业要加强安全管理，做好消防工作。"


def test_a_piece_of_the_title_within_a_word_goes() -> None:
    """A copy of the title that parts a word is taken out; the title's words in a sentence of their own stay."""
    title = "清原省邮政管理局部署消防安全专项检查"
    text = (
        f"{title}\n{HEAD}会议要求，各企业要加强监督管理，做好消防安全专项检查。"
        f"要落实监督清原省邮政管理局部署消防安全管理责任。"
    )
    notice = standard_reader().read(text.encode(), "a.txt")
    assert notice.clean.endswith("要落实监督管理责任。\n")
    assert "做好消防安全专项检查" in notice.clean


def test_lines_around_an_article_go_and_their_facts_stay() -> None:
    """Navigation, source, advertising and what follows the article are left out; date and source are kept as fields."""
    page = (
        "新闻中心\n首页 > 动态 > 正文\n市局部署安全工作\n发布时间：2023-05-06 09:10 来源：清原省邮政管理局 浏览次数：12\n"
        "澳门威尼斯人官网\n"
        + HEAD
        + "会议要求，要加强安全管理。\n【打印】【关闭】\n相关阅读\n另一市局召开会议，强调要加强管理。\n"
        "Copyright © 某网 版权所有\n"
    )
    notice = standard_reader().read(page.encode(), "a.txt")
    assert notice.clean == f"市局部署安全工作\n{HEAD}会议要求，要加强安全管理。\n"
    assert (notice.date, notice.source) == ("2023-05-06", "清原省邮政管理局")
    assert {r.kind for r in notice.repairs} >= {"navigation", "source-line", "spam", "widget", "related", "footer"}


@pytest.mark.parametrize(
    ("printed", "title"),
    [
        ("市局召开会议 强化底线思维 坚持稳中求进", "市局召开会议 强化底线思维 坚持稳中求进"),
        ("清原省邮政管理局部署工作_某某物流网", "清原省邮政管理局部署工作"),
        ("清原省邮政管理局部署工作-行业新闻-某某公司", "清原省邮政管理局部署工作"),
        ("首页 公司简介 产品中心 联系我们", None),
    ],
)
def test_titles(printed: str, title: str | None) -> None:
    """A title keeps the spaces between its clauses and loses what the site adds; a menu is none."""
    assert standard_reader().read(f"{printed}\n{HEAD}会议要求，要加强管理。".encode(), "a.txt").title == title
