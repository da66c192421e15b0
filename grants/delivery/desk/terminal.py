"""The screen on a real terminal: curses, from the standard library, so that nothing else runs beside the key."""

import curses
import os
import time
from collections.abc import Callable
from datetime import datetime

from grants.delivery.desk.screen import Screen, Tone
from grants.delivery.desk.watch import View, Watch

LOOK_EVERY = 15  # seconds
WAIT_FOR_KEY = 500  # milliseconds


def show(watch: Watch, clock: Callable[[], datetime]) -> None:
    """Look at the server and at the keyboard until `q`."""
    os.environ.setdefault("ESCDELAY", "25")
    curses.wrapper(_loop, watch, clock)


def _loop(window: "curses.window", watch: Watch, clock: Callable[[], datetime]) -> None:
    colours = _colours()
    window.timeout(WAIT_FOR_KEY)
    screen, next_look = Screen(), 0.0
    while True:
        if time.monotonic() >= next_look:
            before = set(watch.view.shown)
            if watch.look(clock()).rings:
                curses.beep()
            next_look = time.monotonic() + LOOK_EVERY
            _paint(window, screen, watch.view, clock(), colours)
            if watch.view.shown - before:
                curses.flushinp()  # a key from before they were on the screen says nothing
        _paint(window, screen, watch.view, clock(), colours)
        key = _key(window)
        if key == "q" and screen.writing is None:
            return
        if key and screen.press(key, watch.view, clock()):
            watch.keep()


def _key(window: "curses.window") -> str:
    """The name of a key, or nothing when none was pressed in time."""
    try:
        key = window.get_wch()
    except curses.error:
        return ""
    return key if isinstance(key, str) else curses.keyname(key).decode()


def _colours() -> tuple[int, int]:
    """What makes alarms and warnings stand out in colour; nothing where the terminal has none."""
    if not curses.has_colors():
        return 0, 0
    behind = -1
    try:
        curses.use_default_colors()
    except curses.error:
        behind = curses.COLOR_BLACK
    for number, colour in ((1, curses.COLOR_RED), (2, curses.COLOR_YELLOW)):
        curses.init_pair(number, colour, behind)
    return curses.color_pair(1), curses.color_pair(2)


def _paint(window: "curses.window", screen: Screen, view: View, now: datetime, colours: tuple[int, int]) -> None:
    looks = {
        Tone.PLAIN: curses.A_NORMAL,
        Tone.TITLE: curses.A_BOLD,
        Tone.ALARM: curses.A_BOLD | colours[0],
        Tone.CHOSEN: curses.A_REVERSE,
        Tone.WARN: curses.A_BOLD | colours[1],
    }
    window.erase()
    height, width = window.getmaxyx()
    for row, line in enumerate(screen.lines(view, now, height - 1)[: height - 1]):
        window.addnstr(row, 0, line.text, max(1, width - 1), looks[line.tone])
    window.refresh()
