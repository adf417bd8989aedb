#!/usr/bin/env python3
"""Makes a C++ header of a directory's .sql files.

    embed_sql.py DIRECTORY OUT_HEADER

A section that starts with `-- name: find_task` becomes the constant find_task; every file
migrations/NNNN_name.sql becomes an entry of `migrations`, in order of its number. All of it stands
in the namespace tandem::sql::<name of the directory>.
"""
import re
import sys
from pathlib import Path

NAME = re.compile(r"^--\s*name:\s*(\S+)\s*$")
MIGRATION = re.compile(r"^(\d{4})_([a-z][a-z0-9_]*)\.sql$")
IDENTIFIER = re.compile(r"^[a-z][a-z0-9_]*$")


class EmbedError(Exception):
    pass


def literal(text):
    if ')sql"' in text:
        raise EmbedError('the text holds )sql" and cannot be embedded')
    return f'R"sql({text.strip()})sql"'


def sections(path):
    """The named queries of one file, as (name, text). Text before the first name is a comment."""
    found, name, lines = [], None, []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = NAME.match(line)
        if not match:
            if name is None and line.strip() and not line.startswith("--"):
                raise EmbedError(f"{path}:{number}: SQL before the first `-- name:`")
            lines.append(line)
            continue
        if name is not None:
            found.append((name, "\n".join(lines)))
        name, lines = match.group(1), []
        if not IDENTIFIER.match(name):
            raise EmbedError(f"{path}:{number}: not a name: {name}")
    if name is not None:
        found.append((name, "\n".join(lines)))
    for query, text in found:
        if not text.strip():
            raise EmbedError(f"{path}: {query} is empty")
    return found


def queries(directory):
    seen = {}
    for path in sorted(directory.rglob("*.sql")):
        if "migrations" in path.relative_to(directory).parts:
            continue
        for name, text in sections(path):
            if name in seen:
                raise EmbedError(f"{path}: {name} is also in {seen[name][0]}")
            seen[name] = (path, text)
    return [(name, text) for name, (_, text) in seen.items()]


def migrations(directory):
    rows = []
    for path in sorted((directory / "migrations").glob("*.sql")):
        match = MIGRATION.match(path.name)
        if not match:
            raise EmbedError(f"{path}: a migration is called NNNN_name.sql")
        rows.append((int(match.group(1)), match.group(2), path.read_text()))
    numbers = [row[0] for row in rows]
    if numbers != list(range(1, len(rows) + 1)):
        raise EmbedError(f"{directory}/migrations: numbers must run 1, 2, 3, …, are {numbers}")
    return rows


def header(directory):
    out = [f"// Made by tools/embed_sql.py from the .sql files of {directory.name}/.",
           "#pragma once", "", "#include <string_view>", "",
           f"namespace tandem::sql::{directory.name} {{", ""]
    for name, text in queries(directory):
        out += [f"inline constexpr std::string_view {name} = {literal(text)};", ""]
    rows = migrations(directory)
    if rows:
        out += ["struct Migration {", "  int number;", "  std::string_view name;",
                "  std::string_view text;", "};", "inline constexpr Migration migrations[] = {"]
        out += [f'    {{{number}, "{name}", {literal(text)}}},' for number, name, text in rows]
        out += ["};", ""]
    out.append(f"}}  // namespace tandem::sql::{directory.name}")
    return "\n".join(out) + "\n"


def main(arguments):
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    directory, out = Path(arguments[0]).resolve(), Path(arguments[1])
    try:
        text = header(directory)
    except EmbedError as error:
        print(f"embed_sql: {error}", file=sys.stderr)
        return 1
    out.parent.mkdir(parents=True, exist_ok=True)
    if not out.exists() or out.read_text() != text:
        out.write_text(text)
    else:
        out.touch()  # so that the build sees it as newer than the .sql files
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
