"""The reference that the tests hold the trainer against: microgpt in NumPy, everything in float64.

It works on one document at a time and takes the gradient from array_autograd, so it shares neither batching nor a
hand-written backward pass with the program under test. Letters of the shapes in comments:

    n  positions of a document, at most block_size      C  n_embd      H  n_head      D  C / H, the size of a head
    V  vocabulary with BOS, which is token V-1

    microgpt_numpy.py --dataset FILE [--set key=value ...] [--stop-after N]      prints the run as JSON
"""

import argparse
import dataclasses
import json
import math
import random
from dataclasses import dataclass, field

import numpy as np

from array_autograd import (
    Tensor, add, cross_entropy, embedding, gelu, linear, log_softmax, masked, matmul, relu, relu_squared, reshape,
    rmsnorm, scale, softmax, transpose,
)


@dataclass
class Config:
    documents: str = "lines"  # or "text"
    validation_fraction: float = 0.0
    n_layer: int = 1
    n_embd: int = 16
    n_head: int = 4
    block_size: int = 8
    activation: str = "relu_squared"  # or "relu", "gelu"
    init_std: float = 0.02
    zero_init_residual: bool = True
    num_steps: int = 500
    num_epochs: float = 0.0  # if not 0, it sets the number of steps instead of num_steps
    batch_size: int = 8
    learning_rate: float = 0.01
    lr_schedule: str = "cosine"  # or "linear", "constant"
    warmup_steps: int = 0
    beta1: float = 0.9
    beta2: float = 0.95
    eps_adam: float = 1e-8
    weight_decay: float = 0.0
    grad_clip: float = 0.0
    seed: int = 42
    num_samples: int = 20
    temperature: float = 0.5
    # The rest changes no number here. It is accepted so that one set of keys serves this file and the program.
    dataset: str = ""  # run() is given the path
    precision: str = "float64"
    log_every: str = "auto"
    eval_every: str = "epoch"
    checkpoint_every: str = "epoch"
    keep_checkpoints: int = 0
    early_stop_patience: int = 0

    def __post_init__(self):
        if self.n_embd % self.n_head:
            raise ValueError("n_embd: not a multiple of n_head")
        if self.early_stop_patience:
            raise ValueError("early_stop_patience: the reference always trains to the end")


@dataclass
class Result:
    losses: list = field(default_factory=list)  # losses[s] is the loss of step s
    val_losses: dict = field(default_factory=dict)  # completed steps -> loss; only at the end
    samples: list = field(default_factory=list)
    parameters: dict = field(default_factory=dict)  # name -> array [out][in]
    m: dict = field(default_factory=dict)
    v: dict = field(default_factory=dict)


@dataclass
class Data:
    """A document is the list of its n+1 tokens: position t reads token t and predicts token t+1."""

    uchars: list  # token -> character; the token BOS is len(uchars)
    train: list
    held_out: list


def load_data(config, path):
    """Reads and splits the dataset. This is the first use of the random stream: one shuffle."""
    with open(path, encoding="utf-8") as file:  # text mode: \r\n and \r read as \n
        text = file.read()
    if config.documents == "text":
        uchars = sorted(set(text))
        windows = cut_windows(encode(text, uchars), config.block_size)
        train, held_out = hold_out(windows, config.validation_fraction)  # a tail that training never touches
        random.shuffle(train)
    elif config.documents == "lines":
        # split("\n") and not splitlines(), which would also break lines at form feeds and Unicode separators
        lines = [line.strip() for line in text.split("\n") if line.strip()]
        random.shuffle(lines)
        uchars = sorted(set("".join(lines)))  # also of what the next line cuts off
        documents = [encode(line, uchars)[: config.block_size + 1] for line in lines]
        train, held_out = hold_out(documents, config.validation_fraction)
    else:
        raise ValueError(f"documents: {config.documents}")
    if not uchars or not train:
        raise ValueError(f"{path}: nothing to train on")
    return Data(uchars, train, held_out)


def encode(characters, uchars):
    token_of = {character: token for token, character in enumerate(uchars)}
    bos = len(uchars)
    return [bos] + [token_of[character] for character in characters] + [bos]


def cut_windows(stream, block_size):
    """Neighbours share one token: the last target of a window is the first input of the next."""
    return [stream[start : start + block_size + 1] for start in range(0, len(stream) - 1, block_size)]


def hold_out(documents, fraction):
    kept = len(documents) - math.floor(fraction * len(documents))
    return documents[:kept], documents[kept:]


ACTIVATIONS = {"relu_squared": relu_squared, "relu": relu, "gelu": gelu}


