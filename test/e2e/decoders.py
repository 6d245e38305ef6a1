"""Compiled decoders, fed in every way, and the models of transformers that they are compared with."""
import numpy as np

from compare import relative_error

TOLERANCE = 1e-5
CONTEXT = 64


def step(session, tokens, sequences, start, wanted=None):
    """Logits after all tokens of these rows, one behind the other, or after the wanted ones."""
    tokens = np.array(tokens, np.int64)
    wanted = np.arange(tokens.size) if wanted is None else np.array(wanted)
    return session.run({"input_ids": tokens, "sequences": np.array(sequences), "start": np.array(start),
                        "wanted": wanted})["logits"]


class Sequence:
    """Feeds the tokens of one sequence to a session."""

    def __init__(self, session, row=0):
        self.session, self.row, self.length = session, row, 0

    def feed(self, tokens):
        """Logits of each of the next tokens."""
        logits = step(self.session, [tokens], [self.row], [self.length])
        self.length += len(tokens)
        return logits


def check_logits(library, tokens, want, tolerance=TOLERANCE):
    """One sequence whole, in chunks and token by token; several of different lengths at once."""
    with library.session(threads=2) as session:
        assert relative_error(Sequence(session).feed(tokens), want) < tolerance
        single = Sequence(session, 1)
        got = np.concatenate([single.feed([token]) for token in tokens])
        assert relative_error(got, want) < tolerance
        chunked = Sequence(session, 2)
        got = np.concatenate([chunked.feed(part) for part in np.split(np.array(tokens), [1, 8, 21])])
        assert relative_error(got, want) < tolerance
    with library.session(threads=2) as session:
        for row, length in (2, 9), (0, 4):
            Sequence(session, row).feed(tokens[:length])
        rows, expected = [tokens[4:10], tokens[9:15]], np.concatenate([want[4:10], want[9:15]])
        assert relative_error(step(session, rows, [0, 2], [4, 9]), expected) < tolerance
        # Again, with the logits after some of them.
        assert relative_error(step(session, rows, [0, 2], [4, 9], [5, -1, 0]), expected[[5, 11, 0]]) < tolerance


# ---- numpy -------------------------------------------------------------------------------

def run_llama(w, tokens, heads, kv_heads, epsilon=1e-5):
    """Logits of a Llama with the names of GGUF, in f64; pairs of rotations are neighbours."""
    w = {name.removesuffix(".weight"): array.astype(np.float64) for name, array in w.items()}
    count, size = len(tokens), w["token_embd"].shape[1] // heads

    def norm(x, name):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + epsilon) * w[name]

    angles = np.arange(count)[:, None, None] * 10000.0 ** (-np.arange(0, size, 2) / size)

    def rotate(x):
        a, b = x[..., ::2], x[..., 1::2]
        return np.stack([a * np.cos(angles) - b * np.sin(angles), b * np.cos(angles) + a * np.sin(angles)], -1).reshape(x.shape)

    x, layer = w["token_embd"][tokens], 0
    while (at := f"blk.{layer}.") + "attn_q" in w:
        y = norm(x, at + "attn_norm")
        q, k, v = ((y @ w[f"{at}attn_{n}"].T).reshape(count, -1, size) for n in "qkv")
        q, k = rotate(q), rotate(k)
        k, v = (np.repeat(a, heads // kv_heads, axis=1) for a in (k, v))
        scores = np.einsum("ihd,jhd->hij", q, k) / np.sqrt(size)
        scores = np.where(np.tri(count, dtype=bool), scores, -np.inf)
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        y = np.einsum("hij,jhd->ihd", scores / scores.sum(-1, keepdims=True), v).reshape(count, -1)
        x = x + y @ w[at + "attn_output"].T
        y = norm(x, at + "ffn_norm")
        gate = y @ w[at + "ffn_gate"].T
        x = x + (gate / (1 + np.exp(-gate)) * (y @ w[at + "ffn_up"].T)) @ w[at + "ffn_down"].T
        layer += 1
    return norm(x, "output_norm") @ w.get("output", w["token_embd"]).T


# ---- transformers ------------------------------------------------------------------------

def make_random(kind, settings, head):
    """A model of transformers with random weights."""
    import torch
    import transformers
    config = transformers.AutoConfig.for_model(kind, **settings)
    model = getattr(transformers, head).from_config(config, attn_implementation="eager").float().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            spread = torch.randn_like(parameter) * 0.3
            # Weights of norms, whose zeros and ones would hide mistakes.
            parameter.copy_(spread + parameter if parameter.ndim == 1 else spread)
    return model


def run_torch(model, tokens):
    import torch
    with torch.no_grad():
        return model(torch.tensor([tokens])).logits[0].float().numpy()
