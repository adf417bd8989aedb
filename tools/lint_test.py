"""Tests of which files lint.py looks at together, and of what it says where they are not clean."""
import contextlib
import io
import json
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import lint


def entry(path, flags="-O1 -Isrc"):
    return {"directory": "/b", "file": str(lint.ROOT / path),
            "command": f"/usr/bin/c++ {flags} -o x.o -c {lint.ROOT / path}"}


class LintTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.build = Path(directory.name)

    def compile(self, *entries):
        (self.build / "compile_commands.json").write_text(json.dumps(entries))

    def run_main(self, says):
        """(its exit status, its words, what clang-tidy was asked for); `says` plays clang-tidy"""
        asked, out = [], io.StringIO()

        def clang_tidy(_, path, *options):
            text = Path(path).read_text() if Path(path).name == "joined.cc" else str(path)
            asked.append(text)
            return says(text)

        with mock.patch.object(lint, "clang_tidy", clang_tidy), contextlib.redirect_stdout(out):
            return lint.main(["--build", str(self.build), "--jobs", "1"]), out.getvalue(), asked

    def test_files_that_are_compiled_alike_are_looked_at_together(self):
        self.compile(entry("src/a.cc"), entry("src/b.cc"), entry("src/c.cc", "-O2"))
        status, words, asked = self.run_main(lambda _: "")
        self.assertEqual(status, 0)
        self.assertIn("3 files, 0 with findings", words)
        self.assertEqual(len(asked), 2)
        self.assertIn("src/a.cc", asked[0])
        self.assertIn("src/b.cc", asked[0])
        self.assertEqual(asked[1], "src/c.cc")

    def test_where_they_are_not_clean_each_is_looked_at_alone(self):
        self.compile(entry("src/a.cc"), entry("src/b.cc"))
        status, words, asked = self.run_main(lambda text: "bad" if "src/b.cc" in text else "")
        self.assertEqual((status, len(asked)), (1, 3))
        self.assertIn("clang-tidy: src/b.cc\nbad", words)
        self.assertNotIn("clang-tidy: src/a.cc", words)

    def test_what_only_looks_wrong_together_is_clean(self):
        self.compile(entry("src/a.cc"), entry("src/b.cc"))
        status, words, _ = self.run_main(lambda text: "bad" if "#include" in text else "")
        self.assertEqual(status, 0)
        self.assertIn("2 files, 0 with findings", words)

    def test_what_the_build_has_made_is_not_looked_at(self):
        self.compile({"directory": "/b", "file": str(self.build / "unity.cc"),
                      "command": f"c++ -c {self.build / 'unity.cc'}"})
        self.assertEqual(lint.compiled_files(self.build), {})


if __name__ == "__main__":
    unittest.main()
