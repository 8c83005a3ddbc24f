"""The state of a network at a time, from which it is planned anew: stock, and the sums that it must agree with.

In:     tables of stock (a simulation's, or counted on the floor), their file
Out:    State, checked
Not:    taking it (simulation), planning from it (replanning.py)
Words:  balance = what was offered so far is delivered or in the stock, class by class
Source: docs/case-format.md
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from clearway.core.errors import PlanError
from clearway.core.files import staged_folder

FILES = frozenset({"state.json", "stock.parquet", "stock.csv"})
OFF = 0.5  # parcels that counting may differ by


@dataclass(frozen=True, eq=False)
class State:
    """What there is at ``at``. stock: the columns of stock.csv; by_class: parcels offered and delivered before,
    where they are known."""

    at: str
    stock: pl.DataFrame
    by_class: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def write(self, folder: str | Path) -> Path:
        """Write state.json and stock.parquet."""
        with staged_folder(Path(folder), FILES) as staging:
            facts = {"at": self.at, "classes": self.by_class}
            (staging / "state.json").write_text(json.dumps(facts, ensure_ascii=False, indent=2) + "\n", "utf-8")
            self.stock.write_parquet(staging / "stock.parquet")
        return Path(folder)

    @staticmethod
    def read(folder: str | Path) -> State:
        """Read a folder with stock.parquet or stock.csv, and state.json where it has one; it must balance."""
        path = Path(folder)
        try:
            known = path / "state.json"
            facts: dict[str, Any] = json.loads(known.read_text(encoding="utf-8")) if known.exists() else {}
            if (path / "stock.parquet").exists():
                stock = pl.read_parquet(path / "stock.parquet")
            else:
                stock = pl.read_csv(path / "stock.csv", infer_schema=False)
        except FileNotFoundError as error:
            raise PlanError(f"{path} is not a state: it has neither stock.parquet nor stock.csv.") from error
        except (ValueError, OSError, pl.exceptions.PolarsError) as error:
            raise PlanError(f"{path} cannot be read as a state: {str(error).splitlines()[0]}") from error
        made = State(str(facts.get("at", "")), stock, facts.get("classes", {}))
        made.check()
        return made

    def check(self) -> None:
        """Raises PlanError with every class whose parcels do not add up."""
        if not self.by_class or not {"class", "parcels"} <= set(self.stock.columns):
            return
        counted = self.stock.group_by(pl.col("class").cast(pl.String)).agg(pl.col("parcels").cast(pl.Float64).sum())
        have = dict(counted.iter_rows())
        wrong = []
        for name in sorted(set(have) | set(self.by_class)):
            sums = self.by_class.get(name, {"offered": 0.0, "delivered": 0.0})
            should, found = sums["offered"] - sums["delivered"], have.get(name, 0.0)
            if abs(should - found) > OFF:
                wrong.append(
                    f"class {name}: {sums['offered']:,.0f} offered less {sums['delivered']:,.0f} delivered is "
                    f"{should:,.0f}, but the stock holds {found:,.0f}"
                )
        if wrong:
            raise PlanError(f"The state at {self.at} does not balance: " + "; ".join(wrong) + ".")
