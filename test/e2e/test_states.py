"""States of sessions: a cache of keys and values, written by hand as IR, token by token."""
import json

import numpy as np
import pytest

from halftone import FAILED, HALFTONE, Error, Library, compile_model, run

SEQUENCES, CONTEXT, HEADS, KV_HEADS, D, WINDOW = 3, 21, 4, 2, 24, 6

IR = f"""
!x = tensor<?x?x{HEADS}x{D}xf32, #ht.dims<s0, s1>>
!kv = tensor<?x?x{KV_HEADS}x{D}xf32, #ht.dims<s0, s1>>
!rows = tensor<?xi64, #ht.dims<s0>>
!cache = tensor<{SEQUENCES}x{CONTEXT}x{KV_HEADS}x{D}xf32>
func.func @main(%q: !x {{ht.name = "q"}}, %k: !kv {{ht.name = "k"}}, %v: !kv {{ht.name = "v"}},
                %n: !rows {{ht.name = "sequences"}}, %p: !rows {{ht.name = "start"}},
                %keys: !cache {{ht.name = "keys", ht.state}}, %values: !cache {{ht.name = "values", ht.state}})
    -> (!x {{ht.name = "y"}}, !x {{ht.name = "windowed"}},
        !cache {{ht.name = "keys", ht.state}}, !cache {{ht.name = "values", ht.state}})
    attributes {{ht.symbols = [#ht.symbol<"batch", 1, {SEQUENCES}>, #ht.symbol<"sequence", 1, {CONTEXT}>]}} {{
  %k1 = ht.update %keys, %k sequences %n start %p : !cache, !kv, !rows, !rows
  %v1 = ht.update %values, %v sequences %n start %p : !cache, !kv, !rows, !rows
  %y = ht.attention %q, %k1, %v1 sequences %n : !rows start %p : !rows scale 0.25 causal : !x, !cache, !cache -> !x
  %z = ht.attention %q, %k1, %v1 sequences %n : !rows start %p : !rows scale 0.25 causal window {WINDOW}
      : !x, !cache, !cache -> !x
  return %y, %z, %k1, %v1 : !x, !x, !cache, !cache
}}
"""


