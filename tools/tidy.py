#!/usr/bin/env python3
"""The house rules, as a check. There is no list of exceptions.

    tidy.py [ROOT]        prints `path:line: rule: what` for each violation; exit status 1 if any

docs/style.md says what the rules are for.
"""
import os
import re
import sys
from pathlib import Path
from typing import NamedTuple

import cpp_scan

SKIPPED_FOLDERS = {".git", "build", "__pycache__", ".pytest_cache", "node_modules", "tandem-data"}
LAYERS = {name: level for level, names in enumerate([
    ("base",), ("core", "wire", "config", "auth"), ("io", "store", "logs", "blobs"),
    ("net", "queue", "exec", "service"),
    ("api", "callbacks", "upstream", "worker"), ("app",)]) for name in names}

# (from, to, what to do instead). A unit test puts parts together, so it may name engines.
FORBIDDEN_EDGES = [
    ("core/", r"wire/", "the domain knows no JSON"),
    ("queue/", r"(?:net|io)/", "the dispatcher posts to an Outbox and knows no sockets"),
    ("worker/", r"store/", "a worker reaches tasks through its server only"),
    ("api/", r"store/\w+/", "api sees the interfaces of store/; app/ chooses the engine"),
]
FENCES = [
    (r"boost/beast\b", ("net/",)),
    (r"boost/asio\b", ("io/", "net/", "exec/", "service/", "upstream/", "worker/", "app/", "api/")),
    (r"sqlite3\.h", ("store/sqlite/", "logs/embedded/")),
    (r"libpq|postgresql/", ("store/postgres/",)),
    (r"hiredis/", ("logs/redis/",)),
    (r"boost/json\b", ("wire/", "api/", "config/", "auth/")),
    (r"openssl/", ("auth/", "net/", "blobs/")),
    (r"toml\+\+/", ("config/",)),
    (r"argon2\.h", ("auth/",)),
    (r"CLI/", ("app/cli/command.cc", "app/cli/usage_error.cc")),
]
MAX_COLUMNS = 100
MAX_FILE_LINES, WARN_FILE_LINES, MAX_TEST_LINES, MAX_HEADER_LINES = 600, 400, 1000, 150
MAX_FUNCTION_LINES, MAX_PARAMETERS = 70, 5
CODE_SUFFIXES = {".h", ".cc", ".py", ".sh", ".sql", ".cmake"}
VAGUE_NAMES = {"util", "utils", "common", "helper", "helpers", "misc", "manager"}
# Nothing here speaks of how or where it was written. Put together, so that this file passes.
BANNED_WORDS = ["cla" "ude", "anth" "ropic", "open" "ai", "chat" "gpt", "co" "pilot",
                "/wo" "rk/main", "/wo" "rk/shared", "shared/de" "sign", "shared/se" "ed",
                "language mo" "del", "as an a" "i"]
# A blocked thread, or a timer used as one; io/ owns the timer and tests it.
BLOCKING_SLEEP = r"\bthis_thread::sleep_\w+|\b(?:usleep|nanosleep|sleep)\s*\("
TIMER_SLEEP = r"\bsleep_(?:for|until)\s*\("
PYTHON_SLEEP = r"\b(?:time|asyncio)\.sleep\s*\(|from\s+time\s+import[^\n]*\bsleep\b"
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


class Problem(NamedTuple):
    path: str
    line: int
    rule: str
    text: str


def is_test(path):
    name = path.rsplit("/", 1)[-1]
    return path.startswith("tests/") or re.search(r"_test\.(?:cc|py)$", name) is not None


def is_cpp(path):
    return path.endswith((".h", ".cc"))


def check_layers(path, text, _code):
    if not path.startswith("src/"):
        return
    inside = path[len("src/"):]
    folder = inside.split("/")[0]
    for match in INCLUDE.finditer(text):
        target, line = match.group(2), cpp_scan.line_of(text, match.start(2))
        to = target.split("/")[0]
        if match.group(1) != '"' or "/" not in target or to not in LAYERS:
            continue
        if folder in LAYERS and LAYERS[to] > LAYERS[folder]:
            yield line, "layer", f"{folder}/ may not include {target}: it is a layer above"
        for source, pattern, reason in FORBIDDEN_EDGES:
            if inside.startswith(source) and re.match(pattern, target) and not is_test(path):
                yield line, "layer", f"{source} may not include {target}: {reason}"


