"""Whatever is left of a task on the machine: rows, files, processes."""

import os
import pathlib
import sqlite3
import uuid

from processes import processes_with

# Kept for a day by design: a deleted task's key must not make another one.
KEYS = "idempotency"


def rows_of(database, task_id):
    """Table and row of each place in which the id stands, as its bytes or its text."""
    raw = uuid.UUID(task_id).bytes
    found = []
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        connection.text_factory = bytes
        tables = connection.execute("select name from sqlite_master where type = 'table'")
        for table in [name.decode() for (name,) in tables]:
            if table == KEYS:
                continue
            for row in connection.execute(f'select * from "{table}"'):
                cells = [cell for cell in row if isinstance(cell, bytes)]
                if any(raw in cell or task_id.encode() in cell for cell in cells):
                    found.append(f"{database.name}: {table}: {row}")
    connection.close()
    return found


def paths_under(directory):
    """Every folder and file below it. What is looked at may go meanwhile, so this is not
    `Path.rglob`, which in Python 3.11 fails then."""
    return [pathlib.Path(folder, name) for folder, folders, files in os.walk(directory)
            for name in folders + files]


def files_under(directory):
    return [path for path in paths_under(directory) if path.is_file()]


def blobs_of(server):
    """The files of its tasks, also those under way; not the mark that says whose they are."""
    blobs = server.data / "blobs"
    return [path for path in files_under(blobs) if path != blobs / "installation"]


def traces_of(server, task_id):
    databases = [server.data / name for name in ("tandem.db", "logs.db")]
    rows = [row for database in databases for row in rows_of(database, task_id)]
    files = [str(path) for path in paths_under(server.data) if task_id in path.name]
    return rows + files + processes_with(task_id)
