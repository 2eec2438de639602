"""Input that nobody expects but that is allowed works, as in Python; the rest is refused in one line, and soon."""

import os
import unittest

from program import ProgramTest, Run

SETTINGS = {"num_steps": 2, "batch_size": 2, "num_samples": 20, "checkpoint_every": 2}
BYTE_ORDER_MARK = "\ufeff".encode()
MEGABYTE = 10**6
SIZE = 10 * MEGABYTE
# What a run may take in memory: for each byte of the file, for each document, and in any case.
MEMORY_OF_A_BYTE = 20
MEMORY_OF_A_DOCUMENT = 32
MEMORY_OF_A_PROGRAM = 100 * MEGABYTE
# A terminal would obey these, or take them for the end of a line.
CONTROLS = r"[\0-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]"

# Each is read as Python reads it. Code points that are blanks of some kind, but no line ends, are among them.
TEXTS = {
    "CRLF": b"anna\r\nbob\r\n\r\ncarl\r\n",
    "lone CR": b"anna\rbob\r\rcarl",
    "all line ends": b"anna\nbob\r\ncarl\rdora\n\r\n\reve",
    "byte order mark": "\ufeffanna\nbob\n".encode(),
    "byte order mark alone": "\ufeff\nanna\n".encode(),
    "above U+FFFF": "𝄞𝄢\n😀😃\n\U0010ffff\n".encode(),
    "NUL": b"an\0na\n\0\nbob\0\n",
    "controls": b"a\x1bb\x7fc\n\x01\x08d\n",
    "controls of two bytes": "a\x85b\x9bc\nd\u2028e\u2029f\n".encode(),
    "blanks": "\u00a0anna \n\u3000\n \t\x1c\x1f\nb\u2003b\u200b\n\x0bcarl\x0c\n".encode(),
    "combining": "e\u0301a\u0308\n\u0301\n\u202ebob\n".encode(),
    "not characters": "\ufffe\uffff\n\ue000\n".encode(),
    "one name": b"anna",
    "one letter": b"a\n",
    "one letter again and again": b"a\na\na\na\na\n",
}


