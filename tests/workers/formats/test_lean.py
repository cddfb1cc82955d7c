"""Processes that read and write tables do without what they do not need."""

import subprocess
import sys

from tests.workers.formats.files import ROOT

_ASKED = """
import sys
from workers.formats.lean import leave_pandas_out
leave_pandas_out()
import numpy as np
import pyarrow as pa
assert pa.array(np.arange(3)).to_pylist() == [0, 1, 2] and pa.array(["a", None]).null_count == 1
assert "pandas" not in sys.modules
"""


def test_arrays__in_a_process_without_pandas__are_made() -> None:
    subprocess.run([sys.executable, "-c", _ASKED], cwd=ROOT, check=True, timeout=60)
