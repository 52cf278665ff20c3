"""Environment variables of child processes."""

from __future__ import annotations

import os

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")

# Otherwise glibc maps and unmaps every large tensor, and page faults dominate CPU training.
_ALLOCATOR = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "100000000000"}


def child_environment(threads: int, device: str | None = None) -> dict[str, str]:
    """Return a child's environment variables: threads, GPU, and an allocator that keeps freed memory."""
    environment = {**os.environ, **_ALLOCATOR, **dict.fromkeys(_THREAD_VARIABLES, str(threads))}
    environment |= {"PYTHONUNBUFFERED": "1", "TOKENIZERS_PARALLELISM": "false"}
    if device is not None:
        # With this order, GPU numbers are those of the driver, which gives the GPU's name for records.
        environment |= {"CUDA_VISIBLE_DEVICES": device, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    return environment
