#!/usr/bin/env python3
"""Golden values of the forward pass, by another implementation: NumPy in float64, whole sequence at once.

Nothing is shared with the C++ code: the GGUF file is read and de-quantised by the package `gguf`, rotary
pairs are turned in the order in which each file stores them (interleaved), attention is a masked softmax.

  python3 -m venv venv && venv/bin/pip install numpy gguf
  venv/bin/python make_golden.py smollm2 models/SmolLM2-135M-Instruct.Q4_1.gguf > smollm2.json
  venv/bin/python make_golden.py stories shared/data/models/stories260k > stories260k.json
"""

import json
import pathlib
import sys

import numpy as np


def rms_norm(x, weight, epsilon):
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + epsilon) * weight


def rotate_interleaved(x, theta):
    """x [tokens, heads, width]: pairs (2i, 2i + 1)."""
    tokens, _, width = x.shape
    angle = np.arange(tokens)[:, None] * theta ** (-np.arange(0, width, 2) / width)[None, :]
    turned = (x[..., 0::2] + 1j * x[..., 1::2]) * np.exp(1j * angle)[:, None, :]
    out = np.empty_like(x)
    out[..., 0::2], out[..., 1::2] = turned.real, turned.imag
    return out


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


class Model:
    """Weights as float64: `layers` is a list of dicts, row-major [out, in]."""

    def __init__(self, heads, kv_heads, epsilon, theta, embedding, norm, head, layers):
        self.heads, self.kv_heads, self.epsilon, self.theta = heads, kv_heads, epsilon, theta
        self.embedding, self.norm, self.head, self.layers = embedding, norm, head, layers

    def logits(self, ids):
        """Logits of the last position."""
        x = self.embedding[ids]
        mask = np.triu(np.full((len(ids), len(ids)), -np.inf), 1)
        for w in self.layers:
            h = rms_norm(x, w["attention_norm"], self.epsilon)
            split = lambda m, n: (h @ m.T).reshape(len(ids), n, -1)
            q = rotate_interleaved(split(w["q"], self.heads), self.theta)
            k = rotate_interleaved(split(w["k"], self.kv_heads), self.theta)
            v = split(w["v"], self.kv_heads)
            k, v = (np.repeat(t, self.heads // self.kv_heads, axis=1) for t in (k, v))
            score = np.einsum("qhd,khd->hqk", q, k) / np.sqrt(q.shape[-1]) + mask
            mixed = np.einsum("hqk,khd->qhd", softmax(score), v).reshape(len(ids), -1)
            x = x + mixed @ w["o"].T
            h = rms_norm(x, w["mlp_norm"], self.epsilon)
            gate = h @ w["gate"].T
            x = x + (gate / (1 + np.exp(-gate)) * (h @ w["up"].T)) @ w["down"].T
        return self.head @ rms_norm(x[-1], self.norm, self.epsilon)


def smollm2(path):
    import gguf

    reader = gguf.GGUFReader(path)
    field = lambda name: reader.fields[name].contents()
    tensors = {
        t.name: gguf.quants.dequantize(t.data, t.tensor_type).astype(np.float64) for t in reader.tensors
    }
    names = {"attention_norm": "attn_norm", "mlp_norm": "ffn_norm", "q": "attn_q", "k": "attn_k",
             "v": "attn_v", "o": "attn_output", "gate": "ffn_gate", "up": "ffn_up", "down": "ffn_down"}
    layers = [
        {ours: tensors[f"blk.{i}.{theirs}.weight"] for ours, theirs in names.items()}
        for i in range(field("llama.block_count"))
    ]
    embedding = tensors["token_embd.weight"]
    return Model(field("llama.attention.head_count"), field("llama.attention.head_count_kv"),
                 field("llama.attention.layer_norm_rms_epsilon"), field("llama.rope.freq_base"), embedding,
                 tensors["output_norm.weight"], tensors.get("output.weight", embedding), layers)


def stories(folder):
    data = (pathlib.Path(folder) / "stories260K.bin").read_bytes()
    width, mlp, count, heads, kv_heads, vocabulary, _ = np.frombuffer(data, np.int32, 7)
    flat = np.frombuffer(data, np.float32, offset=28).astype(np.float64)
    at = 0

    def take(*shape):
        nonlocal at
        size = int(np.prod(shape))
        at += size
        return flat[at - size : at].reshape(shape)

    kv = width // heads * kv_heads
    embedding = take(abs(vocabulary), width)
    shapes = {"attention_norm": (width,), "q": (width, width), "k": (kv, width), "v": (kv, width),
              "o": (width, width), "mlp_norm": (width,), "gate": (mlp, width), "down": (width, mlp),
              "up": (mlp, width)}
    stacked = {name: take(count, *shape) for name, shape in shapes.items()}
    layers = [{name: stack[i] for name, stack in stacked.items()} for i in range(count)]
    return Model(heads, kv_heads, 1e-5, 10000.0, embedding, take(width), embedding, layers)


def golden(model, prompt, steps):
    ids, result = list(prompt), {"ids": prompt}
    for step in range(steps):
        logits = model.logits(ids)
        if step == 0:
            top = np.argsort(-logits)[:8]
            result["top"] = [{"id": int(i), "logit": round(float(logits[i]), 6)} for i in top]
        ids.append(int(np.argmax(logits)))
    last = model.logits(ids)
    top = np.argsort(-last)[:8]
    result["greedy"] = ids[len(prompt) :]
    result["top_at_end"] = [{"id": int(i), "logit": round(float(last[i]), 6)} for i in top]
    return result


def main():
    kind, path = sys.argv[1:3]
    if kind == "smollm2":
        cases = [golden(smollm2(path), [504, 3575, 282, 4649, 314], 10)]
    else:
        model = stories(path)
        # BOS alone; BOS and "Once upon a time".
        cases = [golden(model, [1], 60), golden(model, [1, 403, 407, 261, 378], 40)]
    print("[" + ",\n".join(json.dumps(case) for case in cases) + "]")


main()
