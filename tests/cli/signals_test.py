"""SIGINT, SIGTERM and SIGHUP: a checkpoint, a word on how to go on, and an exit code that tells."""

import fcntl
import os
import re
import signal
import subprocess
import termios
import time
import unittest

from program import NAMES, ProgramTest, Run, command
from terminal import open_pair

# Without an end, and without a schedule: what has been done when the signal comes is done for good.
ENDLESS = {
    "dataset": NAMES,
    "num_steps": 10**12,
    "lr_schedule": "constant",
    "log_every": 1,
    "eval_every": 10**12,
    "checkpoint_every": 10**12,
}


class SignalsTest(ProgramTest):
    def stop(self, number, *arguments):
        """Sends a signal to a run under way; returns what it printed and the step it came to."""
        process = self.start(*arguments)
        process.stdout.readline()  # which is held back until some steps are done
        process.send_signal(number)
        _, err = process.communicate()
        name = signal.Signals(number).name
        self.assertEqual(process.returncode, 128 + number, err)
        line = re.fullmatch(rf"microgpt: stopped by {name} after step (\d+); go on with: (.+)\n", err.decode("utf-8"))
        self.assertTrue(line, err)
        return int(line[1]), line[2]

    def check(self, number):
        config = self.write_config("run.cfg", **ENDLESS)
        step, advice = self.stop(number, "--config", config, "--out", "run", "--threads", 1)
        run = Run(self.folder / "run", None)
        self.assertEqual(run.steps(), [step])
        self.assertEqual((run.folder / "latest.h5").resolve(), run.checkpoint(step))
        self.assertEqual([line["step"] for line in run.metrics()], list(range(1, step + 1)))

        program, *arguments = advice.split()
        self.assertEqual(program, "microgpt")
        later, _ = self.stop(number, *arguments)
        self.assertGreater(later, step)
        run = self.resume("run", num_steps=later + 3)
        self.assert_same_run(run, self.train("whole", **ENDLESS | {"num_steps": later + 3}))

    def test_interrupt(self):
        self.check(signal.SIGINT)

    def test_terminate(self):
        self.check(signal.SIGTERM)

    def test_hang_up(self):
        self.check(signal.SIGHUP)

    def test_a_terminal_that_is_closed(self):
        config = self.write_config("run.cfg", **ENDLESS)
        terminal, inside = open_pair(self)
        words = command("--config", config, "--out", "run", "--threads", 1)
        # Of a session of its own, with the terminal in control of it, as a login has.
        process = subprocess.Popen(
            words,
            cwd=self.folder,
            stdin=inside,
            stdout=inside,
            stderr=inside,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        self.addCleanup(process.kill)
        os.close(inside)
        printed = b""
        while b"step    1 /" not in printed:
            printed += os.read(terminal, 4096)
        os.close(terminal)
        self.assertEqual(process.wait(timeout=60), 128 + signal.SIGHUP)
        self.assertEqual(len(Run(self.folder / "run", None).steps()), 1)

    def test_hang_ups_stay_ignored_under_nohup(self):
        config = self.write_config("run.cfg", **ENDLESS)
        former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            process = self.start("--config", config, "--out", "run", "--threads", 1)
        finally:
            signal.signal(signal.SIGHUP, former)
        self.wait_until(lambda: catches(process, signal.SIGTERM) or process.poll() is not None)
        process.send_signal(signal.SIGHUP)
        process.stdout.readline()
        process.terminate()
        _, err = process.communicate()
        self.assertEqual(process.returncode, 128 + signal.SIGTERM, err)

    def test_no_sample_is_drawn_after_it(self):
        config = self.write_config("run.cfg", **ENDLESS)
        process = self.start("--config", config, "--out", "run")
        first = process.stdout.readline()
        process.terminate()
        out = first + process.stdout.read()  # not communicate(), which passes over what readline() took in advance
        self.assertNotIn(b"sample", out)
        self.assertTrue(out.endswith(b"\n"))

    def test_while_samples_are_drawn(self):
        config = self.write_config("run.cfg", **ENDLESS | {"num_steps": 1, "num_samples": 500_000})
        process = self.start("--config", config, "--out", "run")
        for line in process.stdout:
            if line.startswith(b"sample"):
                break
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        self.assertRegex(process.stderr.read(), rb"\Amicrogpt: stopped by SIGINT while drawing samples[^\n]+\n\Z")
        process.wait()
        self.assertEqual(process.returncode, 128 + signal.SIGINT)
        self.assertLess(rest.count(b"sample"), 400_000)

    def test_a_signal_that_comes_twice(self):
        """As from `timeout`, or from a terminal and a launcher."""
        config = self.write_config("run.cfg", **ENDLESS)
        for pause in (0, 0.0005, 0.005, 0.02, 0.2):
            process = self.start("--config", config, "--out", f"run-{pause}", "--threads", 1)
            process.stdout.readline()
            process.send_signal(signal.SIGTERM)
            time.sleep(pause)
            process.send_signal(signal.SIGTERM)
            process.communicate()
            self.assertEqual(process.returncode, 128 + signal.SIGTERM)
            self.assertEqual(len(Run(self.folder / f"run-{pause}", None).steps()), 1, pause)

    def test_a_reader_that_goes_with_the_signal(self):
        """As in `microgpt | tee log`, where Ctrl-C reaches both: be the step long or short, it is the reason."""
        for name, batch_size in (("short", 1), ("long", 60_000)):
            config = self.write_config(f"{name}.cfg", **ENDLESS | {"batch_size": batch_size, "n_embd": 64})
            process = self.start("--config", config, "--out", name, "--threads", 1)
            process.stdout.readline()
            process.stdout.close()
            process.send_signal(signal.SIGINT)
            err = process.stderr.read()
            self.assertEqual(process.wait(), 128 + signal.SIGINT, err)
            self.assertIn(b"stopped by SIGINT", err)
            self.assertEqual(len(Run(self.folder / name, None).steps()), 1, name)

    def test_a_later_signal_ends_at_once(self):
        config = self.write_config("run.cfg", **ENDLESS | {"batch_size": 200_000, "n_embd": 64, "n_layer": 2})
        process = self.start("--config", config, "--out", "run", "--threads", 1)
        self.wait_until(lambda: catches(process, signal.SIGTERM) or process.poll() is not None)
        process.send_signal(signal.SIGINT)
        self.wait_until(lambda: not is_pending(process, signal.SIGINT))
        time.sleep(1.1)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate()
        self.assertEqual(process.returncode, 128 + signal.SIGTERM)
        self.assertEqual(err, b"")
        self.assertEqual(Run(self.folder / "run", None).steps(), [])


def signals_of(process, kind):
    """A set of signals as Linux tells it: SigCgt are those caught, ShdPnd those to be delivered."""
    with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
        bits = int(re.search(rf"^{kind}:\s*(\w+)$", file.read(), re.MULTILINE)[1], 16)
    return {number for number in range(1, 65) if bits >> (number - 1) & 1}


def catches(process, number):
    return number in signals_of(process, "SigCgt")


def is_pending(process, number):
    return number in signals_of(process, "ShdPnd")


if __name__ == "__main__":
    unittest.main()
