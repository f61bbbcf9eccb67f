"""Several jobs fit into one folder at once, by the script of docs/how-to/array-jobs.md."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from commands import call_anew
from small_fit import CARD, write_data

from replicafit import load_fit
from replicafit.results.folder import FitFolder

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "array-jobs.md"


@pytest.mark.slow
def test_jobs_together_are_one_fit(tmp_path):
    write_data(tmp_path)
    (tmp_path / "card.yml").write_text(CARD.replace("max_steps: 4000", "max_steps: 100"))
    script = re.search(r"```bash\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert script is not None
    (tmp_path / "fit.sh").write_text(script[1])
    command = tmp_path / "bin" / "replicafit"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m replicafit "$@"\n')
    command.chmod(0o755)
    variables = {**os.environ, "PATH": f"{command.parent}:{os.environ['PATH']}", "PER_JOB": "3"}

    def jobs() -> list[int]:
        both = [
            subprocess.Popen(["bash", "fit.sh", number], cwd=tmp_path, env=variables)
            for number in ("1", "2")
        ]
        return [job.wait(timeout=240) for job in both]

    assert jobs() == [0, 0]
    code, _, err = call_anew("run", "card.yml", "-o", "one", cwd=tmp_path)
    assert code == 0, err
    together, one = (load_fit(tmp_path / name) for name in ("fit", "one"))
    np.testing.assert_array_equal(together.all.values, one.all.values)
    assert together.run.selection == one.run.selection
    assert together.run.replicas == [(1, 6)]
    assert not FitFolder(tmp_path / "fit").jobs.exists()
