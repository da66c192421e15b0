"""The tests at another moment: TEST_CLOCK=2026-12-31T23:57:00-05:00 in the environment, and time runs on from there."""

import os
import time
from datetime import datetime, timedelta

import time_machine


def move() -> None:
    """Move this process's clock if the environment says so. A process that a test starts calls this too."""
    moment = os.environ.get("TEST_CLOCK")
    if moment:
        # Time runs on from when the first process moved: one that is started later joins the others where they are.
        began = float(os.environ.setdefault("TEST_CLOCK_BEGAN", str(time.time())))
        since = timedelta(seconds=time.time() - began)
        time_machine.travel(datetime.fromisoformat(moment) + since, tick=True).start()
