"""Fixtures of all tests."""

import sys

import pytest
from hypothesis import settings

settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@pytest.fixture(autouse=True)
def one_thread():
    """Limit torch to one thread, since tests run in parallel; does not import torch."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
