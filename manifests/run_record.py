"""Where, when and by whom a version was made: what its record says and no identity holds."""

import getpass
import platform
import sys
from datetime import datetime
from importlib.metadata import version
from typing import Any

from manifests.manifest import Manifest


def made_where(manifest: Manifest, started: datetime, seconds: float) -> dict[str, Any]:
    """Return the record of a run, as far as it can be told of any run."""
    return {
        "manifest": manifest.id,
        "rows": manifest.rows,
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "host": platform.node(),
        "user": getpass.getuser(),
        "command": sys.argv,
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in ("pyarrow", "polars", "numpy")},
    }
