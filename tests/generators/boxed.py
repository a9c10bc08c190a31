"""What the tests of the sandbox share."""

import pytest

from generators.sandbox import Sandbox
from manifests.errors import BadRecipe

SHORT = Sandbox(seconds=1, wall_seconds=300)  # a busy machine must not end a program before its own time is up


def missing():
    """Return what this machine lacks to isolate a program, or nothing."""
    try:
        Sandbox().check()
    except BadRecipe as error:
        return str(error)
    return ""


ISOLATED = pytest.mark.skipif(bool(missing()), reason=missing())


def outcome(program, sandbox=SHORT, stdin=""):
    return sandbox.run(program, stdin)


def refused(program):
    """Return the error that a program died of."""
    made = outcome(program)
    assert (made.status, made.stdout) == ("failed", "")
    return made.stderr.strip().splitlines()[-1].split(":")[0]
