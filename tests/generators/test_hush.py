"""What a library says while it works is heard by nobody, unless it fails."""

import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path

from generators.hush import HEARD_LINES, SHOWN_LINES, Heard, Hush

ROOT = Path(__file__).parents[2]


def talk() -> None:
    print("print")
    print("to stderr", file=sys.stderr)
    os.write(1, b"C++ to stdout\n")
    os.write(2, b"C++ to stderr\n")
    subprocess.run(["/bin/echo", "a child"], check=True)
    warnings.warn("old", FutureWarning, stacklevel=1)
    logging.getLogger("talker").warning("beware of %s", "this")


def well() -> None:
    with Hush(Heard("talker")):
        talk()
    print("after")


def badly() -> None:
    with Hush(Heard("talker")):
        talk()
        sys.exit("no such model")


def at_length() -> None:
    with Hush(Heard("talker")):
        for n in range(200):
            os.write(1, b"line %d\n" % n)
            logging.getLogger("talker").warning("warning %d", n)
        sys.exit()


def ended(name: str) -> "subprocess.CompletedProcess[str]":
    code = f"import tests.generators.test_hush as t; t.{name}()"
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)


def test_whoever_talks_in_a_hush_is_heard_by_nobody_and_later_as_before():
    done = ended("well")
    assert (done.stdout, done.stderr) == ("after\n", "")


def test_what_was_said_is_shown_where_it_ends_in_an_error():
    done = ended("badly")
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert {"print", "to stderr", "C++ to stdout", "C++ to stderr", "a child"} <= set(lines)
    assert lines[-2:] == ["WARNING: beware of this", "no such model"]


def test_of_much_talk_the_end_is_shown():
    lines = ended("at_length").stderr.splitlines()
    assert lines[:SHOWN_LINES] == [f"line {n}" for n in range(200 - SHOWN_LINES, 200)]
    assert lines[SHOWN_LINES:] == [f"WARNING: warning {n}" for n in range(200 - HEARD_LINES, 200)]
