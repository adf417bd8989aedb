#!/usr/bin/env python3
"""Runs clang-tidy-14 on what is compiled: all of it must be clean (.clang-tidy says of what).

    lint.py --build BUILD_DIRECTORY [--build ANOTHER]... [--jobs N] [FILE]...

A file is looked at as the first of the builds compiles it: benchmarks and fuzz targets are in
builds of their own, which need no more than to be configured. With files: on those only. The exit
status is 1 where clang-tidy found something.
"""
import argparse
import concurrent.futures
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The flags are g++'s; what clang does not know of them is no fault of the code.
EXTRA = ["--extra-arg=-Wno-unknown-warning-option", "--extra-arg=-Wno-everything"]


def compiled_files(build):
    commands = json.loads((Path(build) / "compile_commands.json").read_text())
    inside = Path(build).resolve()
    files = {Path(entry["file"]).resolve() for entry in commands}
    return sorted(path.relative_to(ROOT).as_posix() for path in files
                  if path.is_relative_to(ROOT) and not path.is_relative_to(inside))


def build_of_each_file(builds):
    """The first build that compiles it, by file."""
    found = {}
    for build in builds:
        for path in compiled_files(build):
            found.setdefault(path, build)
    return found


def lint(path, build):
    """(path, what clang-tidy says about it; empty where it is clean)"""
    command = ["clang-tidy-14", "--quiet", "-p", build, *EXTRA, path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return path, (done.stdout + done.stderr).rstrip() if done.returncode else ""


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True, action="append")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("files", nargs="*")
    options = parser.parse_args(arguments)
    compiled = build_of_each_file(options.build)
    files = [path for path in compiled if not options.files or path in options.files]
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for path, finding in pool.map(lambda path: lint(path, compiled[path]), files):
            if finding:
                bad += 1
                print(f"clang-tidy: {path}\n{finding}", flush=True)
    print(f"clang-tidy: {len(files)} files, {bad} with findings")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
