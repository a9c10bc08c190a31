"""A model's chat template, applied without loading the model; control tokens in a text are broken up first."""

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from jinja2 import Template, TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from manifests.errors import BadRecipe
from manifests.rows import Message

# What the templates of the field are made of. <s> and </s> are HTML too: they are broken up for models that have them.
GENERIC = (
    r"<[|｜][^<>\n]{1,64}?[|｜]>"  # <|im_start|>, <|plamo:op|>, and <｜User｜> in full width
    r"|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\]"
    r"|<</?SYS>>"
    r"|<(?:start|end)_of_turn>"
)


def neutral(text: str, specials: tuple[str, ...] = ()) -> str:
    """Return a text in which no control token is left: a space follows the first character of each."""
    markers, beginnings = _markers(specials)
    if not any(letter in text for letter in beginnings):
        return text
    while markers.search(text):
        text = markers.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)
    return text


def tidy(text: str) -> str:
    """Return a text as a tokenizer can take it: without NUL, lone surrogates as the replacement character."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def apply(template: str, messages: Sequence[Message], bos: str, eos: str, *, reply: bool = True) -> str:
    """Return the text that the template makes of messages, with `reply` up to where it begins. Raises BadRecipe."""
    turns = [{"role": message.role, "content": message.content} for message in messages]
    try:
        return _compiled(template).render(messages=turns, bos_token=bos, eos_token=eos, add_generation_prompt=reply)
    except TemplateError as error:
        roles = ", ".join(message.role for message in messages)
        raise BadRecipe(f"the model's chat template refuses messages of {roles}: {error}; change the prompt") from error


@lru_cache(maxsize=16)
def _compiled(template: str) -> Template:
    # As transformers sets it up, but without a clock: a prompt with today's date would be another call tomorrow.
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _refuse
    try:
        made = environment.from_string(template)
    except TemplateError as error:
        raise BadRecipe(f"the model's chat template cannot be read: {error}") from error
    made.globals = dict(made.globals)  # as a ChainMap it takes a third of the time of a rendering
    return made


@lru_cache(maxsize=16)
def _markers(specials: tuple[str, ...]) -> tuple[re.Pattern[str], str]:
    """Return the pattern of all markers, and the letters that they begin with."""
    # Longest first, for one may begin another. A token of one character is no marker that a text could do without.
    named = [token for token in sorted(specials, key=len, reverse=True) if len(token) > 1]
    pattern = re.compile("|".join([*map(re.escape, named), GENERIC]))
    return pattern, "".join({"<", "[", *(token[0] for token in named)})


def _to_json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _refuse(message: str) -> None:
    raise TemplateError(message)
