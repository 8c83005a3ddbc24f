"""Damage clean trade text the way careless reprints do, so that reading it back can be measured.

In:     clean text, a random generator
Out:    a page: bytes, suffix, which damages it took
Not:    what should be found in it (samples.py)
Words:  damage = one family of noise; a page takes several
"""

from __future__ import annotations

import html
import random
import re
from collections.abc import Callable
from dataclasses import dataclass

import opencc
from pypinyin import Style, lazy_pinyin

_HAN = re.compile("[一-鿿]")
_TO_TRADITIONAL = opencc.OpenCC("s2t")
# what a converter by single characters gets wrong
_WRONG = {
    "复": "複",
    "面": "麵",
    "制": "製",
    "系": "係",
    "里": "裏",
    "志": "誌",
    "松": "鬆",
    "准": "準",
    "后": "後",
    "并": "並",
    "于": "於",
    "干": "幹",
    "范": "範",
    "采": "採",
}

HEADERS = (
    "新闻资讯\n\n您现在的位置： 首页 > 新闻资讯 > 行业 > 正文\n\n",
    "欢迎访问 邮路观察网\n\n当前位置: 首页 > 行业动态 > 正文\n\n",
    "首页\n新闻中心\n政务公开\n互动交流\n繁体 | 无障碍 | 登录 | 注册\n今天是2023年3月4日 星期六\n",
    "首页 公司简介 产品中心 新闻中心 联系我们\n当前所在位置：网站首页 >> 行业新闻\n",
    "收藏本站\n热门搜索：\n【字号：小 大】【打印本页】【关闭窗口】\n",
    "网站首页 | 关于我们 | 联系我们 | 网站地图\n搜索\n首页 » 要闻 » 详情\n",
    "",
)
META = (
    "发布时间：2022-11-14 10:05:39 国家邮政局\n",
    "发布日期：2022-11-14    来源： 国家邮政局   作者：佚名\n",
    "来源：邮路观察网 浏览次数：1204 字号：大 中 小\n",
    "2022年11月14日 15:22 来源：国家邮政局\n",
    "文章来源：国家邮政局网站　更新时间：2022-11-14 点击数：88\n作者：admin\n",
    "时间：2022年11月14日 编辑：小邮\n",
    "",
)
SPAM = (
    "关注华体会登录界面",
    "开云体育app官网入口",
    "九游会J9官方网站最新登录入口",
    "bob综合体育官方app下载",
    "澳门威尼斯人官网 真人娱乐 注册送88",
    "",
    "",
)
FOOTERS = (
    "相关新闻:\n0条评论\n网友评论\n",
    "首页\n",
    "原文链接：http://yz.example.cn/c100/202211/abc.shtml\n免责声明：文章转载自网络，只供学习参考，不代表本站观点，如有侵权请联系我们删除，本站收到后及时处理。\n网站概况 联系我们 会员中心 网站地图\n本站不对所载信息的真实性、合法性负责，相关权利人可向本站索取稿酬。\n邮路观察网 版权所有\n某ICP备00000000号\n联系电话：010-00000000\n",
    "上一篇：某市局开展消防安全培训\n下一篇：某省局召开半年工作会议\n责任编辑：小邮\n分享到：\n推荐阅读\n某市快递业务量同比增长一成\n多地启动应急响应，保障寄递渠道畅通。\n友情链接\nCopyright © 2022 All Rights Reserved\n主办单位：某某中心\n",
    "（来源：邮路观察网）\n标签：\n上一篇：没有了\n转载请注明出处\n为您推荐\n某县局开展走访慰问\n在线咨询\n技术支持：某某网络\n",
    "某某货架有限公司成立于2010年，是一家专业从事仓储设备的厂家，秉承客户至上，竭诚为您提供一站式服务。\n欢迎新老客户来电咨询。服务热线：0000-0000000\n",
    "返回上一页\n扫码关注我们\n请登录后发表评论\n电话：0000-0000000\n友情链接：国家邮政局 | 某某协会 | 某某网\n",
    "【打印】【关闭】\n扫一扫在手机打开当前页\n网站标识码：0000000000\n公网安备 00000000000000号\n",
    "",
)


@dataclass(frozen=True)
class Damaged:
    """A damaged page."""

    data: bytes
    suffix: str
    kinds: tuple[str, ...]


def pinyin(text: str, rng: random.Random) -> str:
    """Readings in brackets after some characters, with or without tones, some with a space after them."""
    style = rng.choice((Style.TONE, Style.NORMAL))
    share, gap = rng.choice((0.1, 0.3, 0.6)), rng.choice(("", " ", None))
    opening, closing = rng.choice(("()", "()", "（）"))
    chosen = {c for c in sorted(set(text)) if _HAN.match(c) and rng.random() < share}
    out = []
    for line in text.split("\n"):
        readings = lazy_pinyin(line, style=style, errors=list)
        if len(readings) != len(line):
            out.append(line)
            continue
        pieces = []
        for c, reading in zip(line, readings, strict=True):
            pieces.append(c)
            if c in chosen and c != reading:
                after = gap if gap is not None else rng.choice(("", " "))
                pieces.append(f"{opening}{reading}{closing}{after}")
        out.append("".join(pieces))
    return "\n".join(out)


def doubled(text: str, rng: random.Random) -> str:
    """Commas doubled and put before other marks."""
    out = []
    for c in text:
        if c == "，" and rng.random() < 0.9:
            out.append(rng.choice(("，，", ",,")))
        elif c in "、。；" and rng.random() < 0.8:
            out.append(rng.choice((",", "，")) + c)
        else:
            out.append(c)
    return "".join(out)


