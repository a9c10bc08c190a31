#!/usr/bin/env python
"""What people ask in chats, in Japanese and English: WildChat, LMSYS-Chat, ShareGPT or `messages` of your own.

    koba run chats hf://datasets/allenai/WildChat-1M --tag chats
    ray job submit --working-dir . -- python corpus/chats.py 'downloads/wildchat/*.parquet'

Conversations are kept by the language that their source says, which is checked again on the user's turns; replies are
removed, flags (toxic, redacted) are kept as labels; of conversations whose user turns are nearly the same, one stays.
"""

from typing import Annotated

from corpus.chat_files import ChatFiles
from corpus.said_language import SaidLanguage
from corpus.stated_licence import StatedLicence
from corpus.turn_language import TurnLanguage
from corpus.user_turns import UserTurns
from dedup.clean import decontaminated
from dedup.exact import ExactDedup
from dedup.minhash import MinHashDedup, Search
from manifests.program import program
from manifests.stage import Recipe


def recipe(
    languages: Annotated[tuple[str, ...], "Languages to keep."] = ("ja", "en"),
    min_language_score: Annotated[float, "Probability from which a turn is surely in a language, of 1."] = 0.65,
    min_turn_letters: Annotated[int, "Letters a turn without kana must have for its language to be judged."] = 20,
    similarity: Annotated[float, "Jaccard similarity from which chats are the same (PLaMo 2: 0.8)."] = 0.8,
    search: Annotated[Search, "How pairs are proposed: bands, or faiss (one machine)."] = "bands",
    against: Annotated[tuple[str, ...], "Datasets that are there already: what is like a row of theirs goes."] = (),
    licence: Annotated[str | None, "SPDX licence of rows that state none [default: what the data say]."] = None,
) -> Recipe:
    """Every decision that bears on the dataset, on one screen."""
    return Recipe(
        name="chats",
        steps=(
            *([StatedLicence(licence)] if licence else []),
            SaidLanguage(languages),
            UserTurns(),
            TurnLanguage(languages, min_score=min_language_score, min_letters=min_turn_letters),
            ExactDedup(against=against),
            MinHashDedup(threshold=similarity, search=search, against=against),
        ),
    )


main = program(decontaminated(recipe), ChatFiles.find, default_source="downloads/chats")

if __name__ == "__main__":
    main()
