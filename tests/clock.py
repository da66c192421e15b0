"""The tests at another moment: TEST_CLOCK=2026-12-31T23:57:00-05:00 in the environment, and time runs on from there."""

import os
from datetime import datetime

import time_machine


def move() -> None:
    """Move this process's clock if the environment says so. A process that a test starts calls this too."""
    moment = os.environ.get("TEST_CLOCK")
    if moment:
        time_machine.travel(datetime.fromisoformat(moment), tick=True).start()
