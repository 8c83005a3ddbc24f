"""Put the facts of an explanation into sentences, in English and Chinese.

In:     the dictionary of explain.explain_facts, a language
Out:    lines of text
Not:    facts (explain.py)
Words:  phrase = one sentence in both languages with the same places to fill
"""

from __future__ import annotations

from typing import Any

ROW_NAMES = {
    "accept": {"en": "acceptance", "zh": "收寄"},
    "sort": {"en": "sorting", "zh": "分拣"},
    "storage": {"en": "storage", "zh": "存放"},
    "deliver": {"en": "delivery", "zh": "投递"},
    "depart": {"en": "departures", "zh": "发运"},
}
_KINDS = {
    "facility": {"en": "facility", "zh": "设施"},
    "lane": {"en": "lane", "zh": "线路"},
    "pair": {"en": "pair", "zh": "流向"},
    "class": {"en": "class", "zh": "类别"},
}
PHRASES: dict[str, dict[str, str]] = {
    "head": {"en": "{what} {id}: {name}", "zh": "{what} {id}：{name}"},
    "row": {
        "en": "  {day} {row}: {load:,.0f} parcels, {limit}{extra}{shut}",
        "zh": "  {day} {row}：{load:,.0f} 件，{limit}{extra}{shut}",
    },
    "no limit": {"en": "no limit", "zh": "无上限"},
    "limit": {"en": "{use:.0%} of {capacity:,.0f}", "zh": "占能力 {capacity:,.0f} 的 {use:.0%}"},
    "extra": {"en": ", {extra:,.0f} mobilised", "zh": "，增援 {extra:,.0f} 件"},
    "shut": {"en": ", shut in {shut} of {slots} slots", "zh": "，{slots} 个时段中关闭 {shut} 个"},
    "storage over": {
        "en": "  {day} storage: {overflow:,.0f} beyond storage at the worst",
        "zh": "  {day} 存放：最多超存 {overflow:,.0f} 件",
    },
    "storage within": {"en": "  {day} storage: within storage", "zh": "  {day} 存放：未超存"},
    "what it takes": {
        "en": "  What it would take: 1,000 more parcels an hour of {row} all day on {day} would save about "
        "{saving:,.0f} (price up to {price:.3f} a parcel; true for small changes).",
        "zh": "  如何改善：{day} 全天每小时增加 1,000 件{row}能力，约可节省 {saving:,.0f}"
        "（影子价格最高每件 {price:.3f}；仅对小幅变化成立）。",
    },
    "nothing binds": {
        "en": "  No capacity here binds: more of it would save nothing.",
        "zh": "  此处能力未成瓶颈，增加能力不会节省。",
    },
    "overflow": {
        "en": "  Beyond its storage from {start}, at most {peak:,.0f} at {peak_at}; {until}.",
        "zh": "  {start} 起超出存放能力，{peak_at} 最多 {peak:,.0f} 件；{until}。",
    },
    "clears": {"en": "clear from {clears}", "zh": "{clears} 起消化完毕"},
    "not cleared": {"en": "not clear by the end of the horizon", "zh": "计划期末仍未消化"},
    "lane": {
        "en": "  lane {id} {origin} → {destination}: {load:,.0f} parcels{price}",
        "zh": "  线路 {id} {origin} → {destination}：{load:,.0f} 件{price}",
    },
    "lane price": {"en": ", price up to {price:.3f}", "zh": "，影子价格最高 {price:.3f}"},
    "carries": {
        "en": "  carries {parcels:,.0f} {class} parcels for {destination}",
        "zh": "  运送发往 {destination} 的 {class} {parcels:,.0f} 件",
    },
    "pair class": {
        "en": "  {class}: {offered:,.0f} offered, {accepted:,.0f} accepted, "
        "at most {most_held:,.0f} waiting at senders",
        "zh": "  {class}：交寄 {offered:,.0f}，收寄 {accepted:,.0f}，寄件人处最多等待 {most_held:,.0f}",
    },
    "step": {
        "en": "  → {to} by lane {lane} ({share:.0%} of what goes on from there)",
        "zh": "  → {to}，经线路 {lane}（占该处发出量的 {share:.0%}）",
    },
    "no way": {
        "en": "  The plan's lanes do not lead all the way: what is offered waits.",
        "zh": "  计划中的线路未通达，交寄件需等待。",
    },
    "totals": {
        "en": "  {offered:,.0f} offered, {delivered:,.0f} delivered, {undelivered:,.0f} not; "
        "{mean_hours:.1f} h in the system on average",
        "zh": "  交寄 {offered:,.0f}，投递 {delivered:,.0f}，未投 {undelivered:,.0f}；平均 {mean_hours:.1f} 小时",
    },
    "undelivered": {
        "en": "  undelivered for {destination}: {undelivered:,.0f}",
        "zh": "  未投往 {destination}：{undelivered:,.0f}",
    },
    "disruption": {
        "en": "  reached by disruption {id}: {what}, {start} – {until}{source}",
        "zh": "  受中断 {id} 影响：{what}，{start} – {until}{source}",
    },
    "horizon's end": {"en": "the end", "zh": "计划期末"},
}
_BINDING = 1e-6


