"""The weights of a checkpoint and twenty lines of NumPy are the model: the program's own numbers."""

import math
import unittest

import numpy as np

from program import NAMES, ProgramTest, read_tensors

SHAPE = {"n_layer": 2, "n_embd": 24, "n_head": 3}
ACTIVATIONS = {
    "relu_squared": lambda x: np.maximum(x, 0) ** 2,
    "relu": lambda x: np.maximum(x, 0),
    "gelu": lambda x: x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
}


def log_softmax(x):
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def forward(p, tokens, n_layer, n_head, activation):
    """Tensors by name and n tokens -> (n, V): the logits behind each token."""
    n = len(tokens)
    norm = lambda x: x / np.sqrt(np.mean(x * x, -1, keepdims=True) + 1e-5)
    split = lambda x: x.reshape(n, n_head, -1).swapaxes(0, 1)  # (H, n, D)
    future = np.triu(np.full((n, n), -np.inf), 1)

    x = norm(p["wte"][tokens] + p["wpe"][:n])
    for layer in (f"layer{i}." for i in range(n_layer)):
        q, k, v = (split(norm(x) @ p[layer + name].T) for name in ("attn_wq", "attn_wk", "attn_wv"))
        scores = q @ k.swapaxes(1, 2) / math.sqrt(q.shape[2]) + future
        heads = np.exp(log_softmax(scores)) @ v
        x = x + heads.swapaxes(0, 1).reshape(x.shape) @ p[layer + "attn_wo"].T
        x = x + ACTIVATIONS[activation](norm(x) @ p[layer + "mlp_fc1"].T) @ p[layer + "mlp_fc2"].T
    return x @ p["lm_head"].T


class LogitsTest(ProgramTest):
    def train_model(self, **settings):
        settings = SHAPE | {"zero_init_residual": "false", "num_steps": 60, "block_size": 7} | settings
        run = self.train("run", dataset=NAMES, **settings)
        checkpoint = run.checkpoint()
        self.model = {name: tensor.astype(np.float64) for name, tensor in read_tensors(checkpoint).items()}
        codes = read_tensors(checkpoint, "tokenizer")["code_points"]
        self.token_of = {chr(code): token for token, code in enumerate(codes)}
        self.activation = settings.get("activation", "relu_squared")
        return checkpoint

    def encode(self, text):
        bos = len(self.token_of)
        return [bos, *(self.token_of[character] for character in text), bos]

    def nats(self, document):
        """-log p of each token of a document behind the ones before."""
        log_p = log_softmax(forward(self.model, document[:-1], SHAPE["n_layer"], SHAPE["n_head"], self.activation))
        return [-row[target] for row, target in zip(log_p, document[1:])]

    def evaluate(self, checkpoint, text):
        """What the program finds: the mean of nats() over all documents, to six digits."""
        data = self.write("data.txt", text)
        lines = self.succeed("evaluate", "--checkpoint", checkpoint, "--data", data).lines()
        numbers = {name: float(value) for name, value in (line.split(":") for line in lines)}
        self.assertAlmostEqual(numbers["bits per character"], numbers["nats per character"] / math.log(2), places=5)
        return numbers["nats per character"], numbers["positions"], numbers["documents"]

    def test_evaluation_of_names(self):
        for activation in ACTIVATIONS:
            with self.subTest(activation):
                checkpoint = self.train_model(activation=activation)
                names = NAMES.read_text(encoding="utf-8").split()[::800]
                nats = [value for name in names for value in self.nats(self.encode(name)[:8])]
                value, positions, documents = self.evaluate(checkpoint, "\n".join(names))
                self.assertEqual((positions, documents), (len(nats), len(names)))
                self.assertAlmostEqual(value, np.mean(nats), delta=1e-6)
            checkpoint.parent.rename(self.folder / activation)

    def test_each_character_alone(self):
        """Two logits at a time, so that no error hides in a mean."""
        checkpoint = self.train_model(precision="float64")
        for character in self.token_of:
            value, *_ = self.evaluate(checkpoint, character)
            self.assertAlmostEqual(value, np.mean(self.nats(self.encode(character))), delta=1e-6)

    def test_evaluation_of_text(self):
        """Windows of block_size positions; each but the first begins with the last character before it."""
        checkpoint = self.train_model(documents="text", num_steps=30)
        text = "\n".join(NAMES.read_text(encoding="utf-8").split()[:30])
        stream = self.encode(text)
        nats = [value for start in range(0, len(stream) - 1, 7) for value in self.nats(stream[start : start + 8])]
        value, positions, _ = self.evaluate(checkpoint, text)
        self.assertEqual(positions, len(text) + 1)
        self.assertAlmostEqual(value, np.mean(nats), delta=1e-6)


if __name__ == "__main__":
    unittest.main()
