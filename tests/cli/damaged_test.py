"""Checkpoints that are none, or not as they were written: no verb takes them."""

import random
import unittest

import h5py

from program import NAMES, ProgramTest, snapshot

VERBS = (
    ["info"],
    ["generate", "--checkpoint"],
    ["evaluate", "--data", "names.txt", "--checkpoint"],
    ["--resume"],
    ["--out", "new", "--resume"],
)


class DamagedTest(ProgramTest):
    def setUp(self):
        super().setUp()
        names = NAMES.read_text(encoding="utf-8").split()
        self.write("names.txt", "\n".join(names[::1000]))
        run = self.train("former", dataset="names.txt", num_steps=4, checkpoint_every=1)
        self.content = run.checkpoint().read_bytes()

    def check(self, path, *words, verbs=VERBS):
        before = snapshot(self.folder)
        for verb in verbs:
            with self.subTest(path=path, verb=verb):
                output = self.microgpt(*verb, path)
                self.assert_one_error(output, 2, path, *words)
                self.assertEqual(output.out, "")
        self.assertEqual(snapshot(self.folder), before)

    def check_content(self, content, *words, verbs=VERBS):
        self.write("bad.h5", content)
        self.check("bad.h5", *words, verbs=verbs)

    def test_not_there(self):
        self.check("missing.h5")
        (self.folder / "link.h5").symlink_to("missing.h5")
        self.check("link.h5")

    def test_a_folder_without_checkpoints(self):
        (self.folder / "empty").mkdir()
        self.check("empty", "checkpoint")

    def test_not_a_file(self):
        self.check("/dev/null")

    def test_other_files(self):
        for content in (b"", b"\n", b"anna\nbob\n", bytes(1000), self.content[:8]):
            self.check_content(content)

    def test_other_hdf5_files(self):
        for version in ("earliest", "latest"):
            with h5py.File(self.folder / "foreign.h5", "w", libver=version) as file:
                file["model/wte"] = [[1.0, 2.0]]
                file.attrs["format"] = "another"
            self.check("foreign.h5")

    def test_one_that_claims_to_be_of_us(self):
        with h5py.File(self.folder / "foreign.h5", "w", libver="latest") as file:
            file.attrs["format"] = "microgpt"
            file.attrs["format_version"] = 1
        self.check("foreign.h5")

    def test_one_of_a_newer_program(self):
        self.write("newer.h5", self.content)
        with h5py.File(self.folder / "newer.h5", "r+", libver="latest") as file:
            file.attrs.modify("format_version", 2)
        self.check("newer.h5", "newer", "format_version 2")

    def test_edited(self):
        """By the book, but not by us: the weights are no more those that were trained."""
        self.write("edited.h5", self.content)
        with h5py.File(self.folder / "edited.h5", "r+", libver="latest") as file:
            file["model/wte"][0, 0] += 1
        self.check("edited.h5")

    def test_truncated(self):
        chance = random.Random(1)
        for length in [len(self.content) - 1, *chance.choices(range(40, len(self.content)), k=5)]:
            self.check_content(self.content[:length], "truncated")

    def test_longer(self):
        self.check_content(self.content + b"\0")

    def test_a_flipped_bit(self):
        """Wherever it is: in a weight, a name, the config, or where HDF5 keeps its own."""
        chance = random.Random(2)
        for _ in range(150):
            content = bytearray(self.content)
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
            self.check_content(bytes(content), verbs=[chance.choice(VERBS)])

    def test_a_flipped_bit_in_the_first_kilobytes(self):
        chance = random.Random(3)
        for _ in range(150):
            content = bytearray(self.content)
            content[chance.randrange(4096)] ^= 1 << chance.randrange(8)
            self.check_content(bytes(content), verbs=[chance.choice(VERBS)])

    def test_a_stretch_of_zeros(self):
        """As a disk may leave it after a power cut."""
        chance = random.Random(4)
        for _ in range(20):
            start = chance.randrange(len(self.content) // 512 - 8) * 512
            content = self.content[:start] + bytes(4096) + self.content[start + 4096 :]
            if content != self.content:
                self.check_content(content, verbs=[chance.choice(VERBS)])

    def test_the_newest_of_a_folder(self):
        """It is not passed over for an older one without a word."""
        self.write("former/step-00000004.h5", self.content[:-100])
        self.check("former", "step-00000004.h5", "earlier")
        self.succeed("info", "former/step-00000003.h5")


if __name__ == "__main__":
    unittest.main()
