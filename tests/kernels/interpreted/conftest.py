"""Triton's interpreter must be chosen before Triton is imported, so these tests run in a process of their own.

`tests/kernels/test_interpreted.py` starts it; by hand:
``TRITON_INTERPRET=1 pytest tests/kernels/interpreted``.
"""

import os

collect_ignore_glob = [] if os.environ.get("TRITON_INTERPRET") == "1" else ["test_*.py"]
