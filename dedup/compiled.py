"""Compilation of kernels by numba, kept on disk so that a second start takes milliseconds."""

from collections.abc import Callable
from typing import TypeVar

import numba

Kernel = TypeVar("Kernel", bound=Callable[..., object])


def compiled(kernel: Kernel) -> Kernel:
    """Compile a function when it is first called, free of the interpreter's lock.

    Machine code goes to `__pycache__`, to the user's cache folder where that cannot be written, or to
    `NUMBA_CACHE_DIR`. Where none can be written it is compiled anew in each process.
    numba looks for changes in the kernel's own file only: kernels that call each other share one file.
    """
    try:
        return numba.njit(cache=True, nogil=True)(kernel)  # type: ignore[no-any-return]
    except RuntimeError:  # numba's word for "no locator available": nowhere to write
        return numba.njit(nogil=True)(kernel)  # type: ignore[no-any-return]
