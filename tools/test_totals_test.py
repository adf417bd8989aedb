import contextlib
import io
import tempfile
import unittest
from pathlib import Path

import test_totals

GTEST_OK = "[==========] 5 tests from 2 test suites ran. (3 ms total)\n[  PASSED  ] 5 tests.\n"
GTEST_BAD = ("[==========] 5 tests from 2 test suites ran. (3 ms total)\n[  PASSED  ] 2 tests.\n"
             "[  SKIPPED ] 1 test, listed below:\n[  SKIPPED ] A.b\n"
             "[  FAILED  ] 2 tests, listed below:\n")


class Totals(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def file(self, name, text):
        path = Path(self.folder.name) / name
        path.write_text(text)
        return str(path)

    def ctest(self, *entries):
        cases = "".join(f'<testcase name="x" status="{status}"><system-out>{output}</system-out>'
                        "</testcase>" for status, output in entries)
        return self.file("ctest.xml", f"<testsuite>{cases}</testsuite>")

    def run_main(self, *arguments):
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            status = test_totals.main(list(arguments))
        return status, out.getvalue()

    def test_googletest_cases_are_counted(self):
        report = self.ctest(("run", GTEST_OK), ("run", "no GoogleTest"))
        self.assertEqual(self.run_main("--ctest", report), (0, "6 passed, 0 failed\n"))

    def test_failures_of_every_kind(self):
        report = self.ctest(("fail", GTEST_BAD), ("fail", GTEST_OK), ("fail", "segfault"))
        self.assertEqual(self.run_main("--ctest", report), (1, "7 passed, 4 failed\n"))

    def test_pytest_and_steps(self):
        report = self.file("e2e.xml", '<testsuites><testsuite tests="9" failures="1" errors="1" '
                           'skipped="2"/></testsuites>')
        self.assertEqual(self.run_main("--pytest", report, "--step", "0", "--step", "3"),
                         (1, "6 passed, 3 failed\n"))

    def test_a_missing_or_broken_report_is_a_failure(self):
        broken = self.file("broken.xml", "<testsuite>")
        self.assertEqual(self.run_main("--pytest", "/nowhere.xml", "--ctest", broken),
                         (1, "0 passed, 2 failed\n"))

    def test_nothing_at_all_is_no_success(self):
        self.assertEqual(self.run_main(), (1, "0 passed, 0 failed\n"))


if __name__ == "__main__":
    unittest.main()
