"""The command about made-up worlds: world.

In:     a case, days, a seed
Out:    files of records, what must be found in them
Not:    how a world is made (clearway.world)
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clearway.cli.app import CaseArgument, Json, Lang, app, day_option, echo_json, language


@app.command()
def world(
    case: CaseArgument,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="A new folder.")],
    start: Annotated[str, typer.Option("--from", metavar="DAY", help="First day.")],
    end: Annotated[str, typer.Option("--to", metavar="DAY", help="Last day.")],
    seed: Annotated[int, typer.Option("--seed", help="Another number, another world.")] = 1,
    items: Annotated[int, typer.Option("--items", min=0, help="Items accepted a day; 0 for returns only.")] = 500,
    outlets: Annotated[int, typer.Option("--outlets", min=0, help="Of each facility.")] = 2,
    villages: Annotated[int, typer.Option("--villages", min=0, help="Of each facility.")] = 2,
    each: Annotated[
        int, typer.Option("--each", min=0, help="Violations, and near misses, of each rule; 0 for none.")
    ] = 20,
    json_: Json = False,
    lang: Lang = None,
) -> None:
    """Write a believable stream of events, returns and registers, with planted violations and their truth.

    Take it in with 'clearway ingest DIR/records/*.parquet --lake L --origin generated', then DIR/later/*.parquet.
    """
    from clearway.cases import Case
    from clearway.world import make_world

    tongue = language(lang)
    first, last = day_option(start, "--from"), day_option(end, "--to")
    assert first is not None and last is not None
    made = make_world(Case.read(case), first, last, seed, items=items, outlets=outlets, villages=villages, each=each)
    made.write(out)
    if json_:
        echo_json(made.about)
        return
    records, kinds = sum(len(f) for f in made.records.values()), made.truth["kind"].value_counts().rows()
    planted = dict(kinds)
    rules = made.truth["rule"].n_unique()
    if tongue == "zh":
        typer.echo(
            f"{records:,} 条记录；{rules} 条规则，"
            f"违反 {planted.get('violation', 0):,}，临界 {planted.get('near-miss', 0):,}"
        )
    else:
        typer.echo(
            f"{records:,} records; {rules} rules, {planted.get('violation', 0):,} violations, "
            f"{planted.get('near-miss', 0):,} near misses"
        )
    typer.echo(f"{out}/records  {out}/later  {out}/truth.csv")
