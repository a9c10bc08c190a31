"""Processes with all that they started."""

from contextlib import suppress

import psutil

from tests.patience import LIMIT_S


def kill_family(pid: int) -> None:
    """Kill a process and all below it; some of them may end by themselves meanwhile."""
    parent = psutil.Process(pid)
    family = [parent, *parent.children(recursive=True)]
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(family, timeout=LIMIT_S)
