"""`koba evaluate`: what a model recalls over long texts, and its perplexity by source."""

from dataclasses import asdict
from pathlib import Path

import click

from manifests.commands import command, open_store
from manifests.errors import BadRecipe
from manifests.options import echo_json, json_option


@command("evaluate")
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.argument("datasets", nargs=-1, metavar="[DATASET]...")
@click.option("--task", "tasks", multiple=True, type=click.Choice(["phonebook", "passkey", "mqar"]))
@click.option("--size", "sizes", multiple=True, type=click.IntRange(3), help="Entries, pairs, or characters of filler.")
@click.option("--count", default=32, show_default=True, type=click.IntRange(1), help="Questions of each size.")
@click.option("--length", default=512, show_default=True, type=click.IntRange(2), help="Tokens of a text that count.")
@click.option("--rows", default=200, show_default=True, type=click.IntRange(1), help="Of each dataset.")
@click.option("--seed", default=0, show_default=True, help="Of the questions.")
@json_option
def evaluate(
    checkpoint: Path, datasets: tuple[str, ...], tasks: tuple[str, ...], sizes: tuple[int, ...], count: int,
    length: int, rows: int, seed: int, store_url: str, as_json: bool,
) -> None:  # fmt: skip
    """Tell what a model recalls, and its perplexity on datasets by source, domain and language.

    \b
        koba evaluate runs/long --task phonebook --size 20 --size 80
        koba evaluate runs/small web-sample

    For lm-evaluation-harness, export the model (trainer.export.export), then:
    lm_eval --model hf --model_args pretrained=FOLDER --tasks hellaswag
    """
    # Imported here, for help must be quick.
    from manifests.tables import console, table  # noqa: PLC0415
    from manifests.tokenizer_choice import chosen_tokenizer  # noqa: PLC0415
    from manifests.tokens import load_tokenizer  # noqa: PLC0415
    from trainer.exam import model_of, perplexities, recalled  # noqa: PLC0415
    from trainer.prepare import tokenised  # noqa: PLC0415
    from trainer.recall import TASKS  # noqa: PLC0415
    from trainer.start import start_at, tokenizer_of  # noqa: PLC0415

    if not tasks and not datasets:
        raise BadRecipe("nothing to evaluate: give a DATASET, or --task phonebook")
    store, origin = open_store(store_url), start_at(checkpoint)
    named = tokenizer_of(origin)
    if named is None:
        raise BadRecipe(f"{checkpoint} has no tokenizer that koba reads; put its tokenizer.json beside the weights")
    digest = chosen_tokenizer(store, named)
    model, tokenizer = model_of(origin), load_tokenizer(store, digest)
    found = [
        recalled(model, tokenizer, TASKS[task](size, count, seed)) for task in tasks for size in sizes or (20, 40, 80)
    ]
    perplexity = {
        name: perplexities(
            store, model, next(iter(tokenised(store, {name: None}, tokenizer=digest).weights)), length, rows
        )
        for name in datasets
    }
    if as_json:
        echo_json({"recall": [asdict(one) for one in found], "perplexity": perplexity})
        return
    if found:
        lines = [[one.task, str(one.size), str(one.tokens), str(one.asked), f"{one.accuracy:.2f}"] for one in found]
        console().print(table("task", "#size", "#tokens", "#questions", "#accuracy", rows=lines))
    if perplexity:
        lines = [[name, what, f"{value:.2f}"] for name, its in perplexity.items() for what, value in its.items()]
        console().print(table("dataset", "measure", "#value", rows=lines))
