"""Write the sample pages in samples/ from their clean texts, damaged as careless reprints are: python -m scripts.sample_notice."""

from __future__ import annotations

import random
from pathlib import Path

from tests.notices import damage

FOLDER = Path(__file__).resolve().parents[1] / "samples"
SEED = 2022


def page() -> str:
    """The sample notice reprinted: traditional characters, pinyin, fillers, advertising, a footer."""
    rng = random.Random(SEED)
    title, _, body = (FOLDER / "season.clean.txt").read_text(encoding="utf-8").rstrip("\n").partition("\n")
    lines = body.split("\n")
    lines[1] = lines[1].replace("路由调整", f"路由{damage.SPAM[0]}调整", 1)
    text = "\n".join([title, *lines])
    for family in (damage.half_width, damage.doubled, damage.traditional, damage.pinyin):
        text = family(text, rng)
    title, _, body = text.partition("\n")
    around = [
        damage.traditional(part, rng) for part in (damage.HEADERS[0], damage.META[0], damage.SPAM[1], damage.FOOTERS[2])
    ]
    return f"{around[0]}{title}\n\n{around[1]}{around[2]}\n\n{body}\n\n{around[3]}"


if __name__ == "__main__":
    (FOLDER / "season.txt").write_text(page(), encoding="utf-8")
