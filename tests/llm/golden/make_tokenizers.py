#!/usr/bin/env python3
"""Small tokenizers of every family and what the tokenizers package makes of some texts.

The vocabularies are ours; the steps before and after the merges are those of the published tokenizer.json files.

  python3 -m venv venv && venv/bin/pip install tokenizers==0.22.2
  venv/bin/python make_tokenizers.py tokenizers.json
"""

import json
import sys

from tokenizers import Tokenizer

TEXTS = [
    "The other thing in the rain", " the  theatre", "hello hello\nhello", "it's IT'S we'LL", "12 1234567 3,14",
    "a\r\nb\r\n\r\n  c\t d", "    four blanks  ", "caf\u00e9 cafe\u0301", "\u4f60\u597d \U0001f600 \u00bd \u0663",
    "\u2581the \u00a0x\u3000y", "x\u200b\u180ey", "...!?\n\n\n", "thethethe aaaa hehe", "", " ", "\n",
]
CHATS = {"chatml": "<|im_start|>user\nthe<|im_end|>\n<think> x", "header": "<|start_header_id|>user<|end_header_id|>\n\nhi",
         "inst": "<s>[INST] the ring [/INST] hello</s> the", "tight": "<s>the[INST]the</s>the"}

CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s"
REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def alphabet():
    """GPT-2's printable stand-ins of the 256 bytes, in the order of its vocabulary."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in printable]
    return [chr(b) for b in printable] + [chr(256 + i) for i in range(len(rest))]


# Merges in byte-level letters; hello is a token that no merge makes.
MERGES = ["t h", "th e", "\u0120 the", "i n", "in g", "\u0120 a", "1 2", "12 3", "\u0120 \u0120", "\u0120\u0120 \u0120\u0120",
          "\u010a \u010a", "' s", "\u00c3 \u00a9", "e r", "o n", "the r", "h e", "l l", "he ll", "r a", "a a", "\u010d \u010a",
          "ra in"]


def special(tokens, first, plain=()):
    return [{"id": first + i, "content": t, "single_word": False, "lstrip": False, "rstrip": False,
             "normalized": False, "special": t not in plain} for i, t in enumerate(tokens)]


def template(begin, begin_id):
    return {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": begin, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {begin: {"id": begin, "ids": [begin_id], "tokens": [begin]}}}


def byte_level(pre_tokenizer, specials, specials_first=False, normalizer=None, ignore_merges=False, begin=None, plain=()):
    texts = alphabet() + [m.replace(" ", "") for m in MERGES] + ["hello"]
    shift = len(specials) if specials_first else 0
    added = special(specials, 0 if specials_first else len(texts), plain)
    step = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    post = [dict(step)]
    if begin:
        post.append(template(begin, next(a["id"] for a in added if a["content"] == begin)))
    vocabulary = {t: i + shift for i, t in enumerate(texts)}
    if specials_first:
        vocabulary = {**{t: i for i, t in enumerate(specials)}, **vocabulary}
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": normalizer,
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": pre_tokenizer(step)},
            "post_processor": {"type": "Sequence", "processors": post}, "decoder": dict(step),
            "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                      "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False,
                      "ignore_merges": ignore_merges, "vocab": vocabulary, "merges": MERGES}}


def split(regex):
    step = {"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": False}
    return lambda byte_level_step: [step, byte_level_step]


PIECES = ["\u2581t", "he", "\u2581a", "in", "er", "th", "the", "\u2581the", "ing", "\u2581\u2581", "\u2581\u2581\u2581\u2581", "ll"]
LETTERS = list("\u2581etaoinhslrg.1")


def sentencepiece(normalizer, pre_tokenizer, more=()):
    """Scores fall from piece to piece; merges are every split of a piece, as the converter lists them."""
    specials = ["<unk>", "<s>", "</s>", *more]
    texts = specials + [f"<0x{b:02X}>" for b in range(256)] + PIECES + LETTERS
    vocabulary = {t: i for i, t in enumerate(texts)}
    merges = []
    for piece in PIECES:
        splits = [(piece[:i], piece[i:]) for i in range(1, len(piece))]
        merges += sorted((s for s in splits if all(p in vocabulary for p in s)), key=lambda s: (-len(s[0]), -len(s[1])))
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": special(specials, 0),
            "normalizer": normalizer, "pre_tokenizer": pre_tokenizer, "post_processor": template("<s>", 1),
            "decoder": None,
            "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
                      "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
                      "vocab": vocabulary, "merges": [list(m) for m in merges]}}


def files():
    chatml = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    digits = {"type": "Digits", "individual_digits": True}
    legacy = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"},
                                                  {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]}
    first = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": False}
    header = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    return {
        "llama-3": byte_level(split(CONTRACTIONS % "{1,3}" + REST), header, ignore_merges=True, begin=header[0]),
        "qwen2": byte_level(split(CONTRACTIONS % "" + REST), [*chatml, "<think>"], normalizer={"type": "NFC"},
                            plain=("<think>",)),
        "smollm": byte_level(lambda step: [digits, {**step, "use_regex": True}], chatml, specials_first=True),
        "sentencepiece": sentencepiece(legacy, None),
        "sentencepiece-first": sentencepiece(None, first, ("[INST]", "[/INST]")),
    }


def main():
    result = {}
    for name, file in files().items():
        reference = Tokenizer.from_str(json.dumps(file))
        texts = TEXTS + list(CHATS.values())
        result[name] = {"file": file,
                        "begin": reference.encode("the").ids[0] != reference.encode("the", add_special_tokens=False).ids[0],
                        "cases": [{"text": t, "ids": reference.encode(t, add_special_tokens=False).ids} for t in texts]}
    with open(sys.argv[1], "w") as out:
        out.write("{" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in result.items()) + "}\n")


if __name__ == "__main__":
    main()