class HostileInputTest(ProgramTest):
    def run_on(self, content, *options, **settings):
        path = self.write("data.txt", content)
        self.write_config("run.cfg", **SETTINGS | {"dataset": path} | settings)
        warned = "byte-order mark" if content.startswith(BYTE_ORDER_MARK) else ""
        output = self.succeed("--config", "run.cfg", "--out", "run", "--overwrite", *options, warned=warned)
        self.assertEqual(len(output.lines("sample")), settings.get("num_samples", SETTINGS["num_samples"]))
        return output

    def assert_read_as(self, output, documents, characters):
        self.assertEqual(output.lines("num docs"), [f"num docs: {documents}"])
        self.assertEqual(output.lines("vocab size"), [f"vocab size: {characters + 1}"])

    def refuse(self, content, *words, **settings):
        path = self.write("data.txt", content)
        self.write_config("run.cfg", **SETTINGS | {"dataset": path} | settings)
        self.assert_one_error(self.microgpt("--config", "run.cfg", "--out", "new"), 2, *words)
        self.assertFalse((self.folder / "new").exists())

    def test_texts(self):
        for name, content in TEXTS.items():
            with self.subTest(name):
                with open(self.write("data.txt", content), encoding="utf-8") as file:
                    names = [line.strip() for line in file if line.strip()]
                output = self.run_on(content, "--threads", 2)
                self.assert_read_as(output, len(names), len(set("".join(names))))
                self.assertNotRegex(output.out, CONTROLS)

    def test_texts_as_one_stream(self):
        for name, content in TEXTS.items():
            with self.subTest(name):
                with open(self.write("data.txt", content), encoding="utf-8") as file:
                    text = file.read()
                output = self.run_on(content, "--threads", 2, documents="text", block_size=4)
                self.assert_read_as(output, -(-(len(text) + 1) // 4), len(set(text)))

    def test_a_prompt_of_such_characters(self):
        self.run_on("\ufeff𝄞anna\n".encode())
        output = self.succeed("generate", "--checkpoint", "run", "-n", 2, "--prompt", "\ufeff𝄞a")
        for sample in output.samples():
            self.assertTrue(sample.startswith("\ufeff𝄞a"), sample)

    def test_many_characters(self):
        """5,000 of them, each in one name only."""
        characters = [chr(code) for code in range(0x4E00, 0x4E00 + 5000)]
        output = self.run_on("\n".join(map("".join, zip(*[iter(characters)] * 5))).encode(), "--threads", 2)
        self.assert_read_as(output, 1000, 5000)
        self.assertIn("vocabulary", self.succeed("info", "run").out)

    def test_more_threads_than_cores_or_names(self):
        one = self.run_on(b"anna\nbob\ncarl\n", "--threads", 1)
        checkpoint = Run(self.folder / "run", one).checkpoint().read_bytes()
        for threads in (256, 4096):
            many = self.run_on(b"anna\nbob\ncarl\n", "--threads", threads)
            self.assertEqual(many.results(), one.results())
            self.assertEqual(Run(self.folder / "run", many).checkpoint().read_bytes(), checkpoint)

    def test_a_batch_larger_than_the_dataset(self):
        output = self.run_on(b"anna\nbob\ncarl\n", "--threads", 2, batch_size=1000)
        self.assertEqual(len(output.lines("step")), 2)

    def test_more_layers_and_positions_than_names_need(self):
        output = self.run_on(b"anna\nbob\n", "--threads", 2, n_layer=12, block_size=3000)
        self.assertEqual(len(output.lines("step")), 2)
        self.assertLess(max(map(len, output.samples())), 3001)

    def test_a_validation_of_one_name(self):
        output = self.run_on(b"anna\nbob\n", validation_fraction=0.5)
        self.assertEqual(output.lines("num docs"), ["num docs: 2 (1 of them held out)"])

    def test_a_line_far_down_that_is_not_utf8(self):
        self.refuse(b"anna\n" * MEGABYTE + b"bob\xff", "data.txt:1000001: not UTF-8 (byte 0xff)")

    def test_what_is_no_file(self):
        """To read one would take for ever. (Only a config may come through a pipe.)"""
        os.mkfifo(self.folder / "pipe")
        self.run_on(b"anna\n")
        for path in (self.folder / "pipe", "/dev/zero", "/dev/full", "/"):
            for arguments in (
                ["--config", "run.cfg", "--out", "new", "--set", f"dataset={path}"],
                ["evaluate", "--checkpoint", "run", "--data", path],
                ["evaluate", "--checkpoint", path, "--data", "data.txt"],
                ["--resume", path],
                ["info", path],
            ):
                with self.subTest(arguments):
                    output = self.microgpt(*arguments)
                    self.assert_one_error(output, 2, path)
                    self.assertEqual(output.out, "")
        self.assertFalse((self.folder / "new").exists())

    def test_a_config_through_a_pipe(self):
        reader, writer = os.pipe()
        os.write(writer, f"dataset: {self.write('data.txt', 'anna')}\nnum_steps: 3\n".encode())
        os.close(writer)
        with open(reader, "rb") as pipe:
            output = self.succeed("--config", "/dev/stdin", "--out", "run", stdin=pipe)
        self.assertEqual(len(output.lines("step")), 3)

    def test_what_a_terminal_would_obey(self):
        """Whatever is given is shown, but as text, in one line."""
        for word in ("a\x1b[31mb", "a\nb", "a\x9bb", "a\u2028b"):
            for arguments in (
                ["--config", f"{word}.cfg"],
                [word],
                ["--config", "run.cfg", "--threads", word],
                ["--config", "run.cfg", "--set", word],
                ["info", word],
                ["generate", "--checkpoint", word],
            ):
                with self.subTest(arguments):
                    output = self.microgpt(*arguments)
                    self.assert_one_error(output, 2)
                    self.assertNotRegex(output.err[:-1], CONTROLS)

    def test_a_config_that_is_too_large(self):
        for path in ("/dev/zero", "/dev/full"):
            self.assert_one_error(self.microgpt("--config", path), 2, path, "not a config file")
        self.write("big.cfg", b"# nothing\n" * MEGABYTE + b"dataset: missing.txt\nnum_stepps: 3\n")
        self.assert_one_error(self.microgpt("--config", "big.cfg"), 2, "big.cfg")
        self.write("long.cfg", b"dataset: " + b"x" * SIZE + b"\n")
        self.assert_one_error(self.microgpt("--config", "long.cfg"), 2, "long.cfg")


@unittest.skipIf("SANITIZE" in os.environ, "a sanitizer takes much more memory")
class MemoryOfHostileInputTest(ProgramTest):
    """What a file takes in memory is in proportion to its size, whatever it holds."""

    def check(self, content, count, expected_exit_code=0, **settings):
        """Returns what a run on a file says on stderr; `count` is of its documents."""
        path = self.write("data.txt", content)
        config = self.write_config("run.cfg", **SETTINGS | {"dataset": path, "num_samples": 0} | settings)
        process = self.start("--config", config, "--out", "run", "--overwrite", "--quiet", "--threads", 2)
        with process.stdout, process.stderr:
            out, err = process.stdout.read(), process.stderr.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual((process.returncode, out), (expected_exit_code, b""), err)
        bound = MEMORY_OF_A_BYTE * len(content) + MEMORY_OF_A_DOCUMENT * count + MEMORY_OF_A_PROGRAM
        self.assertLess(usage.ru_maxrss * 1024, bound)
        return err.decode()

    def test_one_line(self):
        for content in (b"ab" * (SIZE // 2), "𝄞".encode() * (SIZE // 4)):
            with self.subTest(begins=content[:4]):
                self.check(content, 1)
                self.check(content, len(content.decode()) // 8 + 1, documents="text")

    def test_lines_of_one_letter(self):
        self.check(b"a\n" * (SIZE // 2), SIZE // 2)

    def test_windows_of_one_character(self):
        self.check(b"a\n" * (SIZE // 2), SIZE, documents="text", block_size=1)

    def test_empty_lines(self):
        for content in (b"\n" * MEGABYTE + b"anna" + b"\n" * MEGABYTE, b"\r\n" * MEGABYTE + b"anna"):
            self.check(content, 1)
        message = self.check(b"\n" * SIZE, 0, expected_exit_code=2)
        self.assertRegex(message, r"\Amicrogpt: error: \S+data.txt: holds no document[^\n]*\n\Z")


if __name__ == "__main__":
    unittest.main()
