"""What the machine says of processes, whatever the server says."""

import pathlib


def processes_with(marker):
    """The ids of living processes that have the text in their environment: a job's task id."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if marker.encode() in (entry / "environ").read_bytes():
                state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
                found += [entry.name] if state != "Z" else []
        except OSError:
            continue
    return found


def status_bytes(pid, name):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024


def resident_bytes(pid):
    return status_bytes(pid, "VmRSS:")


def most_resident_bytes(pid):
    """The most since forget_most_resident()."""
    return status_bytes(pid, "VmHWM:")


def forget_most_resident(pid):
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")
