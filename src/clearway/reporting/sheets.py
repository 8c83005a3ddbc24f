"""Sheets for those who carry a plan out: one facility, operator or bureau, on paper and as a workbook.

In:     Plan, whom the sheet is for
Out:    HTML to print, .xlsx
Not:    deciding anything; the instructions themselves (planning.instructions)
Words:  as before = a wave that sends everything as the one before it does
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import xlsxwriter

from clearway import __version__
from clearway.core.errors import PlanError
from clearway.core.files import staged_file
from clearway.planning import Plan
from clearway.planning.instructions import ACTIONS, draft_instructions
from clearway.reporting.templates import template_of

KINDS = ("facility", "operator", "bureau")
_WORDS = {
    "en": {
        "facility": "facility",
        "from": "from",
        "to": "to",
        "action": "action",
        "what": "what",
        "parcels": "parcels",
        "vehicles": "vehicles",
        "why": "why",
        "if_not": "if not",
        "day": "day",
        "wave": "wave from",
        "class": "class",
        "destination": "destination",
        "next_hop": "next hop",
        "share": "share",
        "usual": "usual next hop",
    },
    "zh": {
        "facility": "设施",
        "from": "开始",
        "to": "结束",
        "action": "动作",
        "what": "内容",
        "parcels": "件数",
        "vehicles": "车数",
        "why": "原因",
        "if_not": "否则",
        "day": "日期",
        "wave": "波次起",
        "class": "类别",
        "destination": "寄达",
        "next_hop": "下一站",
        "share": "比例",
        "usual": "平时下一站",
    },
}


@dataclass(frozen=True)
class Sheets:
    """Sheets of one plan. Instructions are drafted once for all of them."""

    plan: Plan
    drafted: pl.DataFrame
    hops: pl.DataFrame
    names: dict[str, str]

    @staticmethod
    def of(plan: Plan) -> Sheets:
        """Prepare the sheets of a plan; raises PlanError where it has no sort plan."""
        if plan.sort_plan is None:
            raise PlanError("The plan has no sortplan.parquet; plan again with this version.")
        hops = plan.sort_plan.hops.with_columns(
            pl.col(c).cast(pl.String) for c in ("facility", "wave", "destination", "class", "next_hop", "lane")
        )
        if plan.changes is not None:
            keys = ["facility", "day", "wave", "destination", "class"]
            kept = plan.changes.filter(pl.col("kept")).select(*keys, "usual_hop")
            hops = hops.join(kept, on=keys, how="left", maintain_order="left")
        else:
            hops = hops.with_columns(pl.lit(None, dtype=pl.String).alias("usual_hop"))
        names = {i: n or i for i, n in plan.case.facilities.select("id", "name").iter_rows()}
        return Sheets(plan, draft_instructions(plan), hops, names)

    def known(self, kind: str) -> list[str]:
        """Whom sheets can be made for."""
        return sorted(set(self.drafted[kind].unique()) - {""})

    def instructions(self, kind: str, name: str) -> pl.DataFrame:
        """The instructions of one facility, operator or bureau; raises PlanError where there are none such."""
        if kind not in KINDS:
            raise PlanError(f"There are no sheets by {kind!r}; there are sheets by {', '.join(KINDS)}.")
        found = self.drafted.filter(pl.col(kind) == name)
        known = self.names if kind == "facility" else self.known(kind)
        if found.is_empty() and name not in known:
            raise PlanError(f"The plan has no {kind} {name!r}; there is {', '.join(sorted(known)[:5])} …")
        return found

    def title(self, kind: str, name: str) -> str:
        """What stands at the head of a sheet."""
        if kind == "facility":
            return f"{self.names[name]} {name}"
        places = dict(self.plan.case.places.select("code", "name").iter_rows())
        return f"{places.get(name, '')} {name}".strip() if kind == "bureau" else name

    def html(self, kind: str, name: str, lang: str = "en") -> str:
        """The sheet as a page to print."""
        drafted = self.instructions(kind, name)
        departures = drafted.filter(pl.col("action") == "dispatch")
        return template_of("sheet.html.j2").render(
            lang=lang,
            words=_WORDS[lang],
            title=self.title(kind, name),
            facts=self.plan.summary(),
            by_facility=kind == "facility",
            instructions=drafted.filter(pl.col("action") != "dispatch").to_dicts(),
            departures=departures.to_dicts(),
            actions=ACTIONS,
            waves=self._waves(name) if kind == "facility" else [],
            version=__version__,
        )

    def _waves(self, facility: str) -> list[dict[str, Any]]:
        """Next hops of each wave with their destinations; those not as usual marked."""
        part = self.hops.filter(pl.col("facility") == facility)
        classes = part["class"].n_unique()
        waves: list[dict[str, Any]] = []
        for (day, clock), wave in part.partition_by("day", "wave", as_dict=True, maintain_order=True).items():
            told: dict[str, dict[tuple[str, str | None], list[str]]] = {}
            keys = wave.group_by("destination", "class", maintain_order=True).agg(
                pl.col("next_hop"), pl.col("share"), pl.col("usual_hop").first()
            )
            for d, k, hops, shares, usual in keys.iter_rows():
                text = " / ".join(
                    self.names.get(h, h) + (f" {100 * s:.0f} %" if len(hops) > 1 else "")
                    for h, s in zip(hops, shares, strict=True)
                )
                told.setdefault(text, {}).setdefault((d, usual), []).append(k)
            groups = []
            for text in sorted(told, key=lambda x: -len(told[x])):
                items = []
                for (d, usual), ks in told[text].items():
                    items.append(
                        {
                            "name": self.names.get(d, d),
                            "classes": "" if len(ks) == classes else ", ".join(ks),
                            "usual": None if usual is None else self.names.get(usual, usual),
                        }
                    )
                groups.append({"hop": text, "items": items})
            same = bool(waves) and groups == next(w["groups"] for w in reversed(waves) if w["groups"])
            waves.append({"day": day, "wave": clock, "groups": [] if same else groups, "same": same})
        return waves

    def write_xlsx(self, path: Path, kind: str, name: str) -> None:
        """The sheet as a workbook: instructions in both languages, and a facility's sort plan in full."""
        drafted = self.instructions(kind, name)
        with (
            staged_file(path) as staging,
            xlsxwriter.Workbook(str(staging), {"constant_memory": False, "strings_to_formulas": False}) as book,
        ):
            bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
            changed = book.add_format({"bold": True, "font_color": "#B3261E"})
            wrap = book.add_format({"text_wrap": True, "valign": "top"})
            page = book.add_worksheet("instructions 指令")
            columns = [c for c in drafted.columns if c not in ("bureau", "bureau_name", "operator") or kind != c]
            page.write_row(0, 0, columns, bold)
            for r, row in enumerate(drafted.select(columns).iter_rows(), start=1):
                page.write_row(r, 0, row, wrap)
            page.freeze_panes(1, 0)
            page.set_column(0, len(columns) - 1, 18)
            page.set_landscape()
            page.fit_to_pages(1, 0)
            if kind == "facility":
                page = book.add_worksheet("sort plan 分拣方案")
                heads = ("day", "wave", "class", "destination", "next_hop", "share", "usual")
                page.write_row(0, 0, [f"{_WORDS['en'][h]} {_WORDS['zh'][h]}" for h in heads], bold)
                part = self.hops.filter(pl.col("facility") == name)
                listed = part.select("day", "wave", "class", "destination", "next_hop", "share", "usual_hop")
                for r, (day, clock, k, d, hop, share, usual) in enumerate(listed.iter_rows(), start=1):
                    cells = (str(day), clock, k, f"{d} {self.names.get(d, '')}", f"{hop} {self.names.get(hop, '')}")
                    page.write_row(r, 0, cells, changed if usual is not None else None)
                    page.write_number(r, 5, round(float(share), 2))
                    if usual is not None:
                        page.write_string(r, 6, f"{usual} {self.names.get(usual, '')}", changed)
                page.freeze_panes(1, 0)
                page.autofilter(0, 0, max(1, len(listed)), len(heads) - 1)
                page.set_column(0, len(heads) - 1, 20)

    def write(
        self, folder: Path, kind: str, names: Iterable[str], *, langs: Iterable[str] = ("en", "zh")
    ) -> list[Path]:
        """Write sheets as NAME.en.html, NAME.zh.html and NAME.xlsx; returns the files."""
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for name in names:
            stem = name.replace("/", "-")
            for lang in langs:
                path = folder / f"{stem}.{lang}.html"
                with staged_file(path) as staging:
                    staging.write_text(self.html(kind, name, lang), encoding="utf-8")
                written.append(path)
            self.write_xlsx(folder / f"{stem}.xlsx", kind, name)
            written.append(folder / f"{stem}.xlsx")
        return written
