"""`koba classifier`: train one from labels, look at how it did. Importing this module makes it one of the commands."""

from typing import TYPE_CHECKING

import click
import msgspec

from manifests.commands import COMMANDS, open_store
from manifests.options import Command, Group, echo_json, json_option, store_option

if TYPE_CHECKING:
    from filters.labelled import Labelled
    from filters.learning_plan import Kind
    from filters.token_line import Reads
    from manifests.store import Store


@click.group("classifier", cls=Group)
def classifier() -> None:
    """Classifiers of texts, learned from labels: models that recipes name."""


COMMANDS.append(classifier)


@classifier.command("train", cls=Command)
@click.argument("name")
@click.option("--from", "labels", multiple=True, metavar="DATASET", help="Labelled rows, as of `koba run annotate`.")
@click.option("--label", help="Name of the label in it [default: NAME].")
@click.option("--class", "sets", multiple=True, metavar="CLASS=DATASET", help="Or: a dataset for each class.")
@click.option("--per-class", type=click.IntRange(1), help="Take so many rows of each of these at most, by chance.")
@click.option("--positive", default="", help="Of two classes the one that is scored [default: yes, or the first].")
@click.option("--kind", type=click.Choice(["fasttext", "embedding"]), default="fasttext", show_default=True)
@click.option("--threshold", type=float, help="Points, or a probability, from which on a text is good.")
@click.option("--reads", type=click.Choice(["text", "code"]), default="text", show_default=True, help="Of Markdown.")
@click.option("--max-chars", default=3_000, show_default=True, type=click.IntRange(1, 100_000), help="Of a text.")
@click.option("--folds", default=5, show_default=True, type=click.IntRange(2, 50), help="Of sites, held out in turn.")
@click.option("--apart", multiple=True, metavar="DOMAIN", help="Site each of whose pages is held out by itself.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0, 2**31 - 1))
@click.option("--learning-rate", default=0.5, show_default=True, help="Of fastText.")
@click.option("--epochs", default=25, show_default=True, type=click.IntRange(1), help="Of fastText.")
@click.option("--ngrams", default=2, show_default=True, type=click.IntRange(1, 5), help="Words; of Japanese letters.")
@click.option("--encoder", default="models/minilm", show_default=True, help="Sentence model, for embeddings.")
@click.option("--licence", help="SPDX identifier [default: those of the rows].")
@click.option("--tag", help="Its name in the store [default: models/NAME].")
@json_option
@store_option
def train_classifier(
    name: str,
    labels: tuple[str, ...],
    label: str | None,
    sets: tuple[str, ...],
    per_class: int | None,
    positive: str,
    kind: "Kind",
    threshold: float | None,
    reads: "Reads",
    max_chars: int,
    folds: int,
    apart: tuple[str, ...],
    seed: int,
    learning_rate: float,
    epochs: int,
    ngrams: int,
    encoder: str,
    licence: str | None,
    tag: str | None,
    store_url: str,
    as_json: bool,
) -> None:
    """Learn to tell NAME from labelled texts, judge it on sites that were held out, and store it.

    koba classifier train education --from annotate-education

    koba classifier train wikipedia --class wiki=wiki-ja --class web=web --apart wikipedia.org --max-chars 400
    """
    from filters.classifier_table import print_classifier  # noqa: PLC0415 - help must be quick
    from filters.fasttext_training import Settings  # noqa: PLC0415
    from filters.learning import learn  # noqa: PLC0415
    from filters.learning_plan import Plan  # noqa: PLC0415

    store = open_store(store_url)
    given = dict(_pair(one) for one in sets)
    labelled = _labelled(store, name, labels, label, given, per_class, apart)
    plan = Plan(
        name=name,
        kind=kind,
        threshold=threshold,
        positive=positive or next(iter(given), ""),
        reads=reads,
        max_chars=max_chars,
        folds=folds,
        seed=seed,
        encoder=encoder,
        fasttext=Settings(lr=learning_rate, epoch=epochs, wordNgrams=ngrams),
        licence=licence,
    )
    learned = learn(store, labelled, plan)
    ref = store.tag(tag or f"models/{name}", learned.manifest.id)
    if as_json:
        echo_json(
            {"ref": str(ref), "manifest": learned.manifest.id, "evaluation": msgspec.to_builtins(learned.evaluation)}
        )
        return
    print_classifier(str(ref), learned.config, learned.evaluation)
    click.echo(learned.manifest.id)


@classifier.command("show", cls=Command)
@click.argument("ref")
@json_option
@store_option
def show_classifier(ref: str, store_url: str, as_json: bool) -> None:
    """Show what a classifier tells, and how it did on sites that were held out.

    koba classifier show models/education
    """
    from filters.classifier_table import print_classifier, read_classifier  # noqa: PLC0415 - help must be quick

    store = open_store(store_url)
    config, evaluation = read_classifier(store, ref)
    if as_json:
        echo_json({"ref": ref, "evaluation": msgspec.to_builtins(evaluation)})
    else:
        print_classifier(ref, config, evaluation)


def _labelled(
    store: "Store",
    name: str,
    labels: tuple[str, ...],
    label: str | None,
    sets: dict[str, str],
    per_class: int | None,
    apart: tuple[str, ...],
) -> "Labelled":
    from filters.labelled import by_label, by_set  # noqa: PLC0415 - help must be quick

    if labels and not sets:
        return by_label(store, labels, label or name, apart)
    if len(sets) > 1 and not labels:
        return by_set(store, sets, apart, per_class)
    raise click.UsageError("expected --from with a labelled dataset or several, or --class CLASS=DATASET twice or more")


def _pair(given: str) -> tuple[str, str]:
    label, equals, name = given.partition("=")
    if not (label and equals and name):
        raise click.UsageError(f"--class {given}: expected CLASS=DATASET, such as --class web=web-ja")
    return label, name
