"""One side of the benchmark of the web pipeline, in a process of its own: `web_side koba|datatrove WARC WARM_UP`.

Prints how many documents it kept and the CPU seconds that it and its helpers took for WARC, after WARM_UP.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from corpus.crawl import WarcFiles
from corpus.web import recipe
from filters.language import model_path
from manifests.run import run
from manifests.stage import Recipe, Selection
from manifests.store import Store
from manifests.view import View


def koba(warc: Path, folder: str) -> int:
    """Run what the recipe does to pages one by one: all but deduplication."""
    steps = recipe(languages=("en",)).steps
    first = next(place for place, step in enumerate(steps) if isinstance(step, Selection))
    store = Store(f"{folder}/koba")
    manifest = run(Recipe("web", steps[:first]), WarcFiles.find([str(warc)]), store=store).manifest
    return sum(1 for _ in View(store, manifest))


def datatrove(warc: Path, folder: str) -> int:
    """Run the same rules as FineWeb's script has them, written as Parquet. No list of addresses, on either side."""
    from datatrove.pipeline import filters as peer
    from datatrove.pipeline.extractors import Trafilatura
    from datatrove.pipeline.readers import WarcReader
    from datatrove.pipeline.writers import ParquetWriter
    from fasttext.FastText import _FastText

    language = peer.LanguageFilter(languages=["en"])
    language.model._model = _FastText(str(model_path()))  # it would fetch the model
    steps = [
        WarcReader(str(warc.parent), glob_pattern=warc.name),
        Trafilatura(favour_precision=True, timeout=10),
        language,
        peer.GopherRepetitionFilter(),
        peer.GopherQualityFilter(),
        peer.C4QualityFilter(filter_no_terminal_punct=False),
        peer.FineWebQualityFilter(),
        ParquetWriter(f"{folder}/datatrove"),
    ]
    data = None
    for step in steps:
        data = step.run(data, rank=0, world_size=1)
    return sum(1 for _ in data)


def main(side: Callable[[Path, str], int], warc: Path, warm_up: Path) -> None:
    """Print the outcome of one side."""
    with TemporaryDirectory(prefix="koba-bench-web-") as folder:
        side(warm_up, f"{folder}/warm-up")
        before = _cpu_s()
        kept = side(warc, f"{folder}/run")
        print(json.dumps({"kept": kept, "cpu_s": _cpu_s() - before}))


def _cpu_s() -> float:
    """Return the CPU seconds of this process and of all its children, those that still run included."""
    children = "".join([path.read_text() for path in Path("/proc/self/task").glob("*/children")]).split()
    clocks = [(~int(pid) << 3) | 2 for pid in children]  # clock_getcpuclockid(3)
    ended = os.times()
    return (
        time.process_time() + ended.children_user + ended.children_system + sum(time.clock_gettime(c) for c in clocks)
    )


if __name__ == "__main__":
    main({"koba": koba, "datatrove": datatrove}[sys.argv[1]], Path(sys.argv[2]), Path(sys.argv[3]))
