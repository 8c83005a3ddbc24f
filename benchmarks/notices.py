"""Reading notices: pages a second, a page of 10 MB, start of the command, beside well-kept readers in the same run.

In:     samples/season.clean.txt, damaged anew for each page, so that nothing remembered helps
Out:    Markdown rows
Not:    how well pages are read (tests/notices)
Words:  peer = OpenCC converting, trafilatura extracting the same pages; each does a part of the work
"""

from __future__ import annotations

import gc
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.notices.damage import as_html, doubled, half_width, pinyin, traditional
from tests.notices.samples import samples

RUNS = 5
PAGES = 100
LENGTH = 2_000
BIG_MB = 10

_BIG = """
import random, resource, sys, time
from benchmarks.notices import big_page
from clearway.notices import standard_reader
data = big_page({html})
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
reader = standard_reader()
begun = time.perf_counter()
notice = reader.read(data, "page{suffix}")
print(time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, len(notice.repairs))
"""


def noisy(rng: random.Random) -> str:
    """A noisy page of about 2,000 characters in which no two sentences are alike, nor alike to another page's."""
    lines: list[str] = []
    while sum(map(len, lines)) < LENGTH:
        sample = rng.choice(samples()).clean
        for line in sample.rstrip("\n").split("\n")[1:]:
            # 甲 … 癸 and numbers make each sentence another
            lines.append(
                line.replace("。", f"，{rng.choice('甲乙丙丁戊己庚辛壬癸')}类{rng.choice('子丑寅卯辰巳午未')}级。")
            )
    text = "\n".join(lines)
    for family in rng.sample((half_width, doubled, traditional, pinyin), 2):
        text = family(text, rng)
    return text[:LENGTH]


def big_page(html: bool) -> bytes:
    """A page of 10 MB, noisy throughout."""
    rng = random.Random(10)
    part = "\n".join(noisy(rng) for _ in range(40)) + "\n"
    if html:
        part = "".join(f"<p>{line}</p>" for line in part.split("\n"))
    return (
        (part * ((BIG_MB << 20) // len(part.encode()) + 1)).encode()[: BIG_MB << 20].decode("utf-8", "ignore").encode()
    )


def rate(read: Callable[[bytes, str], object], pages: list[bytes], name: str) -> float:
    """Pages a second of processor time, the median of runs."""
    seconds = []
    for _ in range(RUNS):
        gc.collect()
        begun = time.process_time()
        for page in pages:
            read(page, name)
        seconds.append(time.process_time() - begun)
    return len(pages) / statistics.median(seconds)


def main() -> None:
    """Print the table."""
    import opencc
    import trafilatura

    from clearway.notices import standard_reader

    rng = random.Random(1)
    texts = [noisy(rng) for _ in range(PAGES)]
    plain = [text.encode() for text in texts]
    marked = [as_html(text, text.split("\n")[0], rng) for text in texts]
    reader, simplify = standard_reader(), opencc.OpenCC("t2s")
    reader.read(plain[0], "a.txt")
    reader.read(marked[0], "a.html")
    rates = [
        ("pages of 2,000 characters a second, text", rate(reader.read, plain, "a.txt"), "OpenCC, conversion alone",
         rate(lambda page, _: simplify.convert(page.decode()), plain, "")),
        ("the same pages as HTML", rate(reader.read, marked, "a.html"), "trafilatura, extraction alone",
         rate(lambda page, _: trafilatura.extract(page), marked, "")),
        ("the same text again and again", rate(reader.read, plain[:1] * PAGES, "a.txt"), "", 0.0),
    ]  # fmt: skip
    print("| what | Clearway | peer | peer's | Clearway / peer |\n|---|---|---|---|---|")
    for what, own, peer, theirs in rates:
        print(
            f"| {what} | {own:,.0f} | {peer} | {f'{theirs:,.0f}' if peer else ''} | {f'{own / theirs:.2f}' if peer else ''} |"
        )
    for html in (False, True):
        got = [_big(html) for _ in range(RUNS)]
        seconds, memory = (statistics.median(g[k] for g in got) for k in (0, 1))
        print(
            f"| a page of {BIG_MB} MB, {'HTML' if html else 'text'}: seconds, MB | {seconds:.1f}, {memory:.0f} | | | |"
        )
    starts = []
    clearway = str(Path(sys.executable).with_name("clearway"))
    for _ in range(RUNS):
        begun = time.perf_counter()
        subprocess.run([clearway, "read", "samples/season.clean.txt", "--quiet"], check=True, capture_output=True)
        starts.append(time.perf_counter() - begun)
    print(f"| `clearway read` of one page, whole command: seconds | {statistics.median(starts):.2f} | | | |")


def _big(html: bool) -> tuple[float, float]:
    code = _BIG.format(html=html, suffix=".html" if html else ".txt")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds, memory, _ = done.stdout.split()
    return float(seconds), float(memory)


if __name__ == "__main__":
    main()
