"""Processes with all that they started."""

from contextlib import suppress

import psutil


def kill_family(pid: int) -> None:
    """Kill a process and all below it; some of them may end by themselves meanwhile."""
    parent = psutil.Process(pid)
    family = [parent, *parent.children(recursive=True)]
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(family, timeout=30)
