"""look.py as its user meets it: pictures, text, notes, and one line for what cannot be shown."""

import math
import os
import re
import struct
import unittest

import numpy as np

from look_support import PICTURES, LookTest

import microgpt_numpy as reference
from microgpt_tools.look.checkpoint import read_checkpoint
from microgpt_tools.look.findings import attention
from program import read_tensors

CHINESE = "\n".join(chr(0x4E00 + i) + chr(0x4E00 + i // 2) for i in range(3000))
ODD = "a$b$c\n\u0301x\nx\u200by\nשלום\n😀$\n_^{}\\\n{a}<&>\"'\n" * 3
ODD_TEXT = "To be,\tor not\nto be: that is\nthe question.\n" * 8


class PicturesTest(LookTest):
    def assert_pictures(self, name):
        """All six, whole, and nothing besides."""
        found = sorted(path.name for path in name.parent.glob(f"*{name.name}-*"))
        self.assertEqual(found, sorted(f"{name.name}-{picture}" for picture in PICTURES))
        for picture in PICTURES:
            content = (name.parent / f"{name.name}-{picture}").read_bytes()
            if picture.endswith("svg"):
                self.assertTrue(content.startswith(b"<?xml") and content.endswith(b"</svg>\n"), picture)
            else:
                width, height = struct.unpack(">II", content[16:24])
                self.assertTrue(
                    content.startswith(b"\x89PNG") and content.endswith(b"IEND\xaeB`\x82"), picture
                )
                self.assertTrue(300 < width < 6000 and 300 < height < 6000, f"{picture}: {width} x {height}")

    def test_beside_the_checkpoint(self):
        run = self.train_names()
        printed = self.show("run")
        self.assertEqual(printed, "".join(f"run/look-{picture}\n" for picture in PICTURES))
        self.assert_pictures(run.folder / "look")

    def test_a_folder_is_made_for_them(self):
        self.train_names()
        self.show("run", "--out", "pictures/of/this")
        self.assert_pictures(self.folder / "pictures/of/this")
        self.show("run", "--out", "others/")
        self.assert_pictures(self.folder / "others/look")

    def test_the_same_bytes_again_whatever_the_user_prefers(self):
        self.train_names()
        self.write("matplotlibrc", "xtick.labelsize: 30\naxes.facecolor: black\n")
        self.show("run", "--out", "pictures/one")
        self.show(
            "run/latest.h5",
            "--out",
            "pictures/two",
            MATPLOTLIBRC=str(self.folder),
            MPLBACKEND="nonsense",
            HOME="/dev/null",
        )
        for picture in PICTURES:
            one, two = (self.folder / "pictures" / f"{name}-{picture}" for name in ("one", "two"))
            self.assert_same_bytes(one, two)
        self.assert_pictures(self.folder / "pictures" / "one")

    def test_another_model_another_picture(self):
        self.train_names("one")
        self.train_names("two", num_steps=60)
        self.show("one")
        self.show("two")
        for picture in PICTURES:
            one, two = ((self.folder / name / f"look-{picture}").read_bytes() for name in ("one", "two"))
            self.assertNotEqual(one, two, picture)

    def test_options_change_their_picture_only(self):
        self.train_names(n_layer=2)
        self.show("run", "--out", "plain")
        for option, value, changed in (
            ("--prefix", "an", "probabilities"),
            ("--name", "anna", "attention"),
            ("--layer", "1", "attention"),
        ):  # fmt: skip
            self.show("run", "--out", "other", option, value)
            for picture in PICTURES:
                plain, other = (
                    (self.folder / f"{name}-{picture}").read_bytes() for name in ("plain", "other")
                )
                self.assertEqual(plain != other, picture.startswith(changed), f"{option}: {picture}")

    def test_any_alphabet_and_any_size(self):
        """Nothing on stderr either, where matplotlib would complain of glyphs and layouts."""
        for name, text, settings in (
            ("chinese", CHINESE, {}),
            ("odd", ODD, {}),
            ("text", ODD_TEXT, {"documents": "text", "block_size": 40}),
            ("one", "a\na", {"n_embd": 1, "n_head": 1, "block_size": 1}),
        ):
            with self.subTest(name):
                self.train_names(name, dataset=self.write(f"{name}.txt", text), **settings)
                self.show(name)
                self.assert_pictures(self.folder / name / "look")
        self.show("odd", "--prefix", "$^$")  # no formula

    def test_many_heads_and_layers_are_limited(self):
        self.train_names(n_head=16, n_layer=4, num_steps=1)
        self.assertIn("note: attention of layers 0 to 2 of 4; --layer N shows another\n", self.show("run"))
        self.assertNotIn("note", self.show("run", "--layer", 3, "--layer", 0))
        self.assert_refused(
            self.look("run", *["--layer=0", "--layer=1", "--layer=2", "--layer=3"]), "at most 3"
        )
        self.assert_refused(self.look("run", "--layer", 4), "--layer 4", "0 to 3")

    def test_what_cannot_be_written(self):
        run = self.train_names()
        self.write("file", "")
        for name in ("file/x", "x.png", "x.svg", "x" * 300, "x" * 240):
            self.assert_refused(self.look("run", "--out", name), f"--out {name}")
        self.assert_refused(self.look("run", "--out", ""), "--out: is empty")
        self.assertEqual(list(self.folder.rglob("*look*")), [])
        self.show("run", "--name", "anna")
        (run.folder / "look-attention.svg").unlink()
        (run.folder / "look-attention.svg").mkdir()
        before = (run.folder / "look-embeddings.png").read_bytes()
        self.assert_refused(self.look("run"), "look-attention.svg", "cannot be written")
        self.assertEqual((run.folder / "look-embeddings.png").read_bytes(), before)
        self.assertEqual(list(run.folder.glob(".look*")), [])

    @unittest.skipIf(os.geteuid() == 0, "root may write anywhere")
    def test_a_folder_that_is_read_only(self):
        run = self.train_names()
        run.folder.chmod(0o500)
        self.addCleanup(run.folder.chmod, 0o700)
        self.assert_refused(self.look("run"), "cannot be written")


class TextTest(LookTest):
    def setUp(self):
        super().setUp()
        self.write("hidden/matplotlib/__init__.py", "raise ImportError")

    def show(self, *arguments, **environment):
        """Text never needs matplotlib."""
        environment = {"PYTHONPATH": str(self.folder / "hidden")} | environment
        return super().show(*arguments, "--text", **environment)

    def expected(self, run, prefix):
        """Probabilities by symbol as the reference computes them."""
        characters = [chr(code) for code in read_tensors(run.checkpoint(), "tokenizer")["code_points"]]
        tokens = [len(characters), *map(characters.index, prefix)]
        logits = reference.forward_logits(
            read_tensors(run.checkpoint()), reference.Config(n_layer=2), tokens
        )[-1]
        return dict(zip([*characters, "end"], np.exp(reference.log_softmax(logits))))

    def test_probabilities(self):
        run = self.train_names(n_layer=2, num_steps=100)
        blocks = self.show("run", "--prefix", "e", "--prefix", "", "--prefix", "ann").split("\n\n")
        for prefix, title, block in zip(
            ("e", "", "ann"), ("after e", "first character", "after ann"), blocks
        ):
            heading, _, *rows = block.split("\n")
            expected = self.expected(run, prefix)
            found = {}
            for row in rows:
                symbol, before, after, *bar = row.split()
                found[symbol] = float(after.rstrip("%")) / 100
                self.assertAlmostEqual(float(before.rstrip("%")), 100 / 27, delta=1.5)
                width = len(bar[0]) if bar else 0
                share = expected[symbol] / max(expected.values())
                self.assertAlmostEqual(width, 60 * share, delta=1)
            self.assertEqual(list(found), sorted(expected, key=expected.get, reverse=True))
            for symbol, value in expected.items():
                self.assertAlmostEqual(found[symbol], value, delta=6e-5)
            entropy = -sum(value * math.log(value) for value in expected.values())
            self.assertRegex(heading, rf"\A{title}: entropy 3\.\d\d → {entropy:.2f} nats\Z")

    def test_attention(self):
        self.train_names(n_layer=2, num_steps=100)
        printed = self.show("run", "--name", "anna", "--layer", 1)
        self.assertEqual(
            re.findall(r"layer \d, head \d", printed), [f"layer 1, head {head}" for head in range(4)]
        )
        self.assertIn("\n   BOS a n n a       BOS a n n a ", printed)
        weights = attention("anna", read_checkpoint(self.folder / "run")).weights[1]
        lines = printed[printed.index("layer 1, head 0") :].split("\n")[2:7]
        for reader, line in enumerate(lines):
            for head in range(4):
                first = 18 * head + 4  # a grid is 14 wide, and the gap in between 4
                for looked_at in range(5):
                    share = weights[head, reader, looked_at]
                    shade = " ░▒▓█"[sum(share >= begin for begin in (0.02, 0.1, 0.3, 0.6))]
                    place = first + 2 * looked_at
                    self.assertEqual(line[place : place + 2], shade * 2, f"head {head}: {line}")

    def test_attention_of_a_long_name_shows_its_end(self):
        self.train_names(block_size=30)
        name = "annalisa" * 3
        self.assertIn(" ".join(["BOS", *name]), self.show("run", "--name", name))
        printed = self.show("run", "--name", name, COLUMNS="30")
        self.assertIn("\n   " + " ".join(name[-13:]) + "\n", printed)
        self.assertIn("\na " + 26 * "░", printed)

    def test_neighbours(self):
        run = self.train_names(num_steps=100)
        wte = read_tensors(run.checkpoint())["wte"].astype(float)
        cosines = wte @ wte.T / np.outer(*[np.linalg.norm(wte, axis=1)] * 2)
        np.fill_diagonal(cosines, -2)
        rows = dict(
            line.split(maxsplit=1) for line in self.show("run").split("cosine of")[1].split("\n")[1:-1]
        )
        self.assertEqual(len(rows), 27)
        for i, character in enumerate("abcdefghijklmnopqrstuvwxyz"):
            nearest, cosine, *_ = rows[character].split()
            best = cosines[i].argmax()
            self.assertEqual(nearest, [*"abcdefghijklmnopqrstuvwxyz", "BOS"][best])
            self.assertAlmostEqual(float(cosine), cosines[i, best], delta=0.0051)

    def test_a_terminal_that_is_narrow_or_knows_no_unicode(self):
        self.train_names(dataset=self.write("odd.txt", ODD))
        for columns in (30, 80, 200):
            output = self.look("run", "--text", COLUMNS=str(columns), PYTHONIOENCODING="ascii")
            self.assertEqual((output.exit_code, output.err), (0, ""))
            self.assertTrue(output.out.isascii())
            tables = [
                line for line in output.out.split("\n") if not re.match("first|how|attention|embedd", line)
            ]
            self.assertLessEqual(max(map(len, tables)), columns)
        self.assertIn("U+05DC", output.out)
        self.assertIn("#####", output.out)

    def test_characters_that_cannot_be_seen(self):
        self.train_names(dataset=self.write("text.txt", ODD_TEXT), documents="text")
        printed = self.show("run", "--prefix", "to\n", "--name", "be \t\n")
        self.assertIn("after to⏎:", printed)
        self.assertIn("BOS b e ␣ ⇥ ⏎", printed)

    def test_a_large_vocabulary(self):
        self.train_names(dataset=self.write("chinese.txt", CHINESE))
        printed = self.show("run")
        self.assertRegex(printed, r"\Afirst character: ")  # it knows no e
        self.assertIn("\nand 2,973 more, which share ", printed)
        self.assertLess(printed.count("\n"), 80)

    def test_a_name_of_the_models_own(self):
        """Where it cannot read kalia, the same each time."""
        self.train_names(dataset=self.write("few.txt", "xyx\nyxxy\nxxyy\n" * 5))
        printed = self.show("run")
        self.assertRegex(printed, r"attention while reading [xy]{2,8}\n")
        self.assertEqual(self.show("run"), printed)


class UsageTest(LookTest):
    def test_unknown_characters(self):
        self.train_names()
        self.assert_refused(self.look("run", "--prefix", "é"), "--prefix", "'é'", "abcdefg")
        self.assert_refused(self.look("run", "--name", "Anna"), "--name", "'A'")
        self.assert_refused(self.look("run", "--name", "an\n"), "--name", "U+000A")
        self.assert_refused(self.look("run", *["--prefix=a"] * 13), "--prefix", "at most 12")

    def test_a_name_longer_than_the_block(self):
        self.train_names(block_size=4)
        self.assertIn("note: the model looks at the last 4 characters", self.look("run", "--text").out)
        self.assertNotIn("note", self.look("run", "--text", "--name", "ann").out)
        self.train_names("long", block_size=600, n_embd=4, n_head=1)
        self.assert_refused(self.look("long", "--name", "a" * 512), "--name", "at most 511")
        self.assert_refused(self.look("long", "--prefix", "a" * 512), "--prefix", "at most 511")
        printed = self.look("long", "--text", "--name", "a" * 511).out
        self.assertIn("note: attention of the last 64 of 512 positions", printed)

    def test_a_name_that_is_too_long(self):
        self.assert_refused(self.look("x" * 300), "cannot read: File name too long")

    def test_bad_usage(self):
        for arguments in ([], ["--nonsense"], ["run", "--layer", "x"], ["run", "--text", "--out", "x"]):
            output = self.look(*arguments)
            self.assertEqual((output.exit_code, output.out), (2, ""))
            self.assertRegex(output.err, r"look\.py: error: [^\n]+\n\Z")

    def test_help_has_examples(self):
        self.assertIn("tools/look.py runs/small-1 --text", self.show("--help"))

    def test_missing_packages_are_named(self):
        output = self.look("run", python=("/usr/bin/python3", "-S"))
        self.assert_refused(output, "python3-h5py", "python3-numpy", "tools/run.sh --tools")

    def test_a_full_disk(self):
        self.train_names()
        with open("/dev/full", "w", encoding="utf-8") as full:
            output = self.microgpt("run", "--text", program=self.script(), stdout=full)
        self.assertEqual(output.exit_code, 1)
        self.assertRegex(output.err, r"\Alook\.py: error: standard output: [^\n]*No space left[^\n]*\n\Z")

    def script(self):
        return os.path.join(os.environ["MICROGPT_SOURCE"], "tools", "look.py")


if __name__ == "__main__":
    unittest.main()
