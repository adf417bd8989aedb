import tempfile
import unittest
from pathlib import Path

import docs


class Links(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        (self.root / "docs").mkdir()
        (self.root / "README.md").write_text("# Top\n\n## How it `works`, in short\n\n## Top\n")

    def broken(self, text):
        (self.root / "docs/a.md").write_text(text)
        return [target for _, target, _ in docs.broken_links(self.root, "docs/a.md", text)]

    def test_what_is_there(self):
        text = ("# Here\n[a](../README.md) [b](#here) [c](../README.md#how-it-works-in-short) "
                "[d](../README.md#top-1) [e](https://example.com/x) [f](a.md)\n")
        self.assertEqual(self.broken(text), [])

    def test_what_is_not(self):
        text = "[a](b.md) [b](#nowhere) [c](../README.md#top-2) [d](../../etc)\n"
        self.assertEqual(self.broken(text), ["b.md", "#nowhere", "../README.md#top-2", "../../etc"])

    def test_code_is_no_link(self):
        self.assertEqual(self.broken("`[a](b.md)`\n```\n[a](b.md)\n# x\n```\n[b](#x)\n"), ["#x"])


class Settings(unittest.TestCase):
    def test_the_page_is_checked_against_what_is_made(self):
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder) / "operating" / "settings.md"
            self.assertFalse(docs.check_settings("# Settings\n", page))
            self.assertTrue(docs.write_settings("# Settings\n", page))
            self.assertTrue(docs.check_settings("# Settings\n", page))
            page.write_text("# Settings\n\nEdited.\n")
            self.assertFalse(docs.check_settings("# Settings\n", page))

    def test_a_binary_that_makes_none_is_told(self):
        self.assertIsNone(docs.settings_page("/bin/false"))
        self.assertFalse(docs.write_settings(None))
        self.assertFalse(docs.check_settings(None))


if __name__ == "__main__":
    unittest.main()
