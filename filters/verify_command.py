"""`koba verify`: replies held against the constraints that their prompts state."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from manifests.commands import command
from manifests.errors import BadRow
from manifests.options import echo_json, json_option

if TYPE_CHECKING:
    from filters.constraint_records import Accuracy, Record

EXIT_UNSATISFIED = 1


@command("verify")
@click.argument("replies", type=click.File(encoding="utf-8"))
@click.option(
    "--prompts",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON lines with the constraints, by `prompt`, where the replies do not hold their own.",
)
@click.option("--column", default="response", show_default=True, help="Column that holds the reply.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 where a reply does not satisfy its constraints (strict).")
@json_option
def verify_replies(
    replies: Any,
    prompts: Path | None,
    column: str,
    exit_code: bool,
    as_json: bool,
    store_url: str,  # noqa: ARG001
) -> None:
    """Verify replies: JSON lines with `instruction_id_list` and `kwargs`, as IFEval and M-IFEval have them.

    Prints strict and loose accuracy by prompt, by instruction and by id: koba verify replies.jsonl
    """
    from filters.constraint_records import Accuracy, verdicts  # noqa: PLC0415 - help must be quick

    made = Accuracy()
    for record, reply in _pairs(replies, prompts, column):
        made.add(verdicts(record.constraints, reply))
    if not made.prompts.count:
        raise BadRow(f"{replies.name}: no reply; expected JSON lines with {column!r}, instruction_id_list and kwargs")
    if as_json:
        echo_json(made.to_json())
    else:
        _print(made)
    if exit_code and made.prompts.strict < made.prompts.count:
        raise SystemExit(EXIT_UNSATISFIED)


def _pairs(replies: Any, prompts: Path | None, column: str) -> Iterator[tuple["Record", str]]:
    """Yield each reply with its record. Raises BadRow, with the line."""
    from filters.constraint_records import json_lines, record  # noqa: PLC0415 - as above

    known: dict[str, Record] = {}
    if prompts:
        with prompts.open(encoding="utf-8") as lines:
            for place, value in json_lines(lines, str(prompts)):
                one = _at(place, record, value)
                known[one.prompt] = one
    for place, value in json_lines(replies, replies.name):
        reply = value.get(column)
        if not isinstance(reply, str):
            raise BadRow(f"{place}: {column!r} is {reply!r:.80}; expected the text of a reply")
        if prompts is None:
            yield _at(place, record, value), reply
        elif value.get("prompt") in known:
            yield known[value["prompt"]], reply
        else:
            raise BadRow(f"{place}: prompt {value.get('prompt')!r:.80} is none of {prompts}; name the file it is from")


def _at(place: str, read: Any, value: dict[str, Any]) -> "Record":
    try:
        made: Record = read(value)
    except BadRow as error:
        raise BadRow(f"{place}: {error}") from error
    return made


def _print(made: "Accuracy") -> None:
    from manifests.tables import console, table  # noqa: PLC0415 - as above

    told = made.to_json()
    rows = [("prompts", told["prompts"]), ("instructions", told["instructions"]), *told["by_id"].items()]
    shown = [(name, one["count"], f"{one['strict']:.1%}", f"{one['loose']:.1%}") for name, one in rows]
    console().print(table("constraint", "#checks", "#strict", "#loose", rows=shown))
