"""What the engine is started with."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from importlib.util import find_spec
from pathlib import Path

import keras
import pytest

from replicafit.execution.executors import cores
from replicafit.plugins.describing import printing_as
from replicafit.quiet import quiet_start

THREADS = """
from replicafit.plugin import import_engine_quietly
import_engine_quietly()
import tensorflow
print(tensorflow.config.threading.get_intra_op_parallelism_threads())
"""


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="of TensorFlow")
def test_lanes_compute_at_the_same_time():
    # with one thread for all of them they would take turns
    environment = {**os.environ, "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=true"}
    done = subprocess.run(
        [sys.executable, "-c", THREADS + "import os; print(os.environ['XLA_FLAGS'])"],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    threads, flags = done.stdout.splitlines()
    assert int(threads) == cores()
    assert flags.count("xla_cpu_multi_thread_eigen") == 1  # what the user says stays


LATE = """
import sys
import keras
keras.ops.ones(3) + 1
from replicafit.plugin import import_engine_quietly
sys.exit(import_engine_quietly())
"""


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="of TensorFlow")
def test_it_is_said_that_keras_has_computed_before():
    subprocess.run([sys.executable, "-c", LATE], check=True)  # exit code 0: not anew


@pytest.mark.parametrize("name", ["nonsense", "torch"])
def test_a_backend_that_keras_cannot_start_on_is_told(name):
    if name == "torch" and find_spec("torch"):
        pytest.skip("torch is installed")
    command = [sys.executable, "-c", "from replicafit.cli import main; main()", "verify"]
    card = Path(__file__).parents[2] / "runcards" / "anything.yml"
    environment = {**os.environ, "KERAS_BACKEND": name}
    done = subprocess.run(
        [*command, str(card)], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 2
    assert "Keras cannot start" in done.stderr
    assert "Set KERAS_BACKEND to tensorflow or jax" in done.stderr
    assert "Traceback" not in done.stderr


NOISY = """
import os
from replicafit.quiet import quiet_start
with quiet_start():
    os.write(2, b"a note")
    if {fails}:
        raise ImportError("no backend")
"""


@pytest.mark.parametrize("fails", [False, True])
def test_notes_of_the_start_are_told_only_if_it_fails(fails):
    code = NOISY.format(fails=fails)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ("a note" in done.stderr, "no backend" in done.stderr) == (fails, fails)
    assert not done.returncode or fails


@pytest.mark.parametrize("redirected", [quiet_start, lambda: printing_as("mine", "my-plugin")])
def test_threads_leave_the_output_of_the_process_as_it_was(redirected):
    before, begun = (sys.stdout, os.fstat(2).st_ino), threading.Event()

    def first():
        with redirected():
            begun.set()
            time.sleep(0.1)

    one = threading.Thread(target=first)
    one.start()
    begun.wait()
    with redirected():
        one.join()
    assert (sys.stdout, os.fstat(2).st_ino) == before


FORKED = """
import os
from replicafit.execution.starting import import_engine_quietly
from replicafit.errors import ExecutionError
import_engine_quietly()
if not os.fork():
    try:
        import_engine_quietly()
    except ExecutionError as told:
        os._exit("forked" in str(told))
_, status = os.wait()
assert os.waitstatus_to_exitcode(status) == 1
"""


def test_a_process_that_lacks_the_threads_of_the_engine_is_told():
    subprocess.run([sys.executable, "-c", FORKED], check=True)  # it would wait for ever
