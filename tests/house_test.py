#!/usr/bin/env python3
"""Breaks each rule of house.py once in a small tree and expects to be told."""
import os
import subprocess
import tempfile
import unittest

import house

CLEAN = {
    "CMakeLists.txt": "project(vidattn VERSION 1.2.3 LANGUAGES CXX)\n",
    "CITATION.cff": "cff-version: 1.2.0\nversion: 1.2.3\n",
    "CHANGELOG.md": "## [Unreleased]\n## [1.2.3] - 2026-01-01\n## [1.0.0] - 2025-01-01\n",
    "README.md": "[changes](CHANGELOG.md) [site](https://example.org) [part](CHANGELOG.md#x)\n",
    "attention/plan.h": "#include <vector>\n",
    "metrics/cost.cpp": '#include "attention/plan.h"\n#include <opencv2/core.hpp>\n',
    "harness/cli/options.cpp": "#include <CLI/CLI.hpp>\n",
    "harness/report/page.cpp": '#include "harness/store/store.h"\n',
    "harness/store/store.h": "#include <nlohmann/json.hpp>\n",
    "harness/suites/run.cpp": '#include "harness/report/page.h"\n',
}


class House(unittest.TestCase):
    def breaches(self, changed):
        with tempfile.TemporaryDirectory() as root:
            subprocess.run(["git", "init", "-q", root], check=True)
            for file, text in {**CLEAN, **changed}.items():
                os.makedirs(os.path.dirname(os.path.join(root, file)), exist_ok=True)
                with open(os.path.join(root, file), "w", encoding="utf-8") as opened:
                    opened.write(text)
            return list(house.breaches(root))

    def expect(self, changed, *words):
        found = self.breaches(changed)
        self.assertEqual(len(found), 1, found)
        for word in words:
            self.assertIn(word, found[0])

    def test_a_tidy_tree_has_no_breach(self):
        self.assertEqual(self.breaches({}), [])

    def test_an_arrow_upwards(self):
        self.expect({"attention/plan.cpp": '#include "metrics/cost.h"\n'},
                    "attention/plan.cpp", "metrics/cost.h")
        self.expect({"harness/store/store.cpp": '#include "harness/report/page.h"\n'},
                    "harness/store comes before harness/report")

    def test_a_circle_of_neighbours(self):
        self.expect({"harness/report/page.h": '#include "harness/suites/run.h"\n'},
                    "harness/report -> harness/suites -> harness/report")

    def test_a_room_without_a_place(self):
        self.expect({"harness/attic/box.h": '#include "harness/io/file.h"\n'},
                    "harness/attic", "ORDER")

    def test_libraries_stay_in_their_rooms(self):
        self.expect({"harness/commands/run.cpp": "#include <CLI/App.hpp>\n"}, "CLI11")
        self.expect({"attention/plan.cpp": "#include <nlohmann/json.hpp>\n"}, "nlohmann-json")
        self.expect({"baselines/sta.cpp": "#  include <opencv2/core.hpp>\n"}, "OpenCV")
        self.expect({"attention/plan.cpp": "#include <fstream>\n"}, "files")

    def test_programs_are_started_in_one_place(self):
        for call in ("popen(x, y)", "std::system(x)", "::execvp(x, y)", "execl(x)", "posix_spawn(x)"):
            self.expect({"metrics/cost.cpp": f"auto a = {call};\n"}, "metrics/cost.cpp", "program.h")
        self.assertEqual(self.breaches({
            "harness/host/programs/program.cpp": "execv(x, y);\n",
            "tests/tool.h": "popen(x, y);\n",
            "harness/io/a.cpp": "// the operating system(s)\nfilesystem(x); run.system_of(x);\n"}), [])

    def test_printing_goes_through_the_console(self):
        for call in ("fmt::print(x)", "std::printf(x)", "std::fprintf(x)", "puts(x)",
                     "std::cout << x"):
            self.expect({"metrics/cost.cpp": f"{call};\n"}, "metrics/cost.cpp", "console.h")
        self.assertEqual(self.breaches({"harness/io/text/console.cpp": "fmt::print(x);\n",
                                        "metrics/cost.cpp": "std::snprintf(x);\n"}), [])
    def test_json_is_parsed_in_one_place(self):
        self.expect({"harness/store/row.cpp": "x();\nauto j = nlohmann::json::parse(text);\n"},
                    "harness/store/row.cpp", "parse_json()")
        self.assertEqual(self.breaches({"harness/io/json_file.cpp": "json::parse(text);\n",
                                        "tests/a_test.cpp": "json::parse(text);\n"}), [])

    def test_the_inside_of_another_folder(self):
        self.expect({"metrics/peak.cpp": '#include "attention/cpu/tile-inl.h"\n'}, "inside")
        self.assertEqual(
            self.breaches({"attention/cpu/a.cpp": '#include "attention/cpu/tile-inl.h"\n'}), [])

    def test_a_long_file(self):
        self.assertEqual(self.breaches({"metrics/long.cpp": "\n" * 400}), [])
        self.expect({"metrics/long.cpp": "\n" * 401}, "401 lines")

    def test_a_full_folder(self):
        files = {f"metrics/plan/m{i}.cpp": "" for i in range(25)}
        self.assertEqual(self.breaches(files), [])
        self.expect({**files, "metrics/plan/one_more.h": ""}, "metrics/plan/: 26")
        self.assertEqual(self.breaches({f"baselines/m{i}.cpp": "" for i in range(30)}), [])

    def test_a_link_that_leads_nowhere(self):
        self.expect({"metrics/COST.md": "[gone](gone.md)\n"}, "metrics/COST.md", "gone.md")
        self.expect({"metrics/COST.md": '<img src="gone.svg">\n'}, "gone.svg")

    def test_a_version_without_its_section(self):
        self.expect({"CHANGELOG.md": "## [1.2.4]\n## [1.2.3]\n"}, "1.2.4", "1.2.3")
        self.expect({"CHANGELOG.md": "nothing\n"}, "None")
        self.expect({"CITATION.cff": "version: 1.2.2\n"}, "CITATION.cff")


if __name__ == "__main__":
    unittest.main()
