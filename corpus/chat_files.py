"""Chat datasets as a source of conversations: files, globs, folders and URLs, such as hf://datasets/allenai/WildChat-1M.

    ChatFiles.find(["downloads/WildChat-1M/data"])

They are Parquet files, JSON arrays or JSON Lines; see corpus.chat_records for the forms that are known.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from corpus.chat_records import ChatReading
from manifests.datafiles import DataFiles
from manifests.errors import BadSource
from manifests.foreign import TURNS, Reading
from manifests.terminal import safe

SOURCE = "chats"  # of records that name none and are of no dataset that we know


@dataclass
class ChatFiles(DataFiles):
    """Files of conversations, as one source of rows."""

    @classmethod
    def find(cls, paths: Sequence[str], *, source: str = SOURCE, **options: Any) -> Self:
        """Take what a user typed; see `DataFiles.find`."""
        return super().find(paths, source=source, **options)

    def reading(self, kind: str) -> Reading:
        """Return how the records become conversations."""
        return ChatReading(kind, self.source, self.text, self.drop)

    def kind_in(self, columns: dict[str, list[str]]) -> str:
        """Return that the rows are conversations. Raises BadSource where a file holds something else."""
        for file, known in columns.items():
            if known and not any(name in known for name in TURNS):
                found = safe(", ".join(known), 200)
                raise BadSource(f"{file} holds no conversations: found {found}; expected one of {', '.join(TURNS)}")
        return "conversation"
