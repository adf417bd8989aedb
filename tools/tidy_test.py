"""Each house rule, with text that breaks it and text that does not."""
import tempfile
import unittest
from pathlib import Path

import cpp_scan
import tidy


def rules(path, text):
    return sorted({problem.rule for problem in tidy.check_file(path, text)})


def header(body):
    return "#pragma once\n\n" + body


class Layers(unittest.TestCase):
    def test_upwards_is_refused(self):
        self.assertEqual(rules("src/base/x.cc", '#include "core/task.h"\n'), ["layer"])
        self.assertEqual(rules("src/store/x.cc", '#include "queue/dispatcher.h"\n'), ["layer"])
        self.assertEqual(rules("src/worker/x_test.cc", '#include "app/main.h"\n'), ["layer"])

    def test_downwards_and_sideways_is_allowed(self):
        self.assertEqual(rules("src/app/x.cc", '#include "api/routes.h"\n'), [])
        self.assertEqual(rules("src/wire/x.cc", '#include "core/task.h"\n'), [])

    def test_forbidden_edges(self):
        for path, target in [("src/queue/x.cc", "net/server.h"), ("src/queue/x.cc", "io/loop.h"),
                             ("src/api/x.cc", "store/sqlite/engine.h"),
                             ("src/worker/x.cc", "store/store.h"), ("src/core/x.cc", "wire/j.h")]:
            self.assertEqual(rules(path, f'#include "{target}"\n'), ["layer"], path + target)
        self.assertEqual(rules("src/api/x.cc", '#include "store/task_reader.h"\n'), [])

    def test_a_test_may_name_an_engine(self):
        self.assertEqual(rules("src/api/x_test.cc", '#include "store/memory/engine.h"\n'), [])

    def test_two_folders_that_include_each_other(self):
        files = [("src/net/a.h", '#include "exec/b.h"\n'), ("src/exec/b.h", '#include "net/a.h"\n')]
        self.assertEqual([found.rule for found in tidy.check_cycles(files)], ["layer"])
        self.assertEqual(list(tidy.check_cycles(files[:1])), [])


class Fences(unittest.TestCase):
    def test_each_outside_header_has_its_folder(self):
        for include, inside, outside in [
                ("boost/beast/core.hpp", "src/net/x.cc", "src/api/x.cc"),
                ("boost/asio/awaitable.hpp", "src/worker/x.cc", "src/queue/x.cc"),
                ("boost/asio.hpp", "src/io/x.cc", "src/core/x.cc"),
                ("sqlite3.h", "src/store/sqlite/x.cc", "src/store/memory/x.cc"),
                ("boost/json.hpp", "src/wire/x.cc", "src/worker/x.cc"),
                ("openssl/evp.h", "src/blobs/x.cc", "src/base/x.cc"),
                ("libpq-fe.h", "src/store/postgres/x.cc", "src/store/sqlite/x.cc"),
                ("hiredis/hiredis.h", "src/logs/redis/x.cc", "src/logs/embedded/x.cc"),
                ("argon2.h", "src/auth/x.cc", "src/net/x.cc")]:
            text = f"#include <{include}>\n"
            self.assertEqual(rules(inside, text), [], include)
            self.assertEqual(rules(outside, text), ["fence"], include)