def traditional(text: str, rng: random.Random) -> str:
    """Traditional characters, converted by phrase or blindly."""
    wrong = rng.random() < 0.6
    out = _TO_TRADITIONAL.convert(text)
    if wrong:
        out = "".join(_WRONG.get(a, b) for a, b in zip(text, out, strict=True)) if len(out) == len(text) else out
    return out


def spaces(text: str, rng: random.Random) -> str:
    """Spaces put between characters."""
    share = rng.choice((0.03, 0.2, 1.0))
    lines = []
    for line in text.split("\n"):
        lines.append(
            "".join(c + (" " if _HAN.match(c) and rng.random() < share else "") for c in line) if "。" in line else line
        )
    return "\n".join(lines)


def half_width(text: str, rng: random.Random) -> str:
    """Half-width punctuation."""
    return text.translate(str.maketrans("，；：？！（）", ",;:?!()"))


def invisible(text: str, rng: random.Random) -> str:
    """Characters that show nothing."""
    return "".join(c + (rng.choice("\u200b\ufeff\u00ad\u200d") if rng.random() < 0.05 else "") for c in text)


def indented(text: str, rng: random.Random) -> str:
    """Paragraphs indented, with blank lines between them."""
    indent = rng.choice(("　　", "    ", "\u00a0\u00a0"))
    return "\n\n".join(indent + line for line in text.split("\n"))


def pieces(text: str, rng: random.Random) -> str:
    """Names of betting sites dropped into sentences."""
    lines = text.split("\n")
    for _ in range(rng.randint(1, 3)):
        i = rng.randrange(1, len(lines)) if len(lines) > 1 else 0
        if len(lines[i]) > 20:
            at = rng.randrange(8, len(lines[i]) - 4)
            lines[i] = lines[i][:at] + rng.choice([s for s in SPAM if s and " " not in s]) + lines[i][at:]
    return "\n".join(lines)


def gbk_accident(text: str, rng: random.Random) -> str:
    """Full-width punctuation replaced byte by byte in GBK, also across characters."""
    data = text.encode("gb18030")
    for c in "，；：？！（）":
        data = data.replace(c.encode("gb18030"), c.translate(str.maketrans("，；：？！（）", ",;:?!()")).encode())
    out = data.decode("gb18030", "replace").replace("\ufffd", "?")
    return re.sub("[\ue000-\uf8ff]", "", out)


FAMILIES: dict[str, Callable[[str, random.Random], str]] = {
    "half_width": half_width,
    "doubled": doubled,
    "traditional": traditional,
    "pinyin": pinyin,
    "spaces": spaces,
    "invisible": invisible,
    "pieces": pieces,
    "indented": indented,
}


def damaged(clean: str, rng: random.Random, kinds: tuple[str, ...] | None = None) -> Damaged:
    """A page that reprints a clean text: damages, lines around it, an encoding, as text or HTML."""
    text = clean.rstrip("\n")
    taken = kinds if kinds is not None else tuple(k for k in FAMILIES if rng.random() < 0.3)
    titled = "。" not in text.split("\n")[0]
    if "pieces" in taken:
        text = pieces(text, rng)
    for kind in FAMILIES:
        if kind in taken and kind not in ("indented", "pieces"):
            text = FAMILIES[kind](text, rng)
    title, _, body = text.partition("\n") if titled else ("", "", text)
    if "indented" in taken:
        body = indented(body, rng)
    spam = rng.choice(SPAM)
    header, meta, footer = rng.choice(HEADERS), rng.choice(META), rng.choice(FOOTERS)
    convert = _TO_TRADITIONAL.convert if "traditional" in taken else str
    page = (
        f"{convert(header)}{title}{titled * 2 * chr(10)}{convert(meta)}\n{convert(spam)}\n\n{body}\n\n{convert(footer)}"
    )
    if rng.random() < 0.4:
        return Damaged(as_html(page, title, rng), ".html", (*taken, "html"))
    encoding = rng.choice(("utf-8", "utf-8", "gb18030", "utf-16"))
    return Damaged(page.encode(encoding), ".txt", (*taken, encoding))


def as_html(page: str, title: str, rng: random.Random) -> bytes:
    """The page as HTML, which may declare an encoding that it is not in."""
    blocks = []
    for line in page.split("\n"):
        if not line.strip():
            continue
        tag = (
            "h1"
            if line == title and rng.random() < 0.7
            else "p"
            if "。" in line
            else rng.choice(("div", "li", "p", "span"))
        )
        inner = html.escape(line.strip())
        if tag in ("li", "div") and len(line) < 30 and rng.random() < 0.5:
            inner = f'<a href="/x/{len(line)}.html">{inner}</a>'
        blocks.append(f"<{tag}>{inner}</{tag}>" if tag != "span" else f"<div><span>{inner}</span></div>")
    encoding = rng.choice(("utf-8", "gb18030"))
    declared = rng.choice((encoding, encoding, "utf-8", "gb2312", "iso-8859-1"))
    script = "<script>var a = '<p>不是正文。</p>';</script><style>p{margin:0}</style>"
    return (
        f'<!DOCTYPE html><html><head><meta charset="{declared}"><title>{html.escape(title)}_邮路观察网</title>{script}</head>'
        f"<body>{''.join(blocks)}</body></html>"
    ).encode(encoding)
