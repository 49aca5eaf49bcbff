#!/usr/bin/env python3
"""Golden values of small random models of every family, by the transformers package in float64.

The weights are not stored: both sides draw them from the same counter-based generator, seven bits each, so that
F32, F16, BF16 and Q8_0 files hold exactly the same model. Nothing is shared with the C++ code but that generator.

  python3 -m venv venv && venv/bin/pip install torch transformers==4.57.6 gguf
  venv/bin/python make_families.py families.json
"""

import json
import sys

import gguf
import numpy as np
import torch
import transformers

VOCABULARY = 288  # tokens of the small tokenizers and some padding rows, as in Qwen's
SHORT, MEDIUM, LONG = 9, 100, 300  # tokens of the prompts; greedy decoding goes on from the short one
GREEDY = 12

COMMON = dict(vocab_size=VOCABULARY, hidden_size=64, intermediate_size=96, num_hidden_layers=2,
              num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=512)
LLAMA3 = dict(rms_norm_eps=1e-5, rope_theta=5e5)
SCALED = dict(rope_type="llama3", low_freq_factor=1.0, high_freq_factor=4.0)

# name: model type, GGUF architecture, tokenizer, what differs from COMMON
FAMILIES = {
    "llama-2": ("llama", "llama", "sentencepiece",
                dict(num_key_value_heads=4, rms_norm_eps=1e-5,
                     rope_scaling={"rope_type": "linear", "factor": 4.0})),
    "llama-3.1": ("llama", "llama", "llama-3",
                  dict(LLAMA3, rope_scaling=dict(SCALED, factor=8.0, original_max_position_embeddings=64))),
    "llama-3.2": ("llama", "llama", "llama-3",
                  dict(LLAMA3, num_key_value_heads=1, head_dim=24, tie_word_embeddings=True,
                       rope_scaling=dict(SCALED, factor=32.0, original_max_position_embeddings=128))),
    "smollm2": ("llama", "llama", "smollm",
                dict(hidden_size=96, num_attention_heads=3, num_key_value_heads=1, rms_norm_eps=1e-5,
                     rope_theta=1e5, tie_word_embeddings=True)),
    "mistral-0.1": ("mistral", "llama", "sentencepiece", dict(rms_norm_eps=1e-5, sliding_window=128)),
    "mistral-0.3": ("mistral", "llama", "sentencepiece-first",
                    dict(head_dim=32, rms_norm_eps=1e-5, rope_theta=1e6, sliding_window=None)),
    "qwen2.5": ("qwen2", "qwen2", "qwen2", dict(rms_norm_eps=1e-6, rope_theta=1e6, tie_word_embeddings=True)),
    "qwen2.5-untied": ("qwen2", "qwen2", "qwen2",
                       dict(hidden_size=96, num_attention_heads=6, num_key_value_heads=1, rms_norm_eps=1e-6,
                            rope_theta=1e6)),
    "qwen3": ("qwen3", "qwen3", "qwen2",
              dict(head_dim=32, rms_norm_eps=1e-6, rope_theta=1e6, tie_word_embeddings=True)),
    "qwen3-untied": ("qwen3", "qwen3", "qwen2", dict(head_dim=8, rms_norm_eps=1e-6, rope_theta=1e6)),
}


def draw(name, count):
    """64 random bits per element: splitmix64 of a counter that starts at the name's FNV-1a hash."""
    start = 0xCBF29CE484222325
    for byte in name.encode():
        start = (start ^ byte) * 0x100000001B3 % 2**64
    z = np.uint64(start) + np.uint64(0x9E3779B97F4A7C15) * np.arange(1, count + 1, dtype=np.uint64)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def weight(name, count, tied):
    """Integers from -64 to 63 times a power of two."""
    q = (draw(name, count) >> np.uint64(57)).astype(np.float64) - 64
    if name == "model.norm.weight":
        return (1 + q / 128) * (16 if tied else 1)
    if name.endswith("norm.weight"):
        return 1 + q / 128
    # The embedding is small, so that the epsilon of the first norm shows.
    exponent = {"embed_tokens.weight": -10, "lm_head.weight": -6, "bias": -5}
    return q * 2.0 ** next((e for end, e in exponent.items() if name.endswith(end)), -8)


def prompt(length):
    return (draw("prompt", length) % np.uint64(VOCABULARY)).astype(np.int64).tolist()


def logits(model, ids):
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0, -1].numpy()


def rounded(values):
    return [round(float(v), 5) for v in values]


def answers(model, lengths):
    result = {"prompts": [{"length": n, "logits": rounded(logits(model, prompt(n)))} for n in lengths]}
    ids, greedy = prompt(SHORT), []
    for _ in range(GREEDY):  # every token by a pass over the whole text: no cache
        last = np.sort(logits(model, ids + greedy))
        assert last[-1] - last[-2] > 1e-3, "a tie: rounding would decide"
        greedy.append(int(np.argmax(logits(model, ids + greedy))))
    result["greedy"] = greedy
    return result


def build(model_type, settings):
    config = transformers.AutoConfig.for_model(model_type, **{**COMMON, **settings})
    config.architectures = [type(transformers.AutoModelForCausalLM.from_config(config)).__name__]
    config._attn_implementation = "eager"
    return config, transformers.AutoModelForCausalLM.from_config(config).double().eval()


