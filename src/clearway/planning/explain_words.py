"""Put the facts of an explanation into sentences, in English and Chinese.

In:     the dictionary of explain.explain_facts
Out:    lines of text
Not:    facts (explain.py)
"""

from __future__ import annotations

from typing import Any

ROW_NAMES = {
    "en": {
        "accept": "acceptance",
        "sort": "sorting",
        "storage": "storage",
        "deliver": "delivery",
        "depart": "departures",
    },
    "zh": {"accept": "收寄", "sort": "分拣", "storage": "存放", "deliver": "投递", "depart": "发运"},
}
_BINDING = 1e-6


def _binding(facts: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    found = [(row["row"], day) for row in facts["rows"] for day in row["days"] if (day["price"] or 0) > _BINDING]
    return sorted(found, key=lambda item: -item[1]["worth"])


def _english(facts: dict[str, Any]) -> list[str]:
    lines = [f"{facts['kind']} {facts['id']}: {facts['name']}"]
    names = ROW_NAMES["en"]
    for row in facts["rows"]:
        for day in row["days"]:
            limit = (
                "no limit" if day["free"] else f"{day['load'] / max(day['capacity'], 1):.0%} of {day['capacity']:,.0f}"
            )
            if row["row"] == "storage":
                limit = (
                    f"{day['overflow']:,.0f} beyond storage at the worst" if day["overflow"] > 0.5 else "within storage"
                )
                lines.append(f"  {day['day']} {names[row['row']]}: {limit}")
                continue
            extra = f", {day['extra']:,.0f} mobilised" if day["extra"] > 0.5 else ""
            shut = f", shut in {day['shut']} of {day['slots']} slots" if day["shut"] else ""
            lines.append(f"  {day['day']} {names[row['row']]}: {day['load']:,.0f} parcels, {limit}{extra}{shut}")
    for name, day in _binding(facts)[:6]:
        lines.append(
            f"  What it would take: 1,000 more parcels per slot of {names[name]} all day on {day['day']} "
            f"would save about {1000 * day['worth']:,.0f} (price up to {day['price']:.3f} a parcel; "
            "true for small changes)."
        )
    if facts["kind"] in ("facility", "lane") and not _binding(facts):
        lines.append("  No capacity here binds: more of it would save nothing.")
    if facts.get("clearing"):
        c = facts["clearing"]
        until = f"clear from {c['clears']}" if c["clears"] else "not clear by the end of the horizon"
        lines.append(f"  Beyond its storage from {c['from']}, at most {c['peak']:,.0f} at {c['peak_at']}; {until}.")
    for lane in facts.get("lanes", []):
        price = f", price up to {lane['price']:.3f}" if (lane["price"] or 0) > _BINDING else ""
        lines.append(
            f"  lane {lane['id']} {lane['origin']} → {lane['destination']}: {lane['load']:,.0f} parcels{price}"
        )
    for row in facts.get("carries", []):
        lines.append(f"  carries {row['parcels']:,.0f} {row['class']} parcels for {row['destination']}")
    for row in facts.get("classes", []):
        lines.append(
            f"  {row['class']}: {row['offered']:,.0f} offered, {row['accepted']:,.0f} accepted, "
            f"at most {row['most_held']:,.0f} waiting at senders"
        )
    for step in facts.get("route", []):
        lines.append(f"  → {step['to']} by lane {step['lane']} ({step['share']:.0%} of what goes on from there)")
    if facts["kind"] == "pair" and not facts["arrives"]:
        lines.append("  The plan's lanes do not lead all the way: what is offered waits.")
    if "totals" in facts:
        t = facts["totals"]
        lines.append(
            f"  {t['offered']:,.0f} offered, {t['delivered']:,.0f} delivered, {t['undelivered']:,.0f} not; "
            f"{t['mean_hours']:.1f} h in the system on average"
        )
        lines += [f"  undelivered for {r['destination']}: {r['undelivered']:,.0f}" for r in facts["undelivered"]]
    lines += [_hit_text(hit, "en") for hit in facts["disruptions"]]
    return lines


def _chinese(facts: dict[str, Any]) -> list[str]:
    kinds = {"facility": "设施", "lane": "线路", "pair": "流向", "class": "类别"}
    names = ROW_NAMES["zh"]
    lines = [f"{kinds[facts['kind']]} {facts['id']}：{facts['name']}"]
    for row in facts["rows"]:
        for day in row["days"]:
            limit = (
                "无上限"
                if day["free"]
                else f"占能力 {day['capacity']:,.0f} 的 {day['load'] / max(day['capacity'], 1):.0%}"
            )
            if row["row"] == "storage":
                limit = f"最多超存 {day['overflow']:,.0f} 件" if day["overflow"] > 0.5 else "未超存"
                lines.append(f"  {day['day']} {names[row['row']]}：{limit}")
                continue
            extra = f"，增援 {day['extra']:,.0f} 件" if day["extra"] > 0.5 else ""
            shut = f"，{day['slots']} 个时段中关闭 {day['shut']} 个" if day["shut"] else ""
            lines.append(f"  {day['day']} {names[row['row']]}：{day['load']:,.0f} 件，{limit}{extra}{shut}")
    for name, day in _binding(facts)[:6]:
        lines.append(
            f"  如何改善：{day['day']} 全天每时段增加 1,000 件{names[name]}能力，约可节省 {1000 * day['worth']:,.0f}"
            f"（影子价格最高每件 {day['price']:.3f}；仅对小幅变化成立）。"
        )
    if facts["kind"] in ("facility", "lane") and not _binding(facts):
        lines.append("  此处能力未成瓶颈，增加能力不会节省。")
    if facts.get("clearing"):
        c = facts["clearing"]
        until = f"{c['clears']} 起消化完毕" if c["clears"] else "计划期末仍未消化"
        lines.append(f"  {c['from']} 起超出存放能力，{c['peak_at']} 最多 {c['peak']:,.0f} 件；{until}。")
    for lane in facts.get("lanes", []):
        price = f"，影子价格最高 {lane['price']:.3f}" if (lane["price"] or 0) > _BINDING else ""
        lines.append(f"  线路 {lane['id']} {lane['origin']} → {lane['destination']}：{lane['load']:,.0f} 件{price}")
    for row in facts.get("carries", []):
        lines.append(f"  运送发往 {row['destination']} 的 {row['class']} {row['parcels']:,.0f} 件")
    for row in facts.get("classes", []):
        lines.append(
            f"  {row['class']}：交寄 {row['offered']:,.0f}，收寄 {row['accepted']:,.0f}，"
            f"寄件人处最多等待 {row['most_held']:,.0f}"
        )
    for step in facts.get("route", []):
        lines.append(f"  → {step['to']}，经线路 {step['lane']}（占该处发出量的 {step['share']:.0%}）")
    if facts["kind"] == "pair" and not facts["arrives"]:
        lines.append("  计划中的线路未通达，交寄件需等待。")
    if "totals" in facts:
        t = facts["totals"]
        lines.append(
            f"  交寄 {t['offered']:,.0f}，投递 {t['delivered']:,.0f}，未投 {t['undelivered']:,.0f}；"
            f"平均 {t['mean_hours']:.1f} 小时"
        )
        lines += [f"  未投往 {r['destination']}：{r['undelivered']:,.0f}" for r in facts["undelivered"]]
    lines += [_hit_text(hit, "zh") for hit in facts["disruptions"]]
    return lines


def _hit_text(hit: dict[str, Any], lang: str) -> str:
    amount = "".join(f" {k}={hit[k]:g}" for k in ("factor", "hours") if hit[k] is not None)
    rows = f" [{hit['rows']}]" if hit["rows"] else ""
    until = hit["end"] or ("the end" if lang == "en" else "计划期末")
    source = f" ({hit['source']})" if hit["source"] else ""
    head = "reached by disruption" if lang == "en" else "受中断影响："
    what = f"{hit['kind']} {hit['target_type']} {hit['target']}{amount}{rows}"
    return f"  {head} {hit['id']}: {what}, {hit['start']} – {until}{source}"


WORDS = {"en": _english, "zh": _chinese}
