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
