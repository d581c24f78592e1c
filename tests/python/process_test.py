"""What a process needs of the module: flat memory, threads, Ctrl-C."""
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import vidattn
from support import resident_bytes, tensors

CALLS = 10_000


def test_ten_thousand_calls_leave_nothing():
    q, k, v = tensors(length=32, heads=1, dim=8)
    half = [a.astype(np.float64) for a in (q, k, v)]
    chosen = vidattn.Map(np.eye(2, dtype=bool), block=16)

    @vidattn.backend
    def planned(call):
        return chosen

    def one(number):
        kind = number % 5
        if kind == 0:
            vidattn.attend(q, k, v, backend="moga", return_lse=True)
        elif kind == 1:
            vidattn.attend(*(a[None].transpose(0, 2, 1, 3) for a in half), layout="BHLD")
        elif kind == 2:
            vidattn.plan(q, k, v, backend=chosen).mask(0)
        elif kind == 3:
            vidattn.attend(q, k, v, backend=planned)
        else:
            with pytest.raises(ValueError):
                vidattn.attend(q, k, v, backend="sta")

    for number in range(2000):
        one(number)
    before = resident_bytes()
    for number in range(CALLS):
        one(number)
    assert resident_bytes() - before < 1 << 20


def test_eight_threads_are_right():
    calls = [(tensors(length=40 + 24 * i, seed=i), dict(backend=backend, grid=grid))
             for i, (backend, grid) in enumerate([
                 ("full", None), ("moga", None), ("moba", None), ("sta", (4, 4, 7)),
                 ("svg2", None), ("nsa", None), ("stga", (5, 4, 8)), ("sla", None)])]
    expected = []
    for arrays, options in calls:
        length = len(arrays[0])
        if options["grid"]:
            length = int(np.prod(options["grid"]))
        arrays[:] = [a[:length] for a in arrays]
        expected.append(vidattn.attend(*arrays, **options))
    wrong = []

    def work(turn):
        for i in range(40):
            arrays, options = calls[(turn + i) % 8]
            if not (vidattn.attend(*arrays, **options) == expected[(turn + i) % 8]).all():
                wrong.append((turn, i))
            if i % 10 == 0:
                with pytest.raises(ValueError):
                    vidattn.attend(*arrays, backend="none of these")

    threads = [threading.Thread(target=work, args=(turn,)) for turn in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_other_threads_run_meanwhile():
    q, k, v = tensors(length=3000, heads=2, dim=64)
    done = threading.Event()

    def work():
        vidattn.attend(q, k, v, device="reference", backend="moga")
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    ticks = 0
    while not done.is_set():
        time.sleep(0.001)
        ticks += 1
    thread.join()
    assert ticks > 20


ENDLESS = """
import numpy as np, vidattn
small = np.ones((64, 1, 16), np.float32)
big = np.random.default_rng(0).standard_normal((60000, 8, 64), dtype=np.float32)
vidattn.attend(small, small, small)
print("ready", flush=True)
try:
    vidattn.attend(big, big, big, device="reference")
except KeyboardInterrupt:
    print("stopped", flush=True)
vidattn.attend(small, small, small)
print("fine", flush=True)
"""


def started(code):
    """A process that Ctrl-C reaches, also where the tests run in the background of a shell, which has it ignored."""
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True,
                            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))


PENDING = """
import _thread, functools
import numpy as np
from vidattn._attend import core_call
from vidattn._backends import resolve
big = np.random.default_rng(0).standard_normal((60000, 8, 64), dtype=np.float32)
work = functools.partial(core_call(big, big, big, device="reference").attend, resolve("full"))
try:  # one behind the other without a line of Python between, where the interpreter would see it
    list(map(functools.partial.__call__, [functools.partial(_thread.interrupt_main), work]))
except KeyboardInterrupt:
    print("stopped", flush=True)
"""


def test_ctrl_c_in_the_moment_before_a_call_stops_it():
    process = started(PENDING)
    try:
        assert process.communicate(timeout=120)[0] == "stopped\n"
    finally:
        process.kill()


def test_ctrl_c_stops_a_call_and_nothing_else():
    process = started(ENDLESS)
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=120)  # the call alone would take hours
    assert out == "stopped\nfine\n" and process.returncode == 0


PLANNING = """
import time
import numpy as np, vidattn
q = np.ones((64, 1, 16), np.float32)
@vidattn.backend
def slow(call):
    print("ready", flush=True)
    time.sleep(100)
try:
    vidattn.compare(q, q, q, backends=["full", slow, "moga"], seconds=0.1, min_blocks=2)
except KeyboardInterrupt:
    print("stopped", flush=True)
print(vidattn.attend(q, q, q).shape, flush=True)
"""


def test_ctrl_c_while_a_planner_runs_ends_a_comparison():
    process = started(PLANNING)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert out == "stopped\n(64, 1, 16)\n" and process.returncode == 0
