import contextlib
import io
import tempfile
import unittest
from pathlib import Path

import embed_sql


class EmbedSql(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name) / "engine"
        (self.root / "migrations").mkdir(parents=True)

    def write(self, name, text):
        (self.root / name).write_text(text)

    def make(self):
        out = self.root.parent / "out" / "sql.h"
        with contextlib.redirect_stderr(io.StringIO()) as error:
            status = embed_sql.main([str(self.root), str(out)])
        return status, out.read_text() if out.exists() else error.getvalue()

    def test_queries_become_constants(self):
        self.write("a.sql", "-- About.\n-- name: find_it\nselect 1;\n\n-- name: put_it\ninsert;\n")
        status, text = self.make()
        self.assertEqual(status, 0)
        self.assertIn("namespace tandem::sql::engine {", text)
        self.assertIn('std::string_view find_it = R"sql(select 1;)sql";', text)
        self.assertIn('std::string_view put_it = R"sql(insert;)sql";', text)
        self.assertNotIn("Migration", text)

    def test_migrations_are_ordered_and_no_queries(self):
        self.write("migrations/0002_more.sql", "-- name: not_a_query\nsecond;")
        self.write("migrations/0001_first.sql", "first;")
        status, text = self.make()
        self.assertEqual(status, 0)
        self.assertLess(text.index('{1, "first", R"sql(first;)sql"}'), text.index('{2, "more"'))
        self.assertNotIn("string_view not_a_query", text)

    def test_what_is_refused(self):
        for name, content in [("a.sql", "select 1;\n-- name: a\nselect 2;"),
                              ("a.sql", "-- name: a\nx;\n-- name: a\ny;"),
                              ("a.sql", "-- name: Bad\nx;"), ("a.sql", "-- name: a\n\n"),
                              ("migrations/0003_gap.sql", "x;"), ("migrations/first.sql", "x;"),
                              ("a.sql", '-- name: a\nselect \')sql"\';')]:
            self.write(name, content)
            status, text = self.make()
            self.assertEqual(status, 1, content)
            self.assertIn("embed_sql:", text)
            (self.root / name).unlink()


if __name__ == "__main__":
    unittest.main()
