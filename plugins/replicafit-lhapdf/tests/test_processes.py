"""Processes that evolve: what is asked of them, and what becomes of it."""

from __future__ import annotations

import operator
import os
import subprocess
import sys
from pathlib import Path

import pytest
from replicafit_lhapdf.processes import Workers

from replicafit.errors import OutputError


def test_calls_are_answered_in_other_processes() -> None:
    with Workers(2) as pool:
        tasks = [pool.submit(operator.add, k, 1) for k in range(5)]
        assert [task.result() for task in tasks] == [1, 2, 3, 4, 5]
        assert pool.submit(os.getpid).result() != os.getpid()


def test_what_goes_wrong_is_raised_here() -> None:
    with Workers(1) as pool:
        with pytest.raises(ZeroDivisionError):
            pool.submit(operator.truediv, 1, 0).result()
        with pytest.raises(OutputError, match="ended with exit code 3"):
            pool.submit(os._exit, 3).result()


def test_a_script_runs_once(tmp_path: Path) -> None:
    """Without ``if __name__ == '__main__'``, which nobody knows to be needed."""
    script = tmp_path / "script.py"
    script.write_text(
        "print('begun')\n"
        "import math\n"
        "from replicafit_lhapdf.processes import Workers\n"
        "with Workers(1) as pool:\n"
        "    print(pool.submit(math.sqrt, 4).result())\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["begun", "2.0"]
    assert done.stderr == ""
