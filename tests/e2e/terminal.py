"""A command at a terminal of its own, as a user sits at it."""

import contextlib
import fcntl
import os
import pathlib
import pty
import re
import select
import signal
import struct
import termios
import time

PATIENCE_S = 60
TOLD = ("Name", "Pid", "State", "SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt")  # of /proc


class Terminal:
    def __init__(self, arguments, environment, cols=80, rows=24):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            self.fd = 0
            self.resize(cols, rows)
            os.execve(arguments[0], [str(argument) for argument in arguments], environment)
        self.shown = b""
        self.mark = 0  # what was seen before it is not looked at again

    def resize(self, cols, rows):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def send(self, text):
        os.write(self.fd, text if isinstance(text, bytes) else text.encode())

    def read_more(self, end):
        ready, _, _ = select.select([self.fd], [], [], max(end - time.monotonic(), 0))
        assert ready, f"nothing more came; shown: {self.shown[-2000:]!r}\n{self.processes()}"
        try:
            more = os.read(self.fd, 65536)
        except OSError:  # the other side is closed
            more = b""
        self.shown += more
        return bool(more)

    def processes(self):
        """What runs at it: the state, where it waits, and the signals of each."""
        found = []
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                of_session = (process / "stat").read_text().rpartition(")")[2].split()[3]
                if int(of_session) == self.pid:
                    status = (process / "status").read_text().splitlines()
                    found += [line for line in status if line.startswith(TOLD)]
                    found.append("Waits:\t" + (process / "wchan").read_text())
        return "\n".join(found)

    def wait_for(self, pattern):
        """Waits until it shows this, behind what was waited for before; answers the match."""
        pattern = pattern.encode() if isinstance(pattern, str) else pattern
        end = time.monotonic() + PATIENCE_S
        while not (found := re.compile(pattern, re.S).search(self.shown, self.mark)):
            assert self.read_more(end), f"it ended without {pattern!r}: {self.shown[-2000:]!r}"
        self.mark = found.end()
        return found

    def is_raw(self):
        return not termios.tcgetattr(self.fd)[3] & (termios.ICANON | termios.ECHO)

    def is_plain(self):
        both = termios.ICANON | termios.ECHO
        return termios.tcgetattr(self.fd)[3] & both == both

    def exit_code(self):
        """Reads to the end."""
        end = time.monotonic() + PATIENCE_S
        while self.read_more(end):
            pass
        _, status = os.waitpid(self.pid, 0)
        self.pid = None
        return os.waitstatus_to_exitcode(status)

    def close(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)
