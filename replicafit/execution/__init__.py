"""Who trains which batch: this process, a pool of processes, or Dask's workers.

A batch travels as a ``BatchOrder`` through a standard ``concurrent.futures.Executor`` to
``train_batch``, which runs in any process and answers with a report. Importing the package imports
neither Keras nor Dask.
"""

from replicafit.execution.choosing import IN_PROCESS, crew_for

__all__ = ["IN_PROCESS", "crew_for"]