def attention(q, k, v, window):
    """One sequence from its first token on: [tokens, heads, d]."""
    k, v = (np.repeat(a, HEADS // KV_HEADS, axis=1) for a in (k, v))
    scores = 0.25 * np.einsum("ihd,jhd->hij", q, k)
    i, j = np.ogrid[:len(q), :len(q)]
    scores = np.where((j <= i) & (i - j < window), scores, -np.inf)
    scores = np.exp(scores - scores.max(-1, keepdims=True))
    return np.einsum("hij,jhd->ihd", scores / scores.sum(-1, keepdims=True), v)


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("states")
    (folder / "cache.mlir").write_text(IR)
    compile_model(folder / "cache.mlir", folder / "cache.so")
    return Library(folder / "cache.so")


@pytest.fixture
def tokens():
    """q, k, v of all tokens of each sequence, and what attention makes of them."""
    random = np.random.default_rng()
    q, k, v = (random.standard_normal((SEQUENCES, CONTEXT, heads, D), np.float32)
               for heads in (HEADS, KV_HEADS, KV_HEADS))
    want = [np.stack([attention(*(a[s].astype(np.float64) for a in (q, k, v)), window) for s in range(SEQUENCES)])
            for window in (CONTEXT, WINDOW)]
    return q, k, v, want


def step(session, tokens, sequences, start, count):
    """The next `count` tokens of these sequences, which have `start` tokens each; checks the result."""
    q, k, v, want = tokens
    pick = [np.stack([a[s, p:p + count] for s, p in zip(sequences, start)]) for a in (q, k, v, *want)]
    got = session.run({"q": pick[0], "k": pick[1], "v": pick[2], "sequences": np.array(sequences, np.int64),
                       "start": np.array(start, np.int64)})
    for name, expected in zip(("y", "windowed"), pick[3:]):
        assert np.abs(got[name] - expected).max() < 1e-5, (name, sequences, start, count)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_cache_in_any_steps(library, tokens, threads):
    """Whole, in chunks of any length, token by token, and sequences at different lengths in one step."""
    with library.session(threads) as session:
        step(session, tokens, [0], [0], CONTEXT)
        for first, count in (0, 7), (7, 1), (8, 5), (13, 8):
            step(session, tokens, [1], [first], count)
        for position in range(CONTEXT):
            step(session, tokens, [2], [position], 1)
    with library.session(threads) as session:
        step(session, tokens, [0], [0], 9)
        step(session, tokens, [2], [0], 4)
        step(session, tokens, [2, 0], [4, 9], 3)
        step(session, tokens, [1, 2, 0], [0, 7, 12], 6)


def test_reset_and_described(library, tokens):
    with library.session() as session:
        step(session, tokens, [1], [0], CONTEXT)
        keys = session.states()["keys"]
        assert np.array_equal(keys[1], tokens[1][1]) and not keys[0].any()
        session.reset()
        assert not session.states()["keys"].any()
        step(session, tokens, [1], [0], 3)
    assert [info.name for info in library.infos("state")] == [b"keys", b"values"]


def test_beyond_the_cache(library, tokens):
    with library.session() as session:
        for sequences, start, index in (SEQUENCES, 0, SEQUENCES), (0, CONTEXT, CONTEXT):
            q, k, v = (a[:1, :1] for a in tokens[:3])
            with pytest.raises(Error, match="FAULT"):
                session.run({"q": q, "k": k, "v": v, "sequences": np.array([sequences]), "start": np.array([start])})
        step(session, tokens, [0], [0], 5)


def test_reference(tokens, tmp_path):
    """The interpreter keeps states as well, and gives the same."""
    q, k, v, want = tokens
    (tmp_path / "cache.mlir").write_text(IR)
    np.savez(tmp_path / "in.npz", q=q, k=k, v=v, sequences=np.arange(SEQUENCES), start=np.zeros(SEQUENCES, np.int64))
    run([HALFTONE, "run", "--reference", tmp_path / "cache.mlir", "--inputs", tmp_path / "in.npz", "--outputs",
         tmp_path / "out.npz"])
    with np.load(tmp_path / "out.npz") as got:
        assert sorted(got) == ["windowed", "y"]
        for name, expected in zip(("y", "windowed"), want):
            assert np.abs(got[name] - expected).max() < 1e-5


def test_states_that_trade_places(tmp_path):
    (tmp_path / "swap.mlir").write_text("""
    func.func @main(%a: tensor<4xf32> {ht.name = "a", ht.state}, %b: tensor<4xf32> {ht.name = "b", ht.state})
        -> (tensor<4xf32> {ht.name = "a", ht.state}, tensor<4xf32> {ht.name = "b", ht.state}) {
      return %b, %a : tensor<4xf32>, tensor<4xf32>
    }""")
    done = compile_model(tmp_path / "swap.mlir", tmp_path / "swap.so", check=False)
    assert done.returncode == FAILED and "reads a state that has been, or is being, overwritten" in done.stderr


def test_the_program_describes_its_states(tmp_path):
    (tmp_path / "cache.mlir").write_text(IR)
    compile_model(tmp_path / "cache.mlir", tmp_path / "cache")
    described = json.loads(run([tmp_path / "cache", "--describe", "--json"]).stdout)
    shape = [SEQUENCES, CONTEXT, KV_HEADS, D]
    assert described["states"] == [{"name": name, "dtype": "f32", "shape": shape} for name in ("keys", "values")]
    assert [info["name"] for info in described["inputs"]] == ["q", "k", "v", "sequences", "start"]
    # One behind the other, each at a cache line.
    size = int(np.prod(shape)) * 4
    assert described["memory"]["state_bytes"] == -(-size // 64) * 64 + size
