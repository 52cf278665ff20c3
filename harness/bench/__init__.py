"""Benchmarks of kernels, models' blocks and training steps, against other implementations and the hardware's limits.

``archarena bench`` runs a benchmark in a child process (`worker`) with the allocator settings of a trial, so
everything is measured under the same conditions. `workloads` finds what to run, `timing` times it, `roofline` measures
the limits of the machine, and `report` writes JSON and tables.
"""
