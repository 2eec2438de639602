"""Reverse-mode differentiation on whole NumPy arrays: as much of it as a small GPT needs."""

import math

import numpy as np


class Tensor:
    """An array that knows what it was computed from.

    `parents` are pairs (tensor, pull): pull maps the gradient of this array to the share of that parent.
    """

    def __init__(self, data, parents=()):
        self.data = data
        self.parents = parents
        self.grad = 0.0

    def backward(self, grad=1.0):
        """Adds to the gradient of every ancestor the derivative of grad * self. Once per result."""
        order, seen = [], set()

        def visit(tensor):
            if tensor not in seen:
                seen.add(tensor)
                for parent, _ in tensor.parents:
                    visit(parent)
                order.append(tensor)

        visit(self)
        self.grad = grad
        # What was computed last comes first, so a gradient is complete before it is passed on.
        for tensor in reversed(order):
            for parent, pull in tensor.parents:
                parent.grad = parent.grad + pull(tensor.grad)


def add(a, b):
    return Tensor(a.data + b.data, [(a, lambda g: g), (b, lambda g: g)])


def mul(a, b):
    return Tensor(a.data * b.data, [(a, lambda g: g * b.data), (b, lambda g: g * a.data)])


def masked(a, mask):
    """Adds a constant, which may be of fewer dimensions."""
    return Tensor(a.data + mask, [(a, lambda g: g)])


def scale(a, factor):
    return Tensor(a.data * factor, [(a, lambda g: g * factor)])


def matmul(a, b):
    """(..., i, k) @ (..., k, j) -> (..., i, j), the leading dimensions of both alike."""
    return Tensor(
        a.data @ b.data,
        [(a, lambda g: g @ b.data.swapaxes(-1, -2)), (b, lambda g: a.data.swapaxes(-1, -2) @ g)],
    )


def transpose(a, *axes):
    inverse = np.argsort(axes)
    return Tensor(a.data.transpose(axes), [(a, lambda g: g.transpose(inverse))])


def reshape(a, *shape):
    return Tensor(a.data.reshape(shape), [(a, lambda g: g.reshape(a.data.shape))])


def linear(x, weight):
    """(n, in) and [out][in] -> (n, out)."""
    return matmul(x, transpose(weight, 1, 0))


def embedding(table, rows):
    """(V, C) and n rows -> (n, C)."""

    def pull(g):
        grad = np.zeros_like(table.data)
        np.add.at(grad, rows, g)  # and not grad[rows] += g, which counts a repeated row once
        return grad

    return Tensor(table.data[rows], [(table, pull)])


def rmsnorm(x):
    inverse_rms = (np.mean(x.data**2, axis=-1, keepdims=True) + 1e-5) ** -0.5
    y = x.data * inverse_rms
    # The rms depends on every element, which takes from the gradient its part along y.
    return Tensor(y, [(x, lambda g: inverse_rms * (g - y * np.mean(g * y, axis=-1, keepdims=True)))])


def softmax(x):
    y = np.exp(log_softmax(x.data))
    return Tensor(y, [(x, lambda g: y * (g - np.sum(g * y, axis=-1, keepdims=True)))])


def relu(x):
    return Tensor(np.maximum(x.data, 0.0), [(x, lambda g: g * (x.data > 0))])


def relu_squared(x):
    y = relu(x)
    return mul(y, y)


def gelu(x):
    """GPT-2's: 0.5 x (1 + tanh(u)) with u = sqrt(2/pi) (x + 0.044715 x^3)."""
    c = math.sqrt(2 / math.pi)
    t = np.tanh(c * (x.data + 0.044715 * x.data**3))
    slope = 0.5 * (1 + t) + 0.5 * x.data * (1 - t**2) * c * (1 + 3 * 0.044715 * x.data**2)
    return Tensor(0.5 * x.data * (1 + t), [(x, lambda g: g * slope)])


def cross_entropy(logits, targets):
    """(n, V) and n tokens -> the mean of -log p(target)."""
    n = len(targets)
    log_p = log_softmax(logits.data)
    one_hot = np.eye(log_p.shape[-1])[targets]
    return Tensor(-np.sum(log_p[range(n), targets]) / n, [(logits, lambda g: g * (np.exp(log_p) - one_hot) / n)])


def log_softmax(x):
    """Of a plain array."""
    shifted = x - x.max(axis=-1, keepdims=True)  # so that exp cannot overflow
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
