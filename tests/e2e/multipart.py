"""The body of a submission with files."""

import json

BOUNDARY = "frontier"
CONTENT_TYPE = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def part(disposition, data, content_type="application/octet-stream"):
    head = (f"--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n"
            f"Content-Type: {content_type}\r\n\r\n")
    return head.encode() + data + b"\r\n"


def task_part(task):
    return part('name="task"', json.dumps(task).encode(), "application/json")


def file_part(name, data):
    return part(f'name="file"; filename="{name}"', data)


def form(task, files):
    """`files`: contents by name."""
    parts = [task_part(task), *(file_part(name, data) for name, data in files.items())]
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()