def check_fences(path, text, _code):
    if not path.startswith("src/"):
        return
    inside = path[len("src/"):]
    for match in INCLUDE.finditer(text):
        for pattern, folders in FENCES:
            if re.match(pattern, match.group(2)) and not inside.startswith(folders):
                line = cpp_scan.line_of(text, match.start(2))
                yield line, "fence", f"{match.group(2)} belongs in {' '.join(folders)} only"


def check_size(path, text, _code):
    lines = text.count("\n")
    limit = MAX_TEST_LINES if is_test(path) else MAX_FILE_LINES
    if path.endswith(".h") and not is_test(path):
        limit = MAX_HEADER_LINES
    if lines > limit:
        yield lines, "file-size", f"{lines} lines, the limit is {limit}"


def check_columns(path, text, _code):
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > MAX_COLUMNS and "://" not in line:
            yield number, "columns", f"{len(line)} columns, the limit is {MAX_COLUMNS}"


def check_pragma(path, text, _code):
    if not path.endswith(".h"):
        return
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("//")]
    if not lines or lines[0] != "#pragma once":
        yield 1, "pragma-once", "a header starts with #pragma once"


def check_functions(path, text, code):
    for function in cpp_scan.functions(code):
        if function.lines > MAX_FUNCTION_LINES:
            yield (function.line, "function-size",
                   f"{function.name} has {function.lines} lines, the limit is {MAX_FUNCTION_LINES}")
        if function.parameters > MAX_PARAMETERS:
            yield (function.line, "parameters", f"{function.name} takes {function.parameters} "
                   f"parameters, the limit is {MAX_PARAMETERS}")


def check_names(path, text, code):
    for match in re.finditer(r"\b(?:class|struct|enum\s+class|union)\s+(?:\[\[\w+\]\]\s*)?"
                             r"([A-Za-z_]\w*)\s*(?:final\s*)?(?::(?!:)|{)", code):
        if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", match.group(1)):
            yield (cpp_scan.line_of(code, match.start()), "name",
                   f"the type {match.group(1)} is not PascalCase")
    # Classes of others are declared under the name that they have.
    declares_only = r"(?!\s*(?:(?:class|struct)\s+\w+;\s*)+})"
    for match in re.finditer(r"\bnamespace\s+([\w:]+)\s*{" + declares_only, code):
        if not re.fullmatch(r"[a-z][a-z0-9_]*(?:::[a-z][a-z0-9_]*)*", match.group(1)):
            yield (cpp_scan.line_of(code, match.start()), "name",
                   f"the namespace {match.group(1)} is not snake_case")


BRACED = re.compile(r"(?<![\w.])((?:[a-z_]\w*::)*[A-Z]\w*|std::\w+)(?:<[^;{}()]*>)?\s*{")
BARE_BRACES = re.compile(r"[(,]\s*{")
LAMBDA = re.compile(r"(?<![\w\])\[>])\s*\[(?!\[)([^\[\]]*)\]\s*[({m;]")


def captures_by_value(captures):
    names = [part.strip() for part in captures.split(",") if part.strip()]
    return [name for name in names if name != "this" and not name.startswith("&")]


def check_coroutines(path, text, code):
    for line, statement in cpp_scan.await_statements(code):
        braced = BRACED.search(statement)
        if braced:
            yield (line, "coroutine", f"{braced.group(1)}{{…}} in a statement with co_await: "
                   "name it first (g++ 12 destroys it twice)")
        elif BARE_BRACES.search(statement):
            yield (line, "coroutine", "a braced argument in a statement with co_await: "
                   "name it first (g++ 12 destroys it twice)")
        for match in LAMBDA.finditer(statement):
            if captures_by_value(match.group(1)):
                yield (line, "coroutine", f"a lambda that captures [{match.group(1)}] by value in "
                       "a statement with co_await: name it first, or capture by reference")
    coroutine_lambda = r"\[([^\[\]]+)\]\s*\([^()]*\)\s*(?:mutable\s*)?->\s*[\w:]*awaitable\b"
    for match in re.finditer(coroutine_lambda, code):
        yield (cpp_scan.line_of(code, match.start()), "coroutine",
               f"a coroutine lambda captures [{match.group(1)}]: pass parameters instead")
    for match in re.finditer(r"\bawaitable_operators\b|\bdetached\b", code):
        yield (cpp_scan.line_of(code, match.start()), "coroutine",
               f"{match.group(0)}: use with_timeout or TaskGroup")


