#!/usr/bin/env python3
"""Model files written by the packages that users' files come from, and what transformers makes of the same weights:

written.gguf by the package gguf, with the converter's steps (q and k rows in pairs, rope_freqs.weight, Q8_0);
written/ by save_pretrained, in shards of bfloat16.

  python3 -m venv venv && venv/bin/pip install torch transformers==4.57.6 gguf
  venv/bin/python make_files.py FOLDER
"""

import json
import pathlib
import sys

import gguf
import numpy as np
import torch
import transformers
from make_families import (LLAMA3, SCALED, SHORT, LONG, answers, build, fill, llama3_factors, weight)
from make_tokenizers import files as tokenizers

TINY = dict(intermediate_size=32, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1)
NAMES = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "input_layernorm": "attn_norm",
         "q_proj": "attn_q", "k_proj": "attn_k", "v_proj": "attn_v", "o_proj": "attn_output",
         "post_attention_layernorm": "ffn_norm", "gate_proj": "ffn_gate", "up_proj": "ffn_up", "down_proj": "ffn_down"}


def gguf_name(name):
    stem = name.removesuffix(".weight")
    if stem in NAMES:
        return NAMES[stem] + ".weight"
    layer, part = stem.split(".")[2], stem.split(".")[-1]
    return f"blk.{layer}.{NAMES[part]}.weight"


def write_gguf(path):
    config, model = build("llama", dict(TINY, **LLAMA3, hidden_size=32, tie_word_embeddings=True, rope_scaling=dict(
        SCALED, factor=8.0, original_max_position_embeddings=64)))
    fill(model, lambda name, count: weight(name, count, True))
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("Written by gguf")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_theta)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_vocab_size(config.vocab_size)
    tokenizer = tokenizers()["llama-3"]
    added = {t["content"]: t["id"] for t in tokenizer["added_tokens"]}
    tokens = list(tokenizer["model"]["vocab"]) + list(added)
    tokens += [f"[PAD{i}]" for i in range(len(tokens), config.vocab_size)]  # as the converter fills up
    kinds = gguf.TokenType
    first_pad = len(tokenizer["model"]["vocab"]) + len(added)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("llama-bpe")
    writer.add_token_list(tokens)
    writer.add_token_types([kinds.UNUSED if i >= first_pad else kinds.CONTROL if t in added else kinds.NORMAL
                            for i, t in enumerate(tokens)])
    writer.add_token_merges(tokenizer["model"]["merges"])
    writer.add_bos_token_id(added["<|begin_of_text|>"])
    writer.add_eos_token_id(added["<|end_of_text|>"])
    writer.add_eot_token_id(added["<|eot_id|>"])
    writer.add_tensor("rope_freqs.weight", np.array(llama3_factors(config), np.float32))
    for name, tensor in model.state_dict().items():
        if name == "lm_head.weight":
            continue
        data = tensor.numpy().astype(np.float32)
        if data.ndim == 1:
            writer.add_tensor(gguf_name(name), data)
            continue
        heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}.get(name.split(".")[-2])
        if heads:  # halves in transformers, pairs in the file
            data = data.reshape(heads, 2, -1, data.shape[1]).swapaxes(1, 2).reshape(data.shape)
        kind = gguf.GGMLQuantizationType.Q8_0
        blocks = gguf.quants.quantize(data, kind)
        writer.add_tensor(gguf_name(name), blocks, raw_dtype=kind)
        data = gguf.quants.dequantize(blocks, kind)
        if heads:
            data = data.reshape(heads, -1, 2, data.shape[1]).swapaxes(1, 2).reshape(data.shape)
        tensor.copy_(torch.from_numpy(data))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return answers(model, [SHORT, LONG])


def write_folder(path):
    config, model = build("qwen3", dict(TINY, hidden_size=16, head_dim=12, rms_norm_eps=1e-6, rope_theta=1e6,
                                        tie_word_embeddings=True))
    fill(model, lambda name, count: weight(name, count, True))
    result = answers(model, [SHORT, LONG])
    model.generation_config = transformers.GenerationConfig(eos_token_id=[282, 280], bos_token_id=280)
    model.bfloat16().save_pretrained(path, max_shard_size="8KB")
    return result


def main():
    folder = pathlib.Path(sys.argv[1])
    result = {"gguf": write_gguf(folder / "written.gguf"), "folder": write_folder(folder / "written")}
    (folder / "written.json").write_text(json.dumps(result, separators=(",", ":")) + "\n")


main()
