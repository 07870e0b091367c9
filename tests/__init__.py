"""The tests, a package so that they can share generic points."""

import os

# On a busy machine a second BLAS thread makes small products ten times slower.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