class Sizes(unittest.TestCase):
    def test_files(self):
        self.assertEqual(rules("src/net/x.cc", "\n" * 600), [])
        self.assertEqual(rules("src/net/x.cc", "\n" * 601), ["file-size"])
        self.assertEqual(rules("src/net/x_test.cc", "\n" * 1000), [])
        self.assertEqual(rules("tests/sim/x.cc", "\n" * 1001), ["file-size"])
        self.assertEqual(rules("src/net/x.h", header("\n" * 148)), [])
        self.assertEqual(rules("src/net/x.h", header("\n" * 149)), ["file-size"])

    def test_columns_are_characters(self):
        self.assertEqual(rules("src/net/x.cc", "// " + "ü" * 97 + "\n"), [])
        self.assertEqual(rules("src/net/x.cc", "// " + "x" * 98 + "\n"), ["columns"])
        self.assertEqual(rules("dev", "# " + "x" * 99 + "\n"), ["columns"])
        self.assertEqual(rules("README.md", "x" * 200 + "\n"), [])

    def test_functions(self):
        def function(lines):
            return "namespace a {\nint f() {\n" + "  g();\n" * (lines - 2) + "}\n}\n"
        self.assertEqual(rules("src/net/x.cc", function(70)), [])
        self.assertEqual(rules("src/net/x.cc", function(71)), ["function-size"])

    def test_parameters(self):
        five = "void f(int a, std::map<int, int> b, int c, std::function<void(int, int)> d, int e)"
        self.assertEqual(rules("src/net/x.cc", five + " {}\n"), [])
        self.assertEqual(rules("src/net/x.h", header(five[:-1] + ", int f);\n")), ["parameters"])
        self.assertEqual(rules("src/net/x.cc", five[:-1] + ", int f) {}\n"), ["parameters"])
        self.assertEqual(rules("src/net/x.cc", "void h() {\n  f(1, 2, 3, 4, 5, 6, 7);\n}\n"), [])


class Functions(unittest.TestCase):
    def found(self, text):
        return [(item.name, item.lines, item.parameters)
                for item in cpp_scan.functions(cpp_scan.mask(text))]

    def test_constructor_with_braces_in_its_list(self):
        text = "A::A(int a, int b) : a_{a}, b_{b}, c_(1) {\n  go();\n}\nint f() { return 1; }\n"
        self.assertEqual(self.found(text), [("A", 3, 2), ("f", 1, 0)])

    def test_members_and_declarations(self):
        text = ("class A : public B {\n public:\n  explicit A(int x);\n"
                "  int y() const { return 1; }"
                "\n  bool operator==(const A&) const = default;\n  int z_{3};\n};\nint g(int);\n")
        names = [item[0] for item in self.found(text)]
        self.assertEqual(names, ["A", "y", "operator==", "g"])

    def test_what_is_no_function(self):
        text = ("constexpr std::array kRows = {{1, 2}, {3, 4}};\nenum class E { a, b };\n"
                "const auto f = [](int a) { return a; };\nusing F = void(int, int);\n")
        self.assertEqual(self.found(text), [])

    def test_braces_in_literals_and_comments_do_not_count(self):
        text = 'int f() {\n  return g("{", \'}\', R"({)");  // }\n}\nint h() { return 1\'000; }\n'
        self.assertEqual(self.found(text), [("f", 3, 0), ("h", 1, 0)])


class Coroutines(unittest.TestCase):
    def rules(self, statement):
        return rules("src/net/x.cc", "awaitable<void> f() {\n  go();\n  " + statement + "\n}\n")

    def test_braced_temporaries(self):
        for bad in ["co_await q.submit(Submit{.a = 1});",
                    "auto x = co_await q.submit(core::Submit{std::move(t)});",
                    "co_await f(std::vector<int>{1, 2});",
                    "co_await f({.a = 1});", "co_await f(1, {2, 3});",
                    "use(Submit{1}, co_await g());", "co_return Reply{co_await g()};"]:
            self.assertEqual(self.rules(bad), ["coroutine"], bad)

    def test_lambdas_that_capture_by_value(self):
        for bad in ["co_await f([task] { go(task); });", "co_await f([=] { go(); });",
                    "co_await f([t = std::move(t)]() mutable { go(t); });"]:
            self.assertEqual(self.rules(bad), ["coroutine"], bad)

    def test_what_is_fine(self):
        for good in ["Submit command{.a = 1};\n  co_await q.submit(std::move(command));",
                     "co_await f([&task] { go(task); });", "co_await f([this] { go(); });",
                     "co_await f([] { return Reply{1}; });", "auto x = co_await g(list[i]);",
                     "if (co_await g()) {\n    Reply r{1};\n  }", "x = Reply{1};\n  co_await g();",
                     "auto r{co_await g()};", "const auto [a, b] = co_await g();"]:
            self.assertEqual(self.rules(good), [], good)

    def test_a_trailing_return_type_opens_a_body(self):
        text = "Reply r{1};\nauto f() -> awaitable<Reply> {\n  co_await g();\n}\n"
        self.assertEqual(rules("src/net/x.cc", "int a = Reply{1}.a;\n" + text), [])

    def test_a_coroutine_lambda_captures_nothing(self):
        self.assertEqual(self.rules("go([&x]() -> awaitable<void> { co_await x; });"),
                         ["coroutine"])
        self.assertEqual(self.rules("go([](int x) -> awaitable<void> { co_await g(x); });"), [])

    def test_what_nobody_waits_for(self):
        self.assertEqual(self.rules("co_spawn(loop, f(), asio::detached);"), ["coroutine"])
        self.assertEqual(self.rules("using namespace asio::experimental::awaitable_operators;"),
                         ["coroutine"])


