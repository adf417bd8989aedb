"""Waiting for what is to be seen, with a bound; nothing in these tests waits for time to pass."""

import threading
import time

PAUSE_S, TOLD_WITHIN_S = 0.005, 2


def until(condition, what, within_s=30):
    """The condition's first true value. Where none comes in time, the test fails with `what`."""
    end = time.monotonic() + within_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, what() if callable(what) else what
        pause()


def pause(seconds=PAUSE_S):
    """Between two looks: leaves the cores to those who are looked at."""
    threading.Event().wait(seconds)


def last_write(path):
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def until_written(path, within_s=1):
    """At once after the next write to the file, without a pause: before what follows it. Where none
    comes in time, the moment is as good as any other."""
    before, end = last_write(path), time.monotonic() + within_s
    while last_write(path) == before and time.monotonic() < end:
        pass


def soon(ask):
    """What `ask` answers, which must come within the time in which a server says what it lacks."""
    begin = time.monotonic()
    answer = ask()
    took_s = time.monotonic() - begin
    assert took_s < TOLD_WITHIN_S, f"{took_s:.2f} s for {answer}"
    return answer
