"""Fits for human eyes: one self-contained HTML file, drawn with matplotlib, no Keras."""

from __future__ import annotations

from importlib.util import find_spec

from replicafit.errors import OutputError

NEEDED = ("matplotlib", "jinja2")


def require_libraries() -> None:
    """Raises OutputError if a library that reports need is not installed."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise OutputError(
            f"A report needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} "
            "not installed: pip install 'replicafit[report]'"
        )
