"""A problem about bees, and a model that solves it."""

import re

import pytest

from generators.engine import Reply, Request
from generators.sandbox import Sandbox
from manifests.errors import BadRecipe
from tests.generators.tasks import document

BEES = "Mia has 12 bees and buys half as many. How many bees has she then?"
ENGLISH = document(BEES, "en")
JAPANESE = document("ミアは蜂を12匹飼っていて、その半分を買い足します。蜂は全部で何匹ですか。", "ja")


def reply(text: str) -> Reply:
    return Reply(text, "stop", 10, 10)


def answering(request: Request) -> str:
    """Solve any sum of bees: of candidate 3 wrongly; the program of problems with 40 bees is wrong."""
    if "pupils of" in request.prompt:
        bees = int(re.search(r"Mia has (\d+)", request.prompt)[1])
        return f"Ken has {10 * bees} bees and buys as many. How many bees has he then?"
    bees = int(re.search(r"(?:Mia|Ken) has (\d+)", request.prompt)[1])
    if "Python program" in request.prompt:
        return f"```python\nprint({bees} * {3 if bees == 40 else 2})\n```"
    right = request.candidate % 4 != 3
    return f"{bees} + {bees} = {2 * bees}\nThat is {request.candidate // 2} of\n#### {2 * bees if right else 7}"


def sandbox() -> Sandbox:
    """Return a sandbox with little time; the test is skipped where nothing can be isolated."""
    box = Sandbox(seconds=1)
    try:
        box.check()
    except BadRecipe as error:
        pytest.skip(str(error))
    return box
