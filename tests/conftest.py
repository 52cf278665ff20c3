"""What all tests share."""

import sys

import pytest


@pytest.fixture(autouse=True)
def one_thread():
    """Keep torch to one thread, so that tests run side by side; it is not imported for this."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
