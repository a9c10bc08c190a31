"""`koba train` and `koba trace CHECKPOINT --step N`, as a user types them: from a crawl to a model and back."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from koba import main
from manifests.errors import BadRecipe, BadSource, NotFound
from manifests.store import Store
from manifests.tokens import train_tokenizer
from tests.corpus import crawl_of_ours
from tests.trainer.small import sentences, tokens_in
from trainer.checkpoint import checkpoint_at
from trainer.prepare import learned_tokenizer, tokenised
from trainer.pretrain import weighted
from trainer.seen import first_step_of, step_rows

SHAPE = ["--vocabulary", "300", "--width", "32", "--heads", "2", "--key-heads", "1", "--ssm-state", "8"]
SHORT = ["--batch", "2", "--length", "64", "--warmup-steps", "2", "--steps", "8", "--threads", "1"]


def koba(url, *arguments):
    return CliRunner().invoke(main, [*arguments, "--store", url], catch_exceptions=False)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A store with pages, their echoes as a model's, and a model trained on both."""
    folder = tmp_path_factory.mktemp("house")
    crawl = [str(path) for path in crawl_of_ours.write(folder / "crawl")]
    url, runs = str(folder / "store"), str(folder / "run")
    koba(url, "run", "web", *crawl, "--tag", "web", "--workers", "1")
    echo = ["--model", "echo", "--engine", "echo", "--languages", "en", "--part-tokens", "60", "--parts", "1"]
    koba(url, "run", "paraphrase", "web", *echo, "--style", "hard", "--tag", "echoes")
    told = koba(url, "train", "web=1", "echoes=1", *SHAPE, *SHORT, "--folder", runs, "--json")
    return url, runs, json.loads(told.stdout)


def test_a_training_tells_its_loss_its_speed_and_its_data(house):
    url, runs, told = house
    assert told["steps"] == 8
    assert told["tokens"] == 8 * 2 * 64
    assert 0 < told["loss"] < 6
    assert told["tokens_per_s"] > 0
    assert told["checkpoint"] == str(Path(runs) / "step-00000008")
    heads = {Store(url).head(f"tokens/{name}").manifest for name in ("web", "echoes")}
    assert set(told["data"]) == heads


def test_the_same_command_again_finds_everything_made(house):
    url, runs, told = house
    again = koba(url, "train", "web=1", "echoes=1", *SHAPE, *SHORT, "--folder", runs, "--json")
    assert json.loads(again.stdout) == told


def test_a_training_that_starts_from_another_has_its_shape_and_tokenizer(house, tmp_path):
    url, runs, first = house
    options = ["--start", runs, "--window", "16", "--save-every", "2", "--average", "2", "--tensorboard", "--json"]
    told = koba(url, "train", "web", *SHORT, "--steps", "4", "--folder", str(tmp_path), *options)
    mean, start = checkpoint_at(Path(json.loads(told.stdout)["checkpoint"])), checkpoint_at(Path(runs))
    assert mean.path.name == "average-00000004-of-2"
    assert mean.job.start == start.weights_digest == first["weights"]
    assert mean.job.config == replace(start.job.config, window=16)
    assert mean.job.tokenizer == start.job.tokenizer
    assert list((tmp_path / "tensorboard").iterdir())
    assert json.loads(told.stdout)["mfu"] > 0
    refused = koba(url, "train", "web", *SHORT, "--folder", str(tmp_path), "--start", runs, "--width", "64")
    assert (refused.exit_code, "width 64: the model at" in refused.stderr) == (2, True)


def test_a_preset_gives_defaults_and_what_is_typed_counts(house, tmp_path):
    url, _, _ = house
    options = ["--preset", "swallow-cpt", "--learning-rate", "1e-4", *SHAPE, *SHORT]
    told = koba(url, "train", "web", *options, "--steps", "1", "--folder", str(tmp_path), "--json")
    settings = checkpoint_at(Path(json.loads(told.stdout)["checkpoint"])).job.settings
    assert (settings.learning_rate, settings.batch, settings.beta2) == (1e-4, 2, 0.95)
    shown = koba(url, "train", "--preset", "swallow-cpt", "--help").stdout
    assert "[default: 1024]" in shown


def test_a_model_with_a_window_goes_on_with_full_attention(house, tmp_path):
    url, runs, _ = house
    short, long = str(tmp_path / "short"), str(tmp_path / "long")
    koba(url, "train", "web", *SHORT, "--steps", "1", "--start", runs, "--window", "16", "--folder", short)
    assert checkpoint_at(Path(short)).job.config.window == 16
    options = ["--start", short, "--preset", "plamo-long", *SHORT, "--length", "128", "--steps", "1", "--folder", long]
    koba(url, "train", "web", *options)
    job = checkpoint_at(Path(long)).job
    assert (job.config.window, job.config.rope_theta, job.settings.length) == (None, 1e6, 128)


