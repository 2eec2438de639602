"""Ranks on two hosts, each a network namespace with its own address and name; they talk over TCP alone."""

import os
import shutil
import subprocess
import unittest

from ranks import IS_OPEN_MPI, RanksTest
from program import NAMES, PROGRAM

SETTINGS = {
    "dataset": NAMES,
    "num_steps": 6,
    "eval_every": 3,
    "checkpoint_every": 3,
    "validation_fraction": 0.01,
    "batch_size": 61,
    "num_samples": 2,
}

# What mpirun starts its daemon on another host with, in place of ssh. Each host has a name of its own, too.
REMOTE_SHELL = """\
#!/bin/sh
case $1 in {address_a}) space={space_a};; {address_b}) space={space_b};; *) exit 1;; esac
shift
exec ip netns exec "$space" unshare --uts sh -c 'hostname "$0"; exec sh -c "$1"' "$space" "$*"
"""


def ip(*words):
    return subprocess.run(["ip", *words], capture_output=True, text=True, timeout=60, check=False)


def reason_to_skip():
    if not IS_OPEN_MPI:
        return "the options are those of Open MPI's mpirun"
    if os.geteuid() != 0:
        return "network namespaces need root"
    if not shutil.which("ip") or not shutil.which("unshare"):
        return "there is no ip (iproute2) or no unshare"
    made = ip("netns", "add", f"microgpt-try-{os.getpid()}")
    if made.returncode != 0:
        return f"no network namespace can be made here: {made.stderr.strip()}"
    ip("netns", "del", f"microgpt-try-{os.getpid()}")
    return ""


REASON = reason_to_skip()


@unittest.skipIf(REASON, REASON)
class HostsTest(RanksTest):
    def setUp(self):
        super().setUp()
        self.spaces = [f"microgpt-{os.getpid()}-{name}" for name in "ab"]
        self.addresses = ["10.213.77.1", "10.213.77.2"]
        links = [f"mg{os.getpid()}{name}" for name in "ab"]
        for space in self.spaces:
            self.addCleanup(ip, "netns", "del", space)
            self.require(ip("netns", "add", space))
        self.require(ip("link", "add", links[0], "type", "veth", "peer", "name", links[1]))
        for space, link, address in zip(self.spaces, links, self.addresses):
            self.require(ip("link", "set", link, "netns", space))
            self.require(ip("-n", space, "addr", "add", f"{address}/24", "dev", link))
            self.require(ip("-n", space, "link", "set", "lo", "up"))
            self.require(ip("-n", space, "link", "set", link, "up"))
        names = dict(zip(("space_a", "space_b", "address_a", "address_b"), self.spaces + self.addresses))
        self.write("remote-shell", REMOTE_SHELL.format(**names)).chmod(0o755)
        self.write("hosts", "".join(f"{address} slots=4\n" for address in self.addresses))

    def require(self, done):
        self.assertEqual(done.returncode, 0, done.stderr)

    def mpirun(self, ranks, *options):
        """Started on the first host. Ranks go to the hosts in turns."""
        on_first = ["ip", "netns", "exec", self.spaces[0], "unshare", "--uts"]
        on_first += ["sh", "-c", 'hostname "$0"; exec "$@"', self.spaces[0]]
        command = ["mpirun", "--allow-run-as-root", "--hostfile", "hosts", "--map-by", "node", "--bind-to", "none"]
        command += ["--mca", "plm_rsh_agent", self.folder / "remote-shell", "--mca", "btl", "tcp,self"]
        command += ["--mca", "btl_tcp_if_include", "10.213.77.0/24", *options]
        return [*on_first, *command, "-np", str(ranks)]

    def check(self, ranks, **settings):
        settings = SETTINGS | settings
        expected = self.train("alone", threads=2, **settings)
        command = [*self.mpirun(ranks), PROGRAM, "--config", "alone.cfg", "--out", "hosts-run", "--threads", 1]
        output = self.launch_command(command)
        self.assertEqual(output.exit_code, 0, output.err)
        self.assert_same_bytes(self.folder / "hosts-run" / expected.checkpoint().name, expected.checkpoint())
        self.assertEqual(output.results(), expected.output.results())

    def test_a_small_model(self):
        self.check(2, n_embd=16)

    def test_a_large_model(self):
        self.check(4, n_embd=72, n_layer=2)

    def test_a_dataset_that_only_one_host_has(self):
        """The line names the host. Here the hosts see the same files, so a script stands before the program."""
        self.write_config("run.cfg", **SETTINGS | {"dataset": "missing.txt"})
        self.write("missing.txt", "anna\nbob\n")
        script = 'case $(hostname) in *-b) set -- "$@" --set dataset=gone.txt;; esac; exec "$@"'
        command = [*self.mpirun(2), "sh", "-c", script, "rank", PROGRAM, "--config", "run.cfg", "--out", "run"]
        output = self.launch_command(command)
        self.assert_one_line(output, 2, f"rank 1 on {self.spaces[1]}: ", "gone.txt")
        self.assertFalse((self.folder / "run").exists())


if __name__ == "__main__":
    unittest.main()
