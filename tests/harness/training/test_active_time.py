"""Time in which a process is stopped does not count, and time in which it works or waits does."""

import os
import signal
import subprocess
import sys
import time

from archarena.harness.training.active_time import active_time

WORK = """
import sys, time
from archarena.harness.training.active_time import active_time
start, began = active_time(), time.perf_counter()
print("started", flush=True)
sum(range(10**6))
while sys.stdin.readline() != "end\\n":
    pass
print(time.perf_counter() - began, active_time() - start)
"""


def test_stopped_time_does_not_count():
    words = [sys.executable, "-c", WORK]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        child.stdout.readline()
        os.kill(child.pid, signal.SIGSTOP)
        time.sleep(1.5)
        os.kill(child.pid, signal.SIGCONT)
        passed, active = map(float, child.communicate("end\n")[0].split())
    assert passed - active > 1.0


def test_waiting_and_an_operation_that_holds_the_interpreter_count():
    start, began = active_time(), time.perf_counter()
    time.sleep(0.7)
    pow(3, 10_000_000)
    assert abs((active_time() - start) - (time.perf_counter() - began)) < 0.2
