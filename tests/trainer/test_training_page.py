"""The page of a training: its numbers are the checkpoint's, and hostile text is seen, never obeyed."""

import math
import re
from dataclasses import dataclass

import polars as pl
import pytest
from lxml import html

from manifests.errors import BadRecipe, NotFound
from manifests.provenance import Receipt
from manifests.report import charts
from manifests.rows import Document, Origin, row_id
from manifests.run import run
from manifests.stage import Recipe, Stage
from manifests.store import Store
from manifests.tokens import Tokenize, load_tokenizer, train_tokenizer
from manifests.view import View
from tests.manifests.test_report import HOSTILE, browser  # noqa: F401 - a fixture
from tests.trainer.small import CONFIG, Texts, sentences
from trainer.checkpoint import checkpoint_at
from trainer.exposure import by_group, exposure
from trainer.seen import step_rows
from trainer.settings import Settings
from trainer.train import train
from trainer.training_page import training_page

CALL = bytes(range(32))
SETTINGS = Settings(steps=12, batch=2, length=48, warmup_steps=2)


@dataclass(frozen=True)
class Crawled(Texts):
    """Texts that were read from a file of a crawl, in two languages."""

    def rows(self):
        for number, row in enumerate(super().rows()):
            origin = Origin("crawl.warc.gz", 1_000 * number, 250, "sha256:" + "ab" * 32)
            yield row.replace(origin=origin, url=f"https://a.example/{number}", language="ja" if number % 3 else "en")


@dataclass(frozen=True)
class Evil(Texts):
    """Texts, sources, languages and addresses that would take over a page."""

    def rows(self):
        for number, text in enumerate(self.texts):
            yield Document(
                id=row_id("document", "evil", str(number)),
                source=text,
                url=f"javascript:alert(1)//{text}",
                language=text[:12],
                text=text * 3,
            )


