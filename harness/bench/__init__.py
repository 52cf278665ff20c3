"""Speed of kernels, mixers and training steps, against what the hardware allows and what others reach.

``archarena bench`` runs a benchmark in a child process (`launch`, `worker`) under the allocator settings of a trial, so
that all that is compared meets the same conditions. `workloads` says what is run, `timing` how it is timed, `roofline`
what the machine reaches, and `report` writes JSON and a table.
"""