class Names(unittest.TestCase):
    def test_vague_names(self):
        for path in ["src/net/util.cc", "src/common/x.cc", "src/net/string_utils.h",
                     "src/queue/task_manager.cc", "docs/misc/x.md", "tools/helper.py"]:
            self.assertIn("path", rules(path, header("")), path)
        self.assertEqual(rules("src/net/http_server.h", header("")), [])

    def test_spelling(self):
        self.assertEqual(rules("src/net/HttpServer.cc", ""), ["path"])
        self.assertEqual(rules("src/net/x.cc", "struct http_server {};\n"), ["name"])
        self.assertEqual(rules("src/net/x.cc", "namespace Net {\n}\n"), ["name"])
        self.assertEqual(rules("src/net/x.cc", "namespace Net {\nclass A;\nint x;\n}\n"), ["name"])
        self.assertEqual(rules("src/net/x.cc", "namespace Net {\nclass A;\nclass B;\n}\n"), [])
        self.assertEqual(rules("src/net/x.cc", "struct HttpServer final : Server {};\n"), [])
        self.assertEqual(rules("src/net/x.cc", "template <>\nstruct std::hash<Id> {};\n"), [])


class Others(unittest.TestCase):
    def test_pragma_once(self):
        self.assertEqual(rules("src/net/x.h", "struct A {};\n"), ["pragma-once"])
        self.assertEqual(rules("src/net/x.h", "// Why.\n#pragma once\n"), [])

    def test_sleeps(self):
        self.assertEqual(rules("src/net/x_test.cc", "void f() { sleep_for(1ms); }\n"), ["sleep"])
        self.assertEqual(rules("tests/e2e/test_x.py", "time." "sleep(1)\n"), ["sleep"])
        self.assertEqual(rules("src/io/x_test.cc", "void f() { this_thread::sleep_for(t); }\n"),
                         ["sleep"])
        self.assertEqual(rules("src/io/x_test.cc", "void f() { co_await sleep_for(1); }\n"), [])
        self.assertEqual(rules("src/exec/x.cc", "void f() { nanosleep(&a, &b); }\n"), [])
        self.assertEqual(rules("src/exec/x_test.cc", 'auto s = "sleep(9)";\n'), [])

    def test_words(self):
        self.assertEqual(rules("README.md", "made with Cl" + "aude\n"), ["word"])
        self.assertEqual(rules("docs/x.md", "TODO: write this\n"), ["todo"])
        self.assertEqual(rules("docs/x.md", "TODO(#12): write this\n"), [])

    def test_a_tree(self):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            (root / "src/base").mkdir(parents=True)
            (root / "build").mkdir()
            (root / "src/base/x.h").write_text("struct A {};\n")
            (root / "build/y.h").write_text("struct A {};\n")
            (root / "picture.png").write_bytes(b"\x89PNG\xff\xfe")
            files, problems = tidy.check_tree(root)
        self.assertEqual([path for path, _ in files], ["src/base/x.h"])
        self.assertEqual([(found.path, found.rule) for found in problems],
                         [("src/base/x.h", "pragma-once")])


if __name__ == "__main__":
    unittest.main()
