"""The model itself: from tokens to what it expects next, and where each head looked meanwhile.

Everything is float64 and vectorised over positions. Letters of the shapes in comments:

    n  tokens, at most block_size    C  n_embd    H  n_head    D  C / H, the size of a head
    V  vocabulary with BOS, which is token V - 1
"""

import math

import numpy as np

ACTIVATIONS = {
    "relu_squared": lambda x: np.maximum(x, 0) ** 2,
    "relu": lambda x: np.maximum(x, 0),
    "gelu": lambda x: x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
}


def parameter_shapes(config, vocabulary_size):
    """Yields name and shape of each parameter, in the order in which training draws them."""
    n_embd = config["n_embd"]
    yield "wte", (vocabulary_size, n_embd)
    yield "wpe", (config["block_size"], n_embd)
    yield "lm_head", (vocabulary_size, n_embd)
    for layer in range(config["n_layer"]):
        for name in ("attn_wq", "attn_wk", "attn_wv", "attn_wo"):
            yield f"layer{layer}.{name}", (n_embd, n_embd)
        yield f"layer{layer}.mlp_fc1", (4 * n_embd, n_embd)
        yield f"layer{layer}.mlp_fc2", (n_embd, 4 * n_embd)


def forward(parameters, config, tokens):
    """Logits (n, V) for the token behind each position, and attention weights (n_layer, H, n, n).

    attention[layer, head, t, s] is how much position t looks at position s; 0 for s > t.
    """
    n, n_head = len(tokens), config["n_head"]
    future = np.triu(np.full((n, n), -np.inf), k=1)
    attention = np.empty((config["n_layer"], n_head, n, n))

    x = rmsnorm(parameters["wte"][tokens] + parameters["wpe"][:n])  # (n, C)
    for layer in range(config["n_layer"]):
        attn_wq, attn_wk, attn_wv, attn_wo, mlp_fc1, mlp_fc2 = (
            parameters[f"layer{layer}.{name}"].T
            for name in ("attn_wq", "attn_wk", "attn_wv", "attn_wo", "mlp_fc1", "mlp_fc2")
        )
        normed = rmsnorm(x)
        query, key, value = (split_heads(normed @ matrix, n_head) for matrix in (attn_wq, attn_wk, attn_wv))
        scores = query @ key.swapaxes(1, 2) / math.sqrt(query.shape[2])  # (H, n, n)
        attention[layer] = softmax(scores + future)
        heads = (attention[layer] @ value).swapaxes(0, 1).reshape(x.shape)
        x = x + heads @ attn_wo
        x = x + ACTIVATIONS[config["activation"]](rmsnorm(x) @ mlp_fc1) @ mlp_fc2
    return x @ parameters["lm_head"].T, attention


def rmsnorm(x):
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + 1e-5)


def split_heads(x, n_head):
    """(n, C) -> (H, n, D)"""
    return x.reshape(len(x), n_head, -1).swapaxes(0, 1)


def softmax(x):
    weights = np.exp(x - x.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)
