#!/usr/bin/env python3
"""Runs clang-tidy-14 within a bounded time.

    lint.py --build BUILD_DIRECTORY [--jobs N] [--budget-s N] [FILE]...

Without files: first those that differ from the commit before (or are not committed yet), then all
others while time is left. Says what was looked at and what was not. The exit status is 1 where
clang-tidy found something in a changed file, or where time ran out before those were through.
"""
import argparse
import concurrent.futures
import json
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The flags are g++'s; what clang does not know of them is no fault of the code.
EXTRA = ["--extra-arg=-Wno-unknown-warning-option", "--extra-arg=-Wno-everything"]


def git(*arguments):
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True,
                          check=False)
    return done.stdout.split("\0") if done.returncode == 0 else []


def changed_files():
    """What differs from the commit before the last one, and what is not committed yet."""
    return {name for name in git("diff", "-z", "--name-only", "HEAD~1")
            + git("ls-files", "-z", "--others", "--exclude-standard") if name}


def compiled_files(build):
    commands = json.loads((Path(build) / "compile_commands.json").read_text())
    inside = Path(build).resolve()
    files = {Path(entry["file"]).resolve() for entry in commands}
    return sorted(path.relative_to(ROOT).as_posix() for path in files
                  if path.is_relative_to(ROOT) and not path.is_relative_to(inside))


def lint(path, build, deadline):
    """(path, finding or None, whether it was looked at to the end)"""
    left = deadline - time.monotonic()
    if left <= 0:
        return path, None, False
    command = ["clang-tidy-14", "--quiet", "-p", build, *EXTRA, path]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=left,
                              check=False)
    except subprocess.TimeoutExpired:
        return path, None, False
    return path, (done.stdout + done.stderr) if done.returncode else None, True


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--budget-s", type=float, default=300)
    parser.add_argument("files", nargs="*")
    options = parser.parse_args(arguments)
    compiled = compiled_files(options.build)
    wanted = set(options.files) or changed_files()
    first = [path for path in compiled if path in wanted]
    rest = [] if options.files else [path for path in compiled if path not in wanted]
    deadline = time.monotonic() + options.budget_s
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        results = list(pool.map(lambda path: lint(path, options.build, deadline), first + rest))
    for path, finding, _ in results:
        if finding:
            print(f"clang-tidy: {path}\n{finding.rstrip()}")
    seen = {path for path, _, looked in results if looked}
    bad = sum(1 for _, finding, _ in results if finding)
    bad_changed = sum(1 for path, finding, _ in results if finding and path in wanted)
    missed = [path for path in first if path not in seen]
    print(f"clang-tidy: {len(seen)} of {len(compiled)} files looked at in the "
          f"{options.budget_s:.0f} s there are, {len(first) - len(missed)} of {len(first)} changed "
          f"ones among them; {bad} with findings")
    if missed:
        print("clang-tidy: no time was left for these changed files: " + " ".join(missed))
    return 1 if bad_changed or missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
