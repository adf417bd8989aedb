"""Waiting for what is to be seen, with a bound; nothing in these tests waits for time to pass."""

import threading
import time

PAUSE_S = 0.005


def until(condition, what, within_s=30):
    """The condition's first true value. Where none comes in time, the test fails with `what`."""
    end = time.monotonic() + within_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, what() if callable(what) else what
        pause()


def pause():
    """Between two looks: leaves the cores to those who are looked at."""
    threading.Event().wait(PAUSE_S)
