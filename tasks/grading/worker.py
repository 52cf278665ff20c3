"""The process that compares answers: one JSON pair per line in, one JSON grade per line out.

Run by `archarena.tasks.grading.Grader`, which ends it when a comparison takes too long.
"""

from __future__ import annotations

import contextlib
import json
import logging
import resource
import sys

MEMORY_BYTES = 4 * 2**30


def main() -> None:
    """Process pairs until the standard input closes."""
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    logging.disable(logging.CRITICAL)
    sys.set_int_max_str_digits(100_000)
    from .equivalence import equivalent
    from .strict import strictly_equal

    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        gold, answer = json.loads(line)
        try:
            equal, layer = equivalent(gold, answer)
        except (Exception, RecursionError, MemoryError):
            equal, layer = False, "failed"
        print(json.dumps([equal, strictly_equal(gold, answer), layer]), file=answers, flush=True)


if __name__ == "__main__":
    main()