def check_sleeps(path, text, code):
    if not is_test(path):
        return
    patterns = [PYTHON_SLEEP] if path.endswith(".py") else []
    if is_cpp(path):
        patterns = [BLOCKING_SLEEP] + ([] if path.startswith("src/io/") else [TIMER_SLEEP])
    for pattern in patterns:
        for match in re.finditer(pattern, code):
            yield (cpp_scan.line_of(code, match.start()), "sleep",
                   "a test waits for what it wants to see, never for a time")


def check_words(path, text, _code):
    for number, line in enumerate(text.splitlines(), 1):
        lower = line.lower()
        for word in BANNED_WORDS:
            if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", lower):
                yield number, "word", f"'{word}' has no place in this repository"
        if re.search(r"\b(?:TODO|FIXME|XXX)\b(?!\(#\d+\))", line) and not is_rule_text(path):
            yield number, "todo", "write TODO(#N) with the number of its issue, or do it"


def is_rule_text(path):
    """The files that state the rules must be able to name what they forbid."""
    return path in ("tools/tidy.py", "tools/tidy_test.py", "docs/style.md", "CONTRIBUTING.md")


def check_path(path):
    parts = path.split("/")
    for part in parts:
        if VAGUE_NAMES & set(re.split(r"[._\-]", part.lower())):
            yield Problem(path, 1, "path", f"'{part}' does not say what is in it")
    if path.startswith("src/"):
        for part in parts[1:]:
            if part != "CMakeLists.txt" and not re.fullmatch(r"[a-z0-9_]+(?:\.[a-z0-9]+)*", part):
                yield Problem(path, 1, "path", f"'{part}' is not snake_case")


CODE_CHECKS = [check_size, check_columns, check_sleeps]
CPP_CHECKS = [check_layers, check_fences, check_pragma, check_functions, check_names,
              check_coroutines]


def check_file(path, text):
    """All problems of one file; `path` is relative to the root, with slashes."""
    code = cpp_scan.mask(text) if is_cpp(path) else text
    checks = [check_words]
    if Path(path).suffix in CODE_SUFFIXES or path in ("dev", ".ci/run"):
        checks += CODE_CHECKS
    if is_cpp(path):
        checks += CPP_CHECKS
    problems = list(check_path(path))
    for check in checks:
        problems += [Problem(path, *found) for found in check(path, text, code) or ()]
    return problems


def folder_edges(files):
    """The folders of src/ that each folder's product code includes."""
    edges = {}
    for path, text in files:
        if not path.startswith("src/") or not is_cpp(path) or is_test(path):
            continue
        folder = path.split("/")[1]
        for match in INCLUDE.finditer(text):
            to = match.group(2).split("/")[0]
            if match.group(1) == '"' and to in LAYERS and to != folder:
                edges.setdefault(folder, {}).setdefault(to, path)
    return edges


def check_cycles(files):
    """Two folders that include each other are one folder; longer rings lie between layers."""
    edges = folder_edges(files)
    for folder in sorted(edges):
        for to in sorted(edges[folder]):
            if folder < to and folder in edges.get(to, {}):
                yield Problem(edges[folder][to], 1, "layer",
                              f"{folder}/ and {to}/ include each other ({edges[to][folder]})")


def tree(root):
    """(path, text) of every text file that belongs to the project."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - SKIPPED_FOLDERS)
        for name in sorted(set(names) - SKIPPED_FOLDERS):  # .git is a file in a worktree
            path = Path(folder) / name
            try:
                yield path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")
            except (UnicodeDecodeError, FileNotFoundError):
                continue  # pictures and corpus files are not text


def check_tree(root):
    files = list(tree(root))
    problems = [problem for path, text in files for problem in check_file(path, text)]
    return files, problems + list(check_cycles(files))


def main(arguments):
    root = Path(arguments[0] if arguments else Path(__file__).resolve().parent.parent)
    files, problems = check_tree(root)
    for path, text in files:
        lines = text.count("\n")
        if is_cpp(path) and not is_test(path) and WARN_FILE_LINES < lines <= MAX_FILE_LINES:
            print(f"{path}: warning: {lines} lines; aim at 300")
    for problem in problems:
        print(f"{problem.path}:{problem.line}: {problem.rule}: {problem.text}")
    print(f"tidy: {len(files)} files, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
