"""The GRU of the digits example in NumPy: parameters, forward pass, gradients, Adam.

One step maps an input ``x`` [N, 8] and a state ``h`` [N, H] to the next state:

    g = x W_xh + b_x                  split into (g_r, g_z, g_n), each [N, H]
    u = h W_hh + b_h                  split into (u_r, u_z, u_n)
    r = sigmoid(g_r + u_r)
    z = sigmoid(g_z + u_z)
    n = tanh(g_n + r * u_n)
    h = n + z * (h - n)

The classifier reads the last state: ``logits = h W_out + b_out``. All functions keep the dtype
of the parameters, so that gradients can be checked in float64.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Params = dict[str, Array]

INPUTS = 8
CLASSES = 10


@dataclass
class Step:
    """What the backward pass needs of one time step; every field is [N, H]."""

    h_in: Array
    r: Array
    z: Array
    n: Array
    u_n: Array


def init_params(rng: np.random.Generator, hidden: int) -> Params:
    """Return float32 parameters: orthogonal recurrent blocks, scaled normal others, zero biases."""
    blocks = [np.linalg.qr(rng.standard_normal((hidden, hidden)))[0] for _ in range(3)]
    params = {
        "W_xh": rng.standard_normal((INPUTS, 3 * hidden)) / np.sqrt(INPUTS),
        "W_hh": np.concatenate(blocks, axis=1),
        "b_x": np.zeros(3 * hidden),
        "b_h": np.zeros(3 * hidden),
        "W_out": rng.standard_normal((hidden, CLASSES)) / np.sqrt(hidden),
        "b_out": np.zeros(CLASSES),
    }
    params["b_x"][hidden : 2 * hidden] = 1.0  # z starts near 0.73: states persist at first
    return {name: value.astype(np.float32) for name, value in params.items()}


def sigmoid(x: Array) -> Array:
    """Return the logistic function, written with tanh so that it cannot overflow."""
    return 0.5 * np.tanh(0.5 * x) + 0.5


def forward(params: Params, x: Array, h0: Array) -> tuple[Array, list[Step]]:
    """Run all steps of ``x`` [N, T, 8] from ``h0`` [N, H]; return the last state and the tape."""
    g = x @ params["W_xh"] + params["b_x"]
    h, tape = h0, []
    for t in range(x.shape[1]):
        u = h @ params["W_hh"] + params["b_h"]
        g_r, g_z, g_n = np.split(g[:, t], 3, axis=1)
        u_r, u_z, u_n = np.split(u, 3, axis=1)
        r, z = sigmoid(g_r + u_r), sigmoid(g_z + u_z)
        n = np.tanh(g_n + r * u_n)
        tape.append(Step(h, r, z, n, u_n))
        h = n + z * (h - n)
    return h, tape


def logits(params: Params, h: Array) -> Array:
    """Return the class scores [N, 10] of the states ``h`` [N, H]."""
    return h @ params["W_out"] + params["b_out"]


def cross_entropy(scores: Array, labels: NDArray[np.int64]) -> tuple[float, Array]:
    """Return the mean cross entropy and its gradient with respect to ``scores`` [N, 10]."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(len(labels))
    grad = np.exp(log_p)
    grad[rows, labels] -= 1.0
    return float(-log_p[rows, labels].mean()), grad / np.asarray(len(labels), scores.dtype)


def loss_and_grads(params: Params, x: Array, labels: NDArray[np.int64]) -> tuple[float, Params]:
    """Return the loss of full sequences ``x`` [N, T, 8] and its gradient, by BPTT from h = 0."""
    hidden = params["W_hh"].shape[0]
    h, tape = forward(params, x, np.zeros((len(x), hidden), x.dtype))
    loss, d_scores = cross_entropy(logits(params, h), labels)
    grads = {name: np.zeros_like(value) for name, value in params.items()}
    grads["W_out"], grads["b_out"] = h.T @ d_scores, d_scores.sum(axis=0)
    d_h = d_scores @ params["W_out"].T
    for t in range(len(tape) - 1, -1, -1):
        d_h = _backward_step(params, grads, x[:, t], tape[t], d_h)
    return loss, grads


def _backward_step(params: Params, grads: Params, x: Array, step: Step, d_h: Array) -> Array:
    """Add one step's share to ``grads``; return the gradient of the state that entered it."""
    d_n = d_h * (1 - step.z) * (1 - step.n**2)
    d_z = d_h * (step.h_in - step.n) * step.z * (1 - step.z)
    d_r = d_n * step.u_n * step.r * (1 - step.r)
    d_g = np.concatenate([d_r, d_z, d_n], axis=1)
    d_u = np.concatenate([d_r, d_z, d_n * step.r], axis=1)
    grads["W_xh"] += x.T @ d_g
    grads["b_x"] += d_g.sum(axis=0)
    grads["W_hh"] += step.h_in.T @ d_u
    grads["b_h"] += d_u.sum(axis=0)
    return d_h * step.z + d_u @ params["W_hh"].T


@dataclass
class Adam:
    """Adam with bias correction, and decoupled weight decay on the matrices only."""

    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 1e-3
    count: int = 0
    mean: Params = field(default_factory=dict)
    square: Params = field(default_factory=dict)

    def update(self, params: Params, grads: Params, rate: float) -> None:
        """Move ``params`` in place against ``grads`` with learning rate ``rate``."""
        self.count += 1
        for name, grad in grads.items():
            m = self.beta1 * self.mean.get(name, 0.0) + (1 - self.beta1) * grad
            v = self.beta2 * self.square.get(name, 0.0) + (1 - self.beta2) * grad**2
            self.mean[name], self.square[name] = m, v
            m_hat, v_hat = m / (1 - self.beta1**self.count), v / (1 - self.beta2**self.count)
            params[name] -= rate * m_hat / (np.sqrt(v_hat) + self.eps)
            if name.startswith("W_"):
                params[name] *= 1 - rate * self.weight_decay


def clip_norm(grads: Params, limit: float) -> None:
    """Scale ``grads`` in place so that their joint Euclidean norm does not exceed ``limit``."""
    norm = float(np.sqrt(sum(float((g**2).sum()) for g in grads.values())))
    if norm > limit:
        for grad in grads.values():
            np.multiply(grad, limit / norm, out=grad)