def test_a_step_leads_back_through_a_call_to_a_record_of_the_crawl(house):
    url, runs, _ = house
    store = Store(url)
    step = first_step_of(store, checkpoint_at(Path(runs)), store.head("tokens/echoes").manifest)
    done = koba(url, "trace", runs, "--step", str(step), "--json")
    assert done.exit_code == 0
    rows = json.loads(done.stdout)["rows"]
    assert len(rows) == len(step_rows(store, checkpoint_at(Path(runs)), step))
    written = next(row["trace"] for row in rows if row["manifest"] == store.head("tokens/echoes").manifest)
    [echo] = written["parents"]
    [call] = echo["calls"]
    assert (call["finish_reason"], call["tokens_out"] > 0) == ("stop", True)
    [page] = echo["parents"]
    assert page["url"].startswith("https://")
    assert page["origin"]["file"].endswith(".warc.gz")
    assert page["reading"]["outcome"] == "equal"


def test_a_trace_of_a_step_is_printed_with_calls_and_records(house):
    url, runs, _ = house
    told = koba(url, "trace", runs, "--step", "1").output
    assert f"step 1 of {Path(runs) / 'step-00000008'}: 128 tokens of " in told
    assert "made by Tokenize" in told
    assert "of them equal" in told


def test_a_step_whose_crawl_was_moved_is_told_with_an_exit_code(house, tmp_path):
    url, runs, _ = house
    [record] = {row["trace"]["parents"][0]["location"] for row in _rows(url, runs) if _of(row)} - {None}
    moved = tmp_path / "moved"
    Path(record).rename(moved)
    try:
        assert koba(url, "trace", runs, "--step", "1").exit_code == 2
    finally:
        moved.rename(record)


def _rows(url, runs):
    return json.loads(koba(url, "trace", runs, "--step", "1", "--json").stdout)["rows"]


def _of(row):
    return row["trace"]["parents"][0]["location"]


def test_a_report_of_a_training_is_written(house, tmp_path):
    url, runs, _ = house
    page = tmp_path / "page.html"
    assert koba(url, "report", runs, "-o", str(page)).exit_code == 0
    assert "tokens/web@1" in page.read_text()


@pytest.mark.parametrize("given", [["a=1", "b"], ["a", "a"], ["a=much"]])
def test_weights_are_given_to_all_datasets_or_to_none(given):
    with pytest.raises(BadRecipe, match=r"expected numbers|give each|named twice"):
        weighted(given)


def test_without_weights_every_dataset_is_read_at_the_pace_of_its_size(house):
    url, _, _ = house
    data = tokenised(Store(url), {"web": None, "echoes": None}, vocabulary=300)
    assert sum(data.weights.values()) == data.tokens


def test_a_tokenizer_is_learned_once_for_the_same_texts(house):
    store = Store(house[0])
    manifests = [store.manifest("web"), store.manifest("echoes")]
    digest = learned_tokenizer(store, manifests, 300)
    written = store.files.age_s(f"objects/{digest[:2]}/{digest}.tokenizer")
    assert learned_tokenizer(store, reversed(manifests), 300) == digest
    assert store.files.age_s(f"objects/{digest[:2]}/{digest}.tokenizer") >= written
    assert learned_tokenizer(store, manifests, 310) != digest


def test_a_tokenizer_may_be_a_file_or_that_of_datasets_already_tokenised(tmp_path):
    store = Store(str(tmp_path / "store"))
    made = tokens_in(store, sentences(20), "tokens")
    file = tmp_path / "tokenizer.json"
    file.write_bytes(train_tokenizer(sentences(20), 300).data)
    by_file = tokenised(store, {"tokens": 1.0}, tokenizer=str(file))
    assert by_file == tokenised(store, {"tokens": 1.0})
    assert dict(by_file.weights) == {made.id: 1.0}


def test_another_tokenizer_than_that_of_the_tokens_is_refused(tmp_path):
    store = Store(str(tmp_path / "store"))
    tokens_in(store, sentences(20), "tokens")
    file = tmp_path / "other.json"
    file.write_bytes(train_tokenizer(sentences(9), 290).data)
    with pytest.raises(BadRecipe, match="made with another tokenizer"):
        tokenised(store, {"tokens": 1.0}, tokenizer=str(file))
    with pytest.raises(NotFound, match=r"expected a tokenizer\.json"):
        tokenised(store, {"tokens": 1.0}, tokenizer="nowhere")


def test_a_dataset_without_rows_and_a_model_are_no_data(tmp_path):
    store = Store(str(tmp_path / "store"))
    tokens_in(store, (), "none")
    with pytest.raises(BadSource, match="no rows at all"):
        tokenised(store, {"none": None})
    with pytest.raises(BadRecipe, match="nothing to train on"):
        tokenised(store, {})