def sentences(facts: dict[str, Any], lang: str) -> list[str]:
    """The explanation line by line, in ``en`` or ``zh``."""

    def say(phrase: str, **values: Any) -> str:
        return PHRASES[phrase][lang].format(**values)

    lines = [say("head", what=_KINDS[facts["kind"]][lang], id=facts["id"], name=facts["name"])]
    for row in facts["rows"]:
        for day in row["days"]:
            if row["row"] == "storage":
                lines.append(say("storage over" if day["overflow"] > 0.5 else "storage within", **day))
                continue
            limit = say("no limit") if day["free"] else say("limit", use=day["load"] / max(day["capacity"], 1), **day)
            lines.append(
                PHRASES["row"][lang].format(
                    day=day["day"],
                    row=ROW_NAMES[row["row"]][lang],
                    load=day["load"],
                    limit=limit,
                    extra=say("extra", extra=day["extra"]) if day["extra"] > 0.5 else "",
                    shut=say("shut", shut=day["shut"], slots=day["slots"]) if day["shut"] else "",
                )
            )
    binding = _binding(facts)
    for name, day in binding[:6]:
        saving, price = 1000 * day["worth"], day["price"]
        lines.append(say("what it takes", row=ROW_NAMES[name][lang], day=day["day"], saving=saving, price=price))
    if facts["kind"] in ("facility", "lane") and not binding:
        lines.append(say("nothing binds"))
    if facts.get("clearing"):
        c = facts["clearing"]
        until = say("clears", clears=c["clears"]) if c["clears"] else say("not cleared")
        lines.append(say("overflow", start=c["from"], peak=c["peak"], peak_at=c["peak_at"], until=until))
    for lane in facts.get("lanes", []):
        price = say("lane price", price=lane["price"]) if (lane["price"] or 0) > _BINDING else ""
        lines.append(say("lane", **{**lane, "price": price}))
    lines += [say("carries", **row) for row in facts.get("carries", [])]
    lines += [say("pair class", **row) for row in facts.get("classes", [])]
    lines += [say("step", **step) for step in facts.get("route", [])]
    if facts["kind"] == "pair" and not facts["arrives"]:
        lines.append(say("no way"))
    if "totals" in facts:
        lines.append(say("totals", **facts["totals"]))
        lines += [say("undelivered", **row) for row in facts["undelivered"]]
    for hit in facts["disruptions"]:
        amount = "".join(f" {k}={hit[k]:g}" for k in ("factor", "hours") if hit[k] is not None)
        rows = f" [{hit['rows']}]" if hit["rows"] else ""
        what = f"{hit['kind']} {hit['target_type']} {hit['target']}{amount}{rows}"
        source = f" ({hit['source']})" if hit["source"] else ""
        until = hit["end"] or say("horizon's end")
        lines.append(say("disruption", id=hit["id"], what=what, start=hit["start"], until=until, source=source))
    return lines


def _binding(facts: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    found = [(row["row"], day) for row in facts["rows"] for day in row["days"] if (day["price"] or 0) > _BINDING]
    return sorted(found, key=lambda item: -item[1]["worth"])
