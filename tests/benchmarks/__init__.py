"""Benchmarks. Importing this sets the number of threads: one, or `OMP_NUM_THREADS`."""

import os

THREADS = int(os.environ.setdefault("OMP_NUM_THREADS", "1"))
for library in ("OPENBLAS", "MKL", "VECLIB_MAXIMUM", "NUMEXPR"):
    os.environ[f"{library}_NUM_THREADS"] = str(THREADS)
os.environ["NPROC"] = str(THREADS)  # the size of XLA's thread pool
os.environ["XLA_FLAGS"] = (
    f"--xla_cpu_multi_thread_eigen={str(THREADS > 1).lower()} "
    f"intra_op_parallelism_threads={THREADS}"
)