def fill(model, values):
    state = model.state_dict()
    for name, tensor in state.items():
        if name == "lm_head.weight" and model.config.tie_word_embeddings:
            continue
        tensor.copy_(torch.from_numpy(values(name, tensor.numel())).view(tensor.shape))


def llama3_factors(config):
    """What the converter to GGUF writes as rope_freqs.weight: by how much each frequency is divided."""
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    scaled = ROPE_INIT_FUNCTIONS["llama3"](config, "cpu")[0].double()
    width = config.head_dim or config.hidden_size // config.num_attention_heads
    plain = config.rope_theta ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    return rounded(plain / scaled)


def family(name):
    model_type, architecture, tokenizer, settings = FAMILIES[name]
    config, model = build(model_type, settings)
    tied = config.tie_word_embeddings
    fill(model, lambda tensor, count: weight(tensor, count, tied))
    window = getattr(config, "sliding_window", None)
    result = {"gguf": architecture, "tokenizer": tokenizer, "config": json.loads(config.to_json_string()),
              # As save_pretrained stores them: a tied head is left out.
              "tensors": {n: list(t.shape) for n, t in model.state_dict().items()
                          if not (tied and n == "lm_head.weight")},
              **answers(model, [SHORT, MEDIUM if window else LONG])}
    if window:
        result["beyond_window"] = {"length": LONG, "logits": rounded(logits(model, prompt(LONG)))}
    if (getattr(config, "rope_scaling", None) or {}).get("rope_type") == "llama3":
        result["rope_factors"] = llama3_factors(config)
    return result


# A model in blocks: random bytes, but for the scales of each block (float16 at these bytes).
BLOCKS = {"Q4_0": (18, {0: 2.0**-6}), "Q5_0": (22, {0: 2.0**-7}), "Q4_K": (144, {0: 2.0**-12, 2: 7.5 * 2.0**-12}),
          "Q5_K": (176, {0: 2.0**-13, 2: 15.5 * 2.0**-13}), "Q6_K": (210, {208: 2.0**-14})}
MIXED = {"embed_tokens": "Q6_K", "q_proj": "Q4_K", "k_proj": "Q4_0", "v_proj": "Q6_K", "o_proj": "Q5_K",
         "gate_proj": "Q4_K", "up_proj": "Q5_0", "down_proj": "Q6_K", "lm_head": "Q6_K"}


def blocks(name, kind, shape):
    """Values of a tensor whose file order is the given shape."""
    size, scales = BLOCKS[kind]
    quant = gguf.GGMLQuantizationType[kind]
    count = int(np.prod(shape)) // gguf.GGML_QUANT_SIZES[quant][0]
    data = (draw(name, count * size) >> np.uint64(56)).astype(np.uint8).reshape(count, size)
    for at, scale in scales.items():
        data[:, at : at + 2] = np.frombuffer(np.float16(scale).tobytes(), np.uint8)
    return gguf.quants.dequantize(data.reshape(shape[0], -1), quant).astype(np.float64)


def mixed():
    """llama with a tensor type of its own for every matrix, q and k rows as the converter permutes them."""
    config, model = build("llama", dict(LLAMA3, hidden_size=256, intermediate_size=512, num_hidden_layers=1))
    shapes = {n: list(t.shape) for n, t in model.state_dict().items()}
    types = {n: MIXED.get(n.split(".")[-2], "F32") for n in shapes}

    def values(name, count):
        if types[name] == "F32":
            return weight(name, count, False)
        rows = blocks(name, types[name], shapes[name])
        heads = {"q_proj": 4, "k_proj": 2}.get(name.split(".")[-2])
        if heads:  # pairs in the file, halves in transformers
            rows = rows.reshape(heads, -1, 2, rows.shape[1]).swapaxes(1, 2)
        return rows.reshape(-1).copy()

    fill(model, values)
    return {"gguf": "llama", "tokenizer": "llama-3", "config": json.loads(config.to_json_string()),
            "tensors": shapes, "types": types, **answers(model, [SHORT, MEDIUM])}


def frequencies(**settings):
    """Rotary frequencies of a published configuration."""
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    config = transformers.LlamaConfig(max_position_embeddings=131072, **settings)
    return [float(f"{v:.8g}") for v in ROPE_INIT_FUNCTIONS["llama3"](config, "cpu")[0]]


def main():
    published = dict(low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=8192,
                     rope_type="llama3")
    result = {
        "vocabulary": VOCABULARY,
        "transformers": transformers.__version__,
        "frequencies": {
            "llama-3.2-1b": frequencies(head_dim=64, rope_theta=5e5, rope_scaling=dict(published, factor=32.0)),
            "llama-3.1-8b": frequencies(head_dim=128, rope_theta=5e5, rope_scaling=dict(published, factor=8.0)),
        },
        "mixed": mixed(),
    }
    result["families"] = {name: family(name) for name in FAMILIES}
    with open(sys.argv[1], "w") as file:
        # A line for each family, so that differences can be read.
        file.write(json.dumps(result, separators=(",", ":")).replace('"gguf":', '\n"gguf":') + "\n")


if __name__ == "__main__":
    main()