def parameter_shapes(config, vocab_size):
    """Name -> shape in the order in which the parameters are drawn."""
    C = config.n_embd
    shapes = {"wte": (vocab_size, C), "wpe": (config.block_size, C), "lm_head": (vocab_size, C)}
    for i in range(config.n_layer):
        for name in ("attn_wq", "attn_wk", "attn_wv", "attn_wo"):
            shapes[f"layer{i}.{name}"] = (C, C)
        shapes[f"layer{i}.mlp_fc1"] = (4 * C, C)
        shapes[f"layer{i}.mlp_fc2"] = (C, 4 * C)
    return shapes


def draw_parameters(config, vocab_size):
    def draw(name, shape):
        zeroed = config.zero_init_residual and name.endswith(("attn_wo", "mlp_fc2"))
        std = 0.0 if zeroed else config.init_std  # a zeroed matrix draws too: what follows keeps its random numbers
        return np.array([[random.gauss(0, std) for _ in range(shape[1])] for _ in range(shape[0])])

    return {name: draw(name, shape) for name, shape in parameter_shapes(config, vocab_size).items()}


def attention(x, wq, wk, wv, wo, n_head):
    n, C = x.data.shape
    D = C // n_head
    q = transpose(reshape(linear(x, wq), n, n_head, D), 1, 0, 2)  # (H, n, D)
    k = transpose(reshape(linear(x, wk), n, n_head, D), 1, 2, 0)  # (H, D, n)
    v = transpose(reshape(linear(x, wv), n, n_head, D), 1, 0, 2)  # (H, n, D)
    future = np.triu(np.full((n, n), -np.inf), k=1)  # position t sees 0..t
    weights = softmax(masked(scale(matmul(q, k), D**-0.5), future))  # (H, n, n)
    heads = transpose(matmul(weights, v), 1, 0, 2)  # (n, H, D)
    return linear(reshape(heads, n, C), wo)


def forward(w, config, tokens):
    """Tensors by name and n tokens -> logits (n, V)."""
    x = rmsnorm(add(embedding(w["wte"], tokens), embedding(w["wpe"], np.arange(len(tokens)))))  # (n, C)
    for i in range(config.n_layer):
        wq, wk, wv, wo, fc1, fc2 = (
            w[f"layer{i}.{name}"] for name in ("attn_wq", "attn_wk", "attn_wv", "attn_wo", "mlp_fc1", "mlp_fc2")
        )
        x = add(x, attention(rmsnorm(x), wq, wk, wv, wo, config.n_head))
        hidden = ACTIVATIONS[config.activation](linear(rmsnorm(x), fc1))  # (n, 4C)
        x = add(x, linear(hidden, fc2))
    return linear(x, w["lm_head"])


def loss_and_gradients(parameters, config, documents):
    """The mean loss of the documents, each counting equally, and its gradient by parameter name."""
    w = {name: Tensor(array) for name, array in parameters.items()}
    loss = 0.0
    for document in documents:
        document_loss = cross_entropy(forward(w, config, document[:-1]), document[1:])
        document_loss.backward(1.0 / len(documents))
        loss += document_loss.data / len(documents)
    return float(loss), {name: tensor.grad for name, tensor in w.items()}


def forward_logits(parameters, config, tokens):
    """The same model without gradients, in plain NumPy: checks the one above and the weights of a checkpoint."""
    p = {name: np.asarray(array, dtype=np.float64) for name, array in parameters.items()}
    norm = lambda x: x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + 1e-5)
    act = {
        "relu_squared": lambda x: np.where(x > 0, x, 0) ** 2,
        "relu": lambda x: np.where(x > 0, x, 0),
        "gelu": lambda x: x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x * x * x))),
    }[config.activation]
    tokens = list(tokens)
    n, D = len(tokens), config.n_embd // config.n_head
    x = norm(p["wte"][tokens] + p["wpe"][:n])
    for layer in (f"layer{i}." for i in range(config.n_layer)):
        q, k, v = (norm(x) @ p[layer + name].T for name in ("attn_wq", "attn_wk", "attn_wv"))
        heads = np.zeros_like(x)
        for head in (slice(start, start + D) for start in range(0, config.n_embd, D)):
            for t in range(n):
                scores = k[: t + 1, head] @ q[t, head] / np.sqrt(D)
                heads[t, head] = np.exp(log_softmax(scores)) @ v[: t + 1, head]
        x = x + heads @ p[layer + "attn_wo"].T
        x = x + act(norm(x) @ p[layer + "mlp_fc1"].T) @ p[layer + "mlp_fc2"].T
    return x @ p["lm_head"].T


