"""Makes a language model of random numbers: one layer, bytes for tokens, in the format of llama.cpp.

What it answers means nothing. How it is asked, how it streams and how it refuses is that of any model there.
"""

from pathlib import Path

import gguf
import numpy as np

TRAINED = 4096
"""Tokens that it could read, if its server gave it the memory."""
WIDTH, INNER, HEADS = 64, 128, 4
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6
"""Kinds of tokens (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md)."""
TOKENS = [("<unk>", UNKNOWN), ("<s>", CONTROL), ("</s>", CONTROL)]
TOKENS += [(f"<0x{number:02X}>", BYTE) for number in range(256)]
TOKENS += [("\u2581", NORMAL)]
LETTERS = {f"<0x{ord(letter):02X}>" for letter in "abcdefghijklmnopqrstuvwxyz"}
"""What it writes."""
TALK = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant: "


def make_model(path: Path) -> Path:
    """Write the model; the same one each time."""
    writer, random = gguf.GGUFWriter(str(path), "llama"), np.random.default_rng(0)
    writer.add_context_length(TRAINED)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(len(TOKENS))
    writer.add_tokenizer_model("llama")
    writer.add_token_list([text.encode() for text, _ in TOKENS])
    writer.add_token_scores([-float(number) for number in range(len(TOKENS))])
    writer.add_token_types([kind for _, kind in TOKENS])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_chat_template(TALK)
    shapes = {"token_embd": (len(TOKENS), WIDTH), "output": (len(TOKENS), WIDTH)}
    shapes |= {f"blk.0.attn_{part}": (WIDTH, WIDTH) for part in ("q", "k", "v", "output")}
    shapes |= {"blk.0.ffn_gate": (INNER, WIDTH), "blk.0.ffn_up": (INNER, WIDTH), "blk.0.ffn_down": (WIDTH, INNER)}
    letters = np.array([[text in LETTERS] for text, _ in TOKENS], np.float32)
    for name, shape in shapes.items():
        weights = (random.standard_normal(shape) * 0.3).astype(np.float32)
        # It never ends by itself, and is never silent: no other token is as likely as the likeliest letter.
        writer.add_tensor(f"{name}.weight", weights * letters if name == "output" else weights)
    for name in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
        writer.add_tensor(f"{name}.weight", np.ones(WIDTH, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
