#!/usr/bin/env python3
"""Runs clang-tidy-14 on what is compiled: all of it must be clean (.clang-tidy says of what).

    lint.py --build BUILD_DIRECTORY [--build ANOTHER]... [--jobs N] [FILE]...

A file is looked at as the first of the builds compiles it: benchmarks and fuzz targets are in
builds of their own, which need no more than to be configured. With files: on those only. Most of
the work is in headers, so files that are compiled alike are looked at a few at a time; those
beside which clang-tidy finds something are looked at again, each alone, and that is what counts.
The exit status is 1 where it found something.
"""
import argparse
import concurrent.futures
import itertools
import json
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The flags are g++'s; what clang does not know of them is no fault of the code.
EXTRA = ["--extra-arg=-Wno-unknown-warning-option", "--extra-arg=-Wno-everything"]
AT_A_TIME = 8


def flags_of(entry):
    """How a file is compiled, without its own name and that of its object."""
    words = shlex.split(entry["command"])
    while "-o" in words:
        at = words.index("-o")
        del words[at:at + 2]
    return tuple(word for word in words if word not in ("-c", entry["file"]))


def compiled_files(build):
    """{path: (its build, its flags)} of the project's own files, by their paths from its root"""
    inside = Path(build).resolve()
    found = {}
    for entry in json.loads((Path(build) / "compile_commands.json").read_text()):
        path = Path(entry["file"]).resolve()
        if path.is_relative_to(ROOT) and not path.is_relative_to(inside):
            found[path.relative_to(ROOT).as_posix()] = (build, flags_of(entry))
    return found


def first_of_each(builds):
    """As compiled_files, with the first build that compiles a file."""
    found = {}
    for build in builds:
        found = compiled_files(build) | found
    return found


def batches(compiled, paths):
    """The paths, a few at a time, those of one batch compiled alike."""
    by_flags = {}
    for path in sorted(paths):
        by_flags.setdefault(compiled[path], []).append(path)
    for alike in by_flags.values():
        rest = iter(alike)
        while batch := list(itertools.islice(rest, AT_A_TIME)):
            yield batch


def clang_tidy(build, path, *options):
    """What it says; empty where all is clean."""
    command = ["clang-tidy-14", "--quiet", "-p", str(build), *EXTRA, *options, str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).rstrip() if done.returncode else ""


def joined_is_clean(batch, build, flags):
    with tempfile.TemporaryDirectory(prefix="tandem-lint-") as directory:
        joined = Path(directory) / "joined.cc"
        joined.write_text("".join(f'#include "{ROOT / path}"\n' for path in batch))
        command = {"directory": str(Path(build).resolve()), "file": str(joined),
                   "arguments": [*flags, "-c", str(joined)]}
        (Path(directory) / "compile_commands.json").write_text(json.dumps([command]))
        return not clang_tidy(directory, joined, f"--config-file={ROOT / '.clang-tidy'}",
                              "--checks=-bugprone-suspicious-include",
                              rf"--header-filter={ROOT}/(src|sdk|tests|bench|handlers)/.*\.(h|cc)$")


def lint(batch, compiled):
    """[(path, what clang-tidy says about it)] of those that are not clean"""
    build, flags = compiled[batch[0]]
    if len(batch) > 1 and joined_is_clean(batch, build, flags):
        return []
    findings = [(path, clang_tidy(build, path)) for path in batch]
    return [(path, finding) for path, finding in findings if finding]


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True, action="append")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("files", nargs="*")
    options = parser.parse_args(arguments)
    compiled = first_of_each(options.build)
    files = [path for path in compiled if not options.files or path in options.files]
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        todo = batches(compiled, files)
        for path, finding in itertools.chain.from_iterable(
                pool.map(lambda batch: lint(batch, compiled), todo)):
            bad += 1
            print(f"clang-tidy: {path}\n{finding}", flush=True)
    print(f"clang-tidy: {len(files)} files, {bad} with findings")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