def learning_rate(config, step, num_steps):
    """`step` counts from 0."""
    done = step / num_steps
    decay = {"cosine": 0.5 * (1 + math.cos(math.pi * done)), "linear": 1 - done, "constant": 1.0}[config.lr_schedule]
    warmup = (step + 1) / config.warmup_steps if step < config.warmup_steps else 1.0
    return config.learning_rate * decay * warmup


def clip_gradients(gradients, limit):
    """Scales all gradients alike, so that their norm as one vector is at most `limit`; 0 is off."""
    norm = math.sqrt(sum(float(np.sum(g * g)) for g in gradients.values()))
    return {name: g * (limit / norm) for name, g in gradients.items()} if 0 < limit < norm else gradients


def adam_step(config, result, gradients, step, lr):
    """Updates parameters, m and v of the result. The weight decay is decoupled: it passes by m and v (AdamW)."""
    for name, g in gradients.items():
        result.m[name] = config.beta1 * result.m[name] + (1 - config.beta1) * g
        result.v[name] = config.beta2 * result.v[name] + (1 - config.beta2) * g**2
        m_hat = result.m[name] / (1 - config.beta1 ** (step + 1))
        v_hat = result.v[name] / (1 - config.beta2 ** (step + 1))
        p = result.parameters[name]
        result.parameters[name] = p - lr * (m_hat / (np.sqrt(v_hat) + config.eps_adam) + config.weight_decay * p)


def validation_loss(parameters, config, documents):
    """The mean over all positions of all documents: here a long document counts for more than a short one."""
    total, positions = 0.0, 0
    for document in documents:
        log_p = log_softmax(forward_logits(parameters, config, document[:-1]))
        total -= sum(log_p[t, target] for t, target in enumerate(document[1:]))
        positions += len(document) - 1
    return float(total / positions)


def draw_sample(parameters, config, uchars):
    bos = len(uchars)
    tokens = [bos]
    while len(tokens) <= config.block_size:
        logits = forward_logits(parameters, config, tokens)[-1]
        probs = np.exp(log_softmax(logits / config.temperature))
        token = random.choices(range(len(probs)), weights=probs.tolist())[0]
        if token == bos:
            break
        tokens.append(token)
    return "".join(uchars[token] for token in tokens[1:])


def run(config, dataset_path, progress=None, stop_after=None):
    """Trains, evaluates and samples. `progress(completed steps, loss)` is called after each step. `stop_after` ends the
    training early, on the schedule of the whole run."""
    random.seed(config.seed)
    data = load_data(config, dataset_path)
    result = Result(parameters=draw_parameters(config, len(data.uchars) + 1))
    result.m = {name: np.zeros_like(p) for name, p in result.parameters.items()}
    result.v = {name: np.zeros_like(p) for name, p in result.parameters.items()}

    B, num_steps = config.batch_size, config.num_steps
    if config.num_epochs:
        num_steps = math.ceil(config.num_epochs * len(data.train) / B)
    steps = num_steps if stop_after is None else min(stop_after, num_steps)
    for step in range(steps):
        batch = [data.train[i % len(data.train)] for i in range(step * B, (step + 1) * B)]
        loss, gradients = loss_and_gradients(result.parameters, config, batch)
        gradients = clip_gradients(gradients, config.grad_clip)
        adam_step(config, result, gradients, step, learning_rate(config, step, num_steps))
        result.losses.append(loss)
        if progress:
            progress(step + 1, loss)

    if data.held_out:
        result.val_losses[steps] = validation_loss(result.parameters, config, data.held_out)
    result.samples = [draw_sample(result.parameters, config, data.uchars) for _ in range(config.num_samples)]
    return result


def parse_setting(setting):
    key, _, value = setting.partition("=")
    kinds = {f.name: f.type for f in dataclasses.fields(Config)}
    if key not in kinds:
        raise argparse.ArgumentTypeError(f"unknown key '{key}'")
    if kinds[key] is bool:
        return key, ["false", "true"].index(value) == 1
    return key, kinds[key](value)


def main():
    parser = argparse.ArgumentParser(description="The NumPy reference of microgpt: trains and prints the run as JSON.")
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--set", action="append", default=[], type=parse_setting, metavar="key=value", dest="settings")
    parser.add_argument("--stop-after", type=int, metavar="N", help="end after N steps of the schedule")
    args = parser.parse_args()

    result = run(Config(**dict(args.settings)), args.dataset, stop_after=args.stop_after)
    report = {
        "losses": result.losses,
        "val_loss": next(iter(result.val_losses.values()), None),
        "samples": result.samples,
        "sums": {name: float(p.sum()) for name, p in result.parameters.items()},
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