@dataclass(frozen=True, slots=True)
class Retell(Stage):
    """A new text from each, as if a model had written it."""

    def __call__(self, rows):
        for row in rows:
            yield row.derive(text=f"Retold: {row.text}", call=CALL, source="retell")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A store with a crawl, what a model made of it, and a training on both."""
    store = Store(str(tmp_path_factory.mktemp("store")))
    tokenize = Tokenize(train_tokenizer(sentences(20), 300).save(store), store)
    run(Recipe("web", ()), Crawled(sentences(40), "web"), store=store, tag="web")
    run(Recipe("web-tokens", (tokenize,)), "web", store=store, tag="web-tokens")
    run(Recipe("retold", (Retell(),)), "web", store=store, tag="retold")
    run(Recipe("retold-tokens", (tokenize,)), "retold", store=store, tag="retold-tokens")
    folder = tmp_path_factory.mktemp("runs") / "small"
    train(store, {"web-tokens": 3, "retold-tokens": 1}, CONFIG, SETTINGS, folder, save_every=6)
    return store, checkpoint_at(folder)


def words(page: str) -> str:
    return told(html.fromstring(page).find("body"))


def told(element: html.HtmlElement) -> str:
    """What an element says, with one blank between any two words and none before a comma."""
    return " ".join(" ".join(element.itertext()).split()).replace(" ,", ",")


def test_the_numbers_on_the_page_are_those_of_the_checkpoint(made):
    store, checkpoint = made
    page = html.fromstring(training_page(store, checkpoint))
    boxes = {box.xpath("string(text())"): box.findtext("b") for box in page.xpath("//div[@class='facts']/div")}
    metrics = checkpoint.metrics()
    assert boxes["parameters"] == f"{sum(weights.numel() for weights in checkpoint.weights().values()):,}"
    assert boxes["steps"] == str(checkpoint.step) == "12"
    assert boxes["tokens read"] == f"{metrics[-1]['tokens']:,}" == f"{checkpoint.state.packed:,}"
    assert boxes["loss of the last step"] == f"{metrics[-1]['loss']:.4g}"
    recent = [line["loss"] for line in metrics[-5:]]
    assert float(boxes["perplexity, in training"]) == pytest.approx(math.exp(sum(recent) / 5), rel=1e-3)
    speeds = sorted(line["tokens_per_s"] for line in metrics)
    assert boxes["tokens/s, median"] == f"{round((speeds[5] + speeds[6]) / 2):,}"
    shares = sorted(line["mfu"] for line in metrics)
    mfu = boxes["MFU, of the measured speed of matrix products"]
    assert mfu == f"{100 * (shares[5] + shares[6]) / 2:.1f} %"


def test_the_page_states_the_job_and_its_data(made):
    store, checkpoint = made
    page = html.fromstring(training_page(store, checkpoint))
    text = told(page)
    assert f"Tokenizer {checkpoint.job.tokenizer}" in text
    assert "drawn from the seed 0" in text
    literals = {row.findtext("th"): row.findtext("td") for row in page.xpath("//h3/following-sibling::div//tr")}
    job = checkpoint.job.as_dict()
    assert literals == {
        key: "none" if value is None else str(value)
        for part in ("config", "settings")
        for key, value in job[part].items()
    }
    for name, parents in (("web-tokens@1", "web@1"), ("retold-tokens@1", "retold@1, web@1")):
        assert f"{name} {store.resolve(name)[:16]} made of {parents} " in text
    assert "75.0 %" in text


def test_what_was_read_adds_up_to_the_tokens_of_all_steps(made):
    store, checkpoint = made
    reads = exposure(store, checkpoint)
    seen = [one for step in range(1, checkpoint.step + 1) for one in step_rows(store, checkpoint, step)]
    counted = pl.DataFrame({"manifest": [s.manifest for s in seen], "tokens": [s.stop - s.start for s in seen]})
    by_manifest = dict(counted.group_by("manifest").agg(pl.sum("tokens")).iter_rows())
    assert {read.source.name: read.tokens for read in reads} == by_manifest
    languages = {row.id: row.language for read in reads for row in View(store, read.source.manifest)}
    by_language: dict[str, int] = {}
    for one in seen:
        by_language[languages[one.row]] = by_language.get(languages[one.row], 0) + one.stop - one.start
    found = by_group(reads, "language")
    assert dict(found.select("language", "tokens").iter_rows()) == by_language
    assert found["rows"].sum() == len({one.row for one in seen})


def test_epochs_count_passes_over_the_rows(made, tmp_path):
    store, _ = made
    done = train(store, {"web-tokens": 1}, CONFIG, Settings(epochs=3, batch=2, length=48), tmp_path)
    [read] = exposure(store, done)
    assert read.epochs == 3
    assert read.tokens == 3 * read.source.manifest.tokens == done.state.packed
    assert by_group([read], "source").to_dicts() == [{"source": "web", "rows": 40, "tokens": read.tokens}]


def test_the_last_step_is_shown_with_text_and_the_way_back_to_the_record(made):
    store, checkpoint = made
    tokenizer = load_tokenizer(store, checkpoint.job.tokenizer)
    page = html.fromstring(training_page(store, checkpoint))
    shown = page.xpath("//h2[@id='step']/following-sibling::div[@class='sample']")
    seen = step_rows(store, checkpoint, 12)
    assert len(shown) == len(seen)
    for one, sample in zip(seen, shown, strict=True):
        rows = {row.id: row for row in View(store, store.manifest(one.manifest))}
        assert sample.findtext("pre") == tokenizer.decode(rows[one.row].input_ids[one.start : one.stop])
        text = told(sample)
        assert f"tokens {one.start} to {one.stop} of {len(rows[one.row].input_ids)}" in text
        assert f"{one.row.hex()} made by Tokenize" in text
        assert f"{rows[one.row].parents[0].hex()}" in text
        assert re.search(r"read from crawl\.warc\.gz, offset [\d,]+, 250 bytes payload sha256:abab", text)


def test_a_row_that_a_model_wrote_names_the_call(made):
    store, checkpoint = made
    retold = store.resolve("retold-tokens")
    step = next(n for n in range(1, 13) if any(one.manifest == retold for one in step_rows(store, checkpoint, n)))
    text = words(training_page(store, checkpoint, step=step))
    assert re.search(rf"made by Retell, in retold@1 https://\S+ written by the model call {CALL.hex()}", text)
    paid = words(training_page(store, checkpoint, step=step, recall=lambda key: Receipt(key, 1_200, 34, "stop")))
    assert f"the model call {CALL.hex()}, 1,200 tokens in, 34 out, stop" in paid


def test_bits_for_each_byte_are_the_loss_over_the_bytes_that_were_predicted(made):
    store, checkpoint = made
    tokenizer = load_tokenizer(store, checkpoint.job.tokenizer)
    targets, text_bytes = 0, 0
    for one in step_rows(store, checkpoint, 3):
        row = next(row for row in View(store, store.manifest(one.manifest)) if row.id == one.row)
        predicted = row.input_ids[one.start + 1 : one.stop + 1]
        targets += len(predicted)
        text_bytes += len(tokenizer.decode(predicted).replace("<|end|>", "").encode())  # the texts are ASCII
    loss = checkpoint.metrics()[2]["loss"]
    text = words(training_page(store, checkpoint, step=3))
    assert f"{targets} of them to be predicted, which stand for {text_bytes} bytes" in text
    assert f"Loss {loss:.4g}, perplexity {math.exp(loss):.4g}" in text
    assert f"about {loss / math.log(2) * targets / text_bytes:.4g} bits for each byte" in text


def test_a_step_may_lie_behind_the_checkpoint_but_not_outside_the_data(made, tmp_path):
    store, checkpoint = made
    assert "did not make the step yet" in words(training_page(store, checkpoint, step=20))
    done = train(store, {"web-tokens": 1}, CONFIG, Settings(epochs=1, batch=2, length=48), tmp_path)
    for step in (0, done.step + 1):
        with pytest.raises(BadRecipe, match=f"there is no step {step}"):
            training_page(store, done, step=step)


def test_a_store_without_the_data_is_told(made, tmp_path):
    _, checkpoint = made
    with pytest.raises(NotFound, match="manifest"):
        training_page(Store(str(tmp_path / "other")), checkpoint)


def test_hostile_text_is_seen_in_the_browser_and_never_obeyed(tmp_path, browser):  # noqa: F811
    store = Store(str(tmp_path / "store"))
    tokenize = Tokenize(train_tokenizer(HOSTILE, 300).save(store), store)
    run(Recipe("evil", (tokenize,)), Evil(HOSTILE, "evil"), store=store, tag="evil")
    done = train(store, {"evil": 1}, CONFIG, Settings(steps=3, batch=4, length=512), tmp_path / "<b>run<script>")
    seen = browser(training_page(store, done))
    assert seen.findtext(".//title") == "<b>run<script>, step 3 · koba"
    assert seen.xpath("//script | //iframe | //img | //object | //embed | //link | //form | //base") == []
    assert [name for element in seen.iter() for name in element.attrib if name.lower().startswith("on")] == []
    assert {HOSTILE[0], HOSTILE[1]} <= {cell.text for cell in seen.xpath("//h2[@id='read']/following::td")}
    assert HOSTILE[2] in seen.text_content()
    assert len(seen.xpath("//*[local-name()='svg']")) == 4
    assert seen.xpath("//h2[.='Curves']")


def test_a_page_loads_nothing_and_is_the_same_each_time(made):
    store, checkpoint = made
    page = training_page(store, checkpoint)
    assert "default-src 'none'" in page
    local = re.sub(r'xlink:href="#[^"]*"|xmlns\S+', "", page)
    assert not re.findall(r"""(?:src|href|action)=["']?(?!#)[^"'> ]+|url\((?!#)""", local)
    assert page == training_page(store, checkpoint)


def test_a_long_curve_keeps_its_spikes_and_stays_small():
    values = [1.0] * 200_000
    values[123_456] = 1.7
    chart = charts.series(values, "loss", counts=list(range(8, 1_600_008, 8)), window=4_000)
    assert len(chart) < 200_000
    flat = charts.series([1.0] * 200_000, "loss", counts=list(range(8, 1_600_008, 8)), window=4_000)
    assert chart != flat


def test_a_smoothed_line_is_the_mean_of_the_steps_up_to_each():
    assert charts.running_mean([4.0, 2.0, 3.0, 1.0], 2).tolist() == [4.0, 3.0, 2.5, 2.0]
