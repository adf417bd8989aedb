#!/usr/bin/env python3
"""Adds up test reports and prints `N passed, N failed` as its one line.

    test_totals.py [--ctest JUNIT]... [--pytest JUNIT]... [--step STATUS]...

A ctest entry that is a GoogleTest program counts with its cases. A report that is not there or
can't be read counts as one failure, so that a crash of a runner is never a success. --step is the
exit status of something that counts as one test. The exit status is 1 if anything failed or
nothing ran.
"""
import argparse
import re
import sys
import xml.etree.ElementTree as ElementTree

RAN = re.compile(r"^\[==========\] (\d+) tests? from .* ran\.", re.MULTILINE)
PASSED = re.compile(r"^\[  PASSED  \] (\d+) tests?\.", re.MULTILINE)
SKIPPED = re.compile(r"^\[  SKIPPED \] (\d+) tests?, listed below", re.MULTILINE)


def last_number(pattern, text):
    found = pattern.findall(text)
    return int(found[-1]) if found else 0


def count_ctest_entry(status, output):
    """(passed, failed) of one ctest entry, by its GoogleTest summary where it has one."""
    succeeded = status == "run"
    ran = last_number(RAN, output)
    if ran == 0:
        return (1, 0) if succeeded else (0, 1)
    passed = last_number(PASSED, output)
    failed = ran - passed - last_number(SKIPPED, output)
    if not succeeded and failed == 0:
        failed = 1  # it broke after its last case, as a leak found at exit does
    return passed, failed


def count_ctest(root):
    passed = failed = 0
    for case in root.iter("testcase"):
        if case.get("status") in ("notrun", "disabled") and case.find("failure") is None:
            if case.get("status") == "notrun" and case.find("skipped") is None:
                failed += 1
            continue
        counts = count_ctest_entry(case.get("status"), case.findtext("system-out") or "")
        passed, failed = passed + counts[0], failed + counts[1]
    return passed, failed


def count_pytest(root):
    passed = failed = 0
    for suite in root.iter("testsuite"):
        bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        failed += bad
        passed += int(suite.get("tests", 0)) - bad - int(suite.get("skipped", 0))
    return passed, failed


def count_file(path, count):
    try:
        return count(ElementTree.parse(path).getroot())
    except (OSError, ElementTree.ParseError) as error:
        print(f"test_totals: {path}: {error}", file=sys.stderr)
        return 0, 1


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ctest", action="append", default=[])
    parser.add_argument("--pytest", action="append", default=[])
    parser.add_argument("--step", action="append", default=[], type=int)
    options = parser.parse_args(arguments)
    counts = [count_file(path, count_ctest) for path in options.ctest]
    counts += [count_file(path, count_pytest) for path in options.pytest]
    counts += [(1, 0) if status == 0 else (0, 1) for status in options.step]
    passed, failed = (sum(column) for column in zip((0, 0), *counts))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
