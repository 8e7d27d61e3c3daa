#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""lint.py finds what it is there to find, and nothing in a tidy tree."""

import contextlib
import io
import tempfile
import unittest
from pathlib import Path

import lint

HEAD = "/* SPDX-License-Identifier: GPL-3.0-or-later */\n"


class LintFinds(unittest.TestCase):
    def complaints(self, files):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                path = Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
                if name.endswith(".c") and not name.startswith("tests/"):
                    layer = lint.layer_of(name)
                    unit = "http" if layer == "net/http" else layer
                    test = Path(folder, f"tests/unit/{unit}/test_{path.stem}.c")
                    test.parent.mkdir(parents=True, exist_ok=True)
                    test.write_text(HEAD)
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                lint.Lint(Path(folder)).run()
            return out.getvalue().splitlines()[:-1]

    def finds(self, files, place, words):
        lines = self.complaints(files)
        self.assertEqual(len(lines), 1, lines)
        self.assertTrue(lines[0].startswith(place + ": "), lines)
        self.assertIn(words, lines[0])

    def test_tidy_tree(self):
        self.assertEqual(self.complaints({
            "base/str.h": HEAD,
            "base/str.c": HEAD + '#include "base/str.h"\n#include <string.h>\n',
            "net/http/h1_parser.c": HEAD + '#include "net/addr.h"\n#include <llhttp.h>\n',
        }), [])

    def test_include_of_a_layer_above(self):
        self.finds({"base/str.c": HEAD + '#include "net/addr.h"\n'},
                   "base/str.c:2", "may not include net")

    def test_conf_and_net_do_not_know_each_other(self):
        self.finds({"net/addr.c": HEAD + '\n#include "conf/conf.h"\n'},
                   "net/addr.c:3", "may not include conf")

    def test_unit_test_of_a_lower_layer(self):
        self.finds({"tests/unit/http/test_x.c": HEAD + '#include "acme/jws.h"\n'},
                   "tests/unit/http/test_x.c:2", "may not include acme")

    def test_include_without_folder(self):
        self.finds({"base/str.c": HEAD + '#include "str.h"\n'}, "base/str.c:2", "folder")

    def test_circle(self):
        lines = self.complaints({"net/a.h": HEAD + '#include "net/b.h"\n',
                                 "net/b.c": HEAD + '#include "net/a.h"\n'})
        self.assertEqual(len(lines), 1, lines)
        self.assertIn("net/a -> net/b -> net/a", lines[0])

    def test_split_off_files_may_know_each_other(self):
        self.assertEqual(self.complaints({
            "net/entry.h": HEAD, "net/entry.c": HEAD + '#include "net/entry_text.h"\n',
            "net/entry_text.h": HEAD + '#include "net/entry.h"\n'}), [])

    def test_wrong_door(self):
        self.finds({"acme/jws.c": HEAD + "#include <wolfssl/ssl.h>\n"}, "acme/jws.c:2", "door")
        self.finds({"conf/parse.c": HEAD + "#include <cjson/cJSON.h>\n"},
                   "conf/parse.c:2", "door")

    def test_loop_in_a_parser(self):
        self.finds({"net/http/h1_parser.c": HEAD + "#include <uv.h>\n"},
                   "net/http/h1_parser.c:2", "loop")

    def test_sizes(self):
        self.finds({"base/a.c": HEAD + "\n" * 800}, "base/a.c:801", "801 lines")
        self.finds({"base/a.c": HEAD + "int f(void)\n{\n" + "\tx();\n" * 71 + "}\n"},
                   "base/a.c:3", "function of 71 lines")
        self.finds({"base/a.c": HEAD + "\t" + "x" * 113 + "\n"}, "base/a.c:2", "columns")

    def test_no_licence(self):
        self.finds({"base/a.h": "int x;\n"}, "base/a.h:1", "SPDX")
        self.finds({"deps/x": "#!/bin/sh\n:\n"}, "deps/x:1", "SPDX")

    def test_state_not_drawn(self):
        text = HEAD + "/* DIAL --> SEND */\n#define FETCH_STATES(X) \\\n" \
            '\tX(DIAL, "d") \\\n\tX(FETCH_SEND, "s") \\\n\tX(BODY, "b")\n'
        self.finds({"net/fetch.c": text}, "net/fetch.c:6", "BODY")

    def test_no_unit_test(self):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "base").mkdir()
            Path(folder, "base/a.c").write_text(HEAD)
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                lint.Lint(Path(folder)).run()
            self.assertIn("base/a.c:1: has no tests/unit/base/test_a.c", out.getvalue())

    def scenarios(self, row, files):
        rows = [f"| {n} | x | `50_x.py:test_01_*` |" for n in sorted(lint.SCENARIO_NUMBERS - {12})]
        spdx = "# SPDX-License-Identifier: GPL-3.0-or-later\n"
        return {"tests/scenario/README.md": "\n".join(rows + [row]) + "\n",
                "tests/scenario/50_x.py": spdx + "def test_01_a():\n    pass\n", **files}

    def test_a_scenario_without_a_row(self):
        self.finds(self.scenarios("", {}), "tests/scenario/README.md:1", "scenario 12 has no row")

    def test_a_scenario_whose_test_is_gone(self):
        self.finds(self.scenarios("| 12 | x | `50_x.py:test_12_*` |", {}), "tests/scenario/README.md:79",
                   "has no test_12_*")
        self.finds(self.scenarios("| 12 | x | `base/test_x.c:a_claim` |", {
            "tests/unit/base/test_x.c": HEAD + "static void a_claim_of_more(void **state)\n"}),
            "tests/scenario/README.md:79", "has no a_claim")

    def test_vague_name(self):
        self.finds({"base/str_util.h": HEAD}, "base/str_util.h:1", "does not say")

    def test_machine_path(self):
        self.assertEqual(lint.machine_paths(Path("/nowhere/x"))[1], "/nowhere/")
        self.assertEqual(lint.machine_paths(Path("/home/x")), ["/home/x/"])


if __name__ == "__main__":
    unittest.main()
