"""A model as a recipe holds it: digests for its identity, and what is needed to write prompts without loading it.

A name is resolved once, before anything is fingerprinted: a folder in the layout of Hugging Face, or "echo".
"""

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import file_digest
from pathlib import Path
from typing import Any

from generators.chat_template import apply, neutral, tidy
from generators.engine import Prompt, Raw
from manifests import canonical
from manifests.errors import BadRecipe, BadSource, NotFound
from manifests.rows import Message
from manifests.store import Store

WEIGHTS = ("*.safetensors", "*.bin", "*.gguf", "config.json")
TOKENIZER = (
    "tokenizer.json",
    "tokenizer.model",
    "vocab.json",
    "merges.txt",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
)
ECHO_TEMPLATE = "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}\n{% endfor %}<|assistant|>\n"


@dataclass(frozen=True, slots=True)
class Model:
    """A model that was found: what it is, and where."""

    weights: str  # SHA-256 over names and digests of the weight files and config.json
    tokenizer: str  # likewise over the tokenizer's files and the chat template
    template: str | None = None  # Jinja source; None: the server that runs it writes the prompt
    specials: tuple[str, ...] = ()  # its control tokens: never let through from a text
    bos: str = ""
    eos: str = ""
    max_context: int | None = None  # tokens of prompt and reply together
    licence: str | None = None  # SPDX identifier
    name: str = ""  # what the user called it; not identity
    folder: str = ""  # where its files are on this machine; not identity

    def describe(self) -> dict[str, Any]:
        """Return what a row that it writes depends on."""
        return {
            "weights": self.weights,
            "tokenizer": self.tokenizer,
            "max_context": self.max_context,
            "licence": self.licence,
        }

    def render(self, prompt: Prompt) -> tuple[str, tuple[Message, ...] | None]:
        """Return the text that the model reads, and the messages where its server has to write that text itself.

        What looks like a control token in a message or in a quoted text is broken up: a document cannot end its turn.
        """
        if isinstance(prompt, Raw):
            quoted = {name: neutral(tidy(text), self.specials) for name, text in prompt.quoted.items()}
            return prompt.text.format(**quoted), None
        if isinstance(prompt, str):
            prompt = (Message("user", prompt),)
        messages = tuple([Message(one.role, neutral(tidy(one.content), self.specials)) for one in prompt])
        if self.template is None:
            return canonical.encode([[one.role, one.content] for one in messages]).decode(), messages
        return apply(self.template, messages, self.bos, self.eos), None


def find_model(name: str, store: Store, served_at: str | None = None) -> Model:
    """Return the model behind a name. `served_at`: a server that gives this name to a model of its own.

    Raises NotFound. A model that is known here by its digest is the same at any server; one that is known by name only
    is that name at that server.
    """
    if name == "echo":
        return echo_model()
    if Path(name).is_dir():
        return read_folder(Path(name))
    if served_at:
        return Model(canonical.digest({"served": name, "at": served_at}), canonical.digest("by the server"), name=name)
    raise NotFound(f"{store.url}: there is no model {name!r}; expected a folder with config.json, or 'echo'")


def echo_model(name: str = "echo", **changes: Any) -> Model:
    """Return the model that has no weights, for tests and previews: the place `Echo` answers in its name."""
    model = Model(canonical.digest(name), "", ECHO_TEMPLATE, name=name)
    model = replace(model, **changes)
    return replace(model, tokenizer=model.tokenizer or canonical.digest([model.template]))


def read_folder(folder: Path) -> Model:
    """Return the model that lies in a folder in the layout of Hugging Face. Raises BadSource."""
    config = _json(folder / "config.json")
    if not config:
        raise BadSource(f"{folder}: no config.json; expected a model as `save_pretrained` writes it")
    settings = _json(folder / "tokenizer_config.json")
    named = folder / "chat_template.jinja"
    template = named.read_text(encoding="utf-8") if named.exists() else settings.get("chat_template")
    if isinstance(template, list):  # several templates under names
        template = next((one["template"] for one in template if one["name"] == "default"), None)
    return Model(
        weights=_digest(folder, WEIGHTS),
        tokenizer=_digest(folder, TOKENIZER),
        template=template or "{{ messages[-1].content }}",
        specials=_specials(folder, settings),
        bos=_token(settings.get("bos_token")),
        eos=_token(settings.get("eos_token")),
        max_context=config.get("max_position_embeddings"),
        name=folder.name,
        folder=str(folder.absolute()),
    )


def _digest(folder: Path, patterns: tuple[str, ...]) -> str:
    files = sorted({path for pattern in patterns for path in folder.glob(pattern)})
    if not files:
        raise BadSource(f"{folder}: none of {', '.join(patterns)}; expected a model as `save_pretrained` writes it")
    return canonical.digest([[path.name, _file_digest(path, *_stamp(path))] for path in files])


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


@lru_cache(maxsize=256)
def _file_digest(path: Path, _size: int, _modified: int) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _specials(folder: Path, settings: dict[str, Any]) -> tuple[str, ...]:
    added = _json(folder / "tokenizer.json").get("added_tokens", [])
    tokens = {token["content"] for token in added if token.get("special")}
    tokens |= {token["content"] for token in settings.get("added_tokens_decoder", {}).values() if token.get("special")}
    return tuple(sorted(tokens))


def _token(token: Any) -> str:
    return str(token.get("content", "")) if isinstance(token, dict) else str(token or "")


def _json(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadSource(f"{path}: {error}; fetch the model again") from error
    if not isinstance(found, dict):
        raise BadRecipe(f"{path}: a {type(found).__name__}; expected a JSON object")
    return found
