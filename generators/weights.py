"""A model as a recipe holds it: digests for its identity, and what is needed to write prompts without loading it.

A ref such as "models/smollm2" is resolved once, before anything is fingerprinted.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from generators.chat_template import apply, neutral, tidy
from generators.engine import Prompt, Raw
from manifests import artifact, canonical
from manifests.errors import BadRecipe
from manifests.manifest import FILE_SUFFIX, Manifest
from manifests.model_folder import CONFIG, TEMPLATE, TOKENIZER_CONFIG
from manifests.rows import Message
from manifests.store import Store

TOKENS = "tokenizer.json"
ECHO_TEMPLATE = "{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] }}\n{% endfor %}<|assistant|>\n"


@dataclass(frozen=True, slots=True)
class Model:
    """A model that was found: what it is, and where."""

    weights: str  # digest of the weights and config.json
    tokenizer: str  # digest of the tokenizer's files and of the chat template
    template: str | None = None  # Jinja source; "": it takes no messages; None: its server writes the prompt
    specials: tuple[str, ...] = ()  # its control tokens: never let through from a text
    bos: str = ""
    eos: str = ""
    max_context: int | None = None  # tokens of prompt and reply together
    licence: str | None = None  # SPDX identifier
    name: str = ""  # what the recipe calls it: the manifest says so, the fingerprint does not
    store: Store | None = None  # where its files are; not identity
    manifest: str = ""  # its id there; not identity

    def describe(self) -> dict[str, Any]:
        """Return what a row that it writes depends on."""
        return {
            "weights": self.weights,
            "tokenizer_digest": self.tokenizer,  # what stands as "tokenizer" in a step is an object of the store
            "max_context": self.max_context,
            "licence": self.licence,
        }

    def render(self, prompt: Prompt) -> tuple[str, tuple[Message, ...] | None]:
        """Return the text that the model reads, and the messages where its server has to write that text itself.

        What looks like a control token in a message or in a quoted text is broken up: a document cannot end its turn.
        """
        if isinstance(prompt, Raw):
            quoted = {name: self._quoted(text) for name, text in prompt.quoted.items()}
            return prompt.text.format(**quoted), None
        if isinstance(prompt, str):
            if self.template == "":
                return self._quoted(prompt), None
            prompt = (Message("user", prompt),)
        if self.template == "":
            raise BadRecipe(f"{self.name} has no chat template and takes no messages; return a string or Raw(...)")
        messages = tuple([Message(one.role, self._quoted(one.content)) for one in prompt])
        if self.template is None:
            return canonical.encode([[one.role, one.content] for one in messages]).decode(), messages
        return apply(self.template, messages, self.bos, self.eos), None

    def folder(self) -> Path:
        """Return a folder with its files on this machine. Raises BadRecipe where it is known by name only."""
        if self.store is None:
            raise BadRecipe(f"{self.name}: its files are not here; add it with `koba models add`, or name a server")
        return artifact.checkout(self.store, self.store.manifest(self.manifest))

    def _quoted(self, text: str) -> str:
        return neutral(tidy(text), self.specials)


def find_model(name: str, store: Store, served_at: str | None = None) -> Model:
    """Return the model behind a ref or id, or "echo". `served_at`: the server that runs it. Raises NotFound.

    A model of the store is the same at any server. What only the server knows by this name is that name at that server.
    """
    if name == "echo":
        return echo_model()
    if served_at and not store.history(name.partition("@")[0]):
        return Model(canonical.digest({"served": name, "at": served_at}), canonical.digest("by the server"), name=name)
    return read_model(store, artifact.resolve(store, name), name)


def echo_model(name: str = "echo", **changes: Any) -> Model:
    """Return the model that has no weights, for tests and previews: the place `Echo` answers in its name."""
    model = replace(Model(canonical.digest(name), "", ECHO_TEMPLATE, name=name), **changes)
    return replace(model, tokenizer=model.tokenizer or canonical.digest([model.template]))


def read_model(store: Store, manifest: Manifest, name: str) -> Model:
    """Return the model of an artifact. Raises BadRecipe where it has no weights or no tokenizer."""
    made = manifest.artifact
    if made is None or made.weights is None or made.tokenizer is None:
        raise BadRecipe(f"{name} is not a model that can write: expected weights and a tokenizer in one artifact")
    files = {file.name: file.digest for file in made.files}

    def read(name: str) -> dict[str, Any]:
        return dict(json.loads(store.get(files[name], FILE_SUFFIX))) if name in files else {}

    settings = read(TOKENIZER_CONFIG)
    template = settings.get("chat_template") or ""
    if TEMPLATE in files:
        template = store.get(files[TEMPLATE], FILE_SUFFIX).decode()
    if isinstance(template, list):  # several templates under names
        template = next((one["template"] for one in template if one["name"] == "default"), "")
    added = [*read(TOKENS).get("added_tokens", []), *settings.get("added_tokens_decoder", {}).values()]
    return Model(
        weights=made.weights,
        tokenizer=canonical.digest([made.tokenizer, made.chat_template]),
        template=template,
        specials=tuple(sorted({token["content"] for token in added if token.get("special")})),
        bos=_token(settings.get("bos_token")),
        eos=_token(settings.get("eos_token")),
        max_context=read(CONFIG).get("max_position_embeddings"),
        licence=made.licence,
        name=name,
        store=store,
        manifest=manifest.id,
    )


def _token(token: Any) -> str:
    return str(token.get("content", "")) if isinstance(token, dict) else str(token or "")
