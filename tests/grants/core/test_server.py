"""Web server and worker are started and ended together, and whoever looks after them hears when one was lost."""

import signal
import subprocess
import sys

import pytest

# Two programs that do nothing for a minute instead of web and worker. Their numbers are told once both run.
SERVES = """
import os, signal, subprocess, sys
from grants import server
children = []
real = subprocess.Popen
def sleeper(_program):
    children.append(real([sys.executable, "-c", "import time; time.sleep(60)"]))
    return children[-1]
server.subprocess.Popen = sleeper
waits = os.wait
def tell_and_wait():
    print(*[child.pid for child in children], flush=True)
    return waits()
server.os.wait = tell_and_wait
code = server._serve("127.0.0.1", 0)
print(*[child.poll() is not None for child in children], flush=True)
sys.exit(code)
"""


def ended(lost: int | None) -> tuple[int, str]:
    """The exit code after one of both was killed, or after a stop on purpose; and whether each child has ended."""
    serving = subprocess.Popen([sys.executable, "-c", SERVES], stdout=subprocess.PIPE, text=True)
    assert serving.stdout is not None
    pids = [int(pid) for pid in serving.stdout.readline().split()]
    if lost is None:
        serving.terminate()
    else:
        subprocess.run(["kill", f"-{signal.SIGKILL.value}", str(pids[lost])], check=True)
    said, _nothing = serving.communicate(timeout=30)
    return serving.returncode, said.strip()


@pytest.mark.parametrize("lost", [0, 1])
def test_killed_child_ends_both_with_a_failure(lost: int) -> None:
    assert ended(lost) == (1, "True True")


def test_stopping_on_purpose_is_no_failure() -> None:
    assert ended(None) == (0, "True True")
