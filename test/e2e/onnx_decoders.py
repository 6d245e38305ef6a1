"""ONNX decoders with keys and values of earlier tokens: graphs as onnxruntime-genai's builder writes them, and what
ONNX Runtime makes of a decoder step by step."""
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import models

VOCABULARY, BLOCK = 97, 32


@dataclass(frozen=True)
class Shape:
    """Of a Llama."""
    vocabulary: int = VOCABULARY
    hidden: int = 64
    heads: int = 4
    groups: int = 2
    size: int = 16
    inner: int = 96
    layers: int = 2
    rows: int = 64  # of the tables of rotations
    theta: float = 100.0


class Writer:
    """The nodes of a graph, with the given tensors of a Hugging Face model or random ones."""

    def __init__(self, tensors, seed):
        self.random, self.nodes, self.weights, self.tensors = np.random.default_rng(seed), [], [], tensors

    def weight(self, name, array):
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(self, op, inputs, name, outputs=None, domain="com.microsoft", **attributes):
        outputs = [name + "/output"] if outputs is None else outputs
        self.nodes.append(helper.make_node(op, inputs, outputs, name=name, domain=domain, **attributes))
        return outputs[0]

    def plain(self, op, inputs, name, **attributes):
        return self.node(op, inputs, name, domain="", **attributes)

    def matrix(self, name, rows, columns):
        if self.tensors:
            return self.tensors[name]
        return (self.random.standard_normal((rows, columns)) / columns**0.5).astype(np.float32)

    def gamma(self, name, size):
        name += ".weight"
        random = 1 + 0.2 * self.random.standard_normal(size)
        return self.weight(name, (self.tensors[name] if self.tensors else random).astype(np.float32))

    def linear(self, x, name, rows, columns, quantized):
        if not quantized:
            weight = self.matrix(name + ".weight", rows, columns)
            return self.plain("MatMul", [x, self.weight(name + ".weight", weight.T)], name)
        codes = self.random.integers(0, 256, (rows, columns // BLOCK, BLOCK // 2), dtype=np.uint8)
        scales = (self.random.random(rows * columns // BLOCK) * 0.1 + 0.1).astype(np.float32) / columns**0.5
        return self.node("MatMulNBits", [x, self.weight(name + ".weight", codes), self.weight(name + ".scales", scales)],
                         name, K=columns, N=rows, bits=4, block_size=BLOCK)


def write_genai(path, shape=Shape(), tensors=None, quantized=False, packed=False, rotary="attention", window=-1,
                softcap=0.0, seed=0):
    """A Llama as onnxruntime-genai's builder writes it; `rotary`: where rotations are, in "attention" or in "nodes",
    which may count positions themselves ("counted")."""
    w, hidden, size = Writer(tensors, seed), shape.hidden, shape.size
    angles = np.arange(shape.rows)[:, None] * shape.theta ** (-np.arange(0, size, 2) / size)
    tables = [w.weight("cos_cache", np.cos(angles).astype(np.float32)),
              w.weight("sin_cache", np.sin(angles).astype(np.float32))]
    one = w.weight("one", np.array([1], np.int64))
    sums = w.plain("ReduceSum", ["attention_mask", one], "/mask/ReduceSum", keepdims=1)
    lengths = w.plain("Cast", [w.plain("Sub", [sums, one], "/mask/Sub")], "/mask/Cast", to=TensorProto.INT32)
    sizes = w.plain("Shape", ["attention_mask"], "/mask/Shape")
    total = w.plain("Gather", [sizes, w.weight("axis", np.array(1, np.int64))], "/mask/Gather", axis=0)
    total = w.plain("Cast", [total], "/mask/total", to=TensorProto.INT32)

    table = w.matrix("model.embed_tokens.weight", shape.vocabulary, hidden)
    table = w.weight("model.embed_tokens.weight", table)
    residual = w.plain("Gather", [table, "input_ids"], "/model/embed_tokens/Gather")
    gamma = w.gamma("model.layers.0.input_layernorm", hidden)
    x = w.plain("SimplifiedLayerNormalization", [residual, gamma], "/model/layers.0/input_layernorm", axis=-1,
                epsilon=1e-5, stash_type=1)
    past, present, positions = [], [], "position_ids"
    if rotary == "counted":
        seen = w.plain("Gather", [w.plain("Shape", ["past_key_values.0.key"], "/past/Shape"),
                                  w.weight("two", np.array(2, np.int64))], "/past/Gather", axis=0)
        fresh = w.plain("Gather", [w.plain("Shape", ["input_ids"], "/new/Shape"), "axis"], "/new/Gather", axis=0)
        end, step = w.plain("Add", [seen, fresh], "/end"), w.weight("step", np.array(1, np.int64))
        positions = w.plain("Range", [seen, end, step], "/positions/Range")
        positions = w.plain("Unsqueeze", [positions, w.weight("front", np.array([0], np.int64))], "/positions")
    for layer in range(shape.layers):
        at, name = f"/model/layers.{layer}", f"model.layers.{layer}."
        if packed:
            rows = (shape.heads + 2 * shape.groups) * size
            heads = [w.linear(x, name + "self_attn.qkv_proj", rows, hidden, quantized), "", ""]
        else:
            heads = [w.linear(x, f"{name}self_attn.{what}_proj", count * size, hidden, quantized)
                     for what, count in (("q", shape.heads), ("k", shape.groups), ("v", shape.groups))]
        if rotary != "attention":
            for i, count in (0, shape.heads), (1, shape.groups):
                heads[i] = w.node("RotaryEmbedding", [heads[i], positions, *tables], f"{at}/rotary{i}", num_heads=count)
        caches = [f"past_key_values.{layer}.{what}" for what in ("key", "value")]
        outputs = [f"present.{layer}.{what}" for what in ("key", "value")]
        inside = tables if rotary == "attention" else []
        x = w.node("GroupQueryAttention", [*heads, *caches, lengths, total, *inside], at + "/attn/GroupQueryAttention",
                   [at + "/attn/output", *outputs], num_heads=shape.heads, kv_num_heads=shape.groups, do_rotary=int(bool(inside)),
                   local_window_size=window, softcap=softcap, scale=size**-0.5)
        past, present = past + caches, present + outputs
        x = w.linear(x, name + "self_attn.o_proj", hidden, shape.heads * size, quantized)
        gamma = w.gamma(name + "post_attention_layernorm", hidden)
        norm = [at + "/post_attention_layernorm/output", "", "", at + "/post_attention_layernorm/sum"]
        x = w.node("SkipSimplifiedLayerNormalization", [residual, x, gamma], at + "/post_attention_layernorm", norm,
                   epsilon=1e-5)
        residual = norm[3]
        gate, up = (w.linear(x, f"{name}mlp.{what}_proj", shape.inner, hidden, quantized) for what in ("gate", "up"))
        gate = w.plain("Mul", [gate, w.plain("Sigmoid", [gate], at + "/mlp/act")], at + "/mlp/silu")
        x = w.linear(w.plain("Mul", [gate, up], at + "/mlp/Mul"), name + "mlp.down_proj", hidden, shape.inner, quantized)
        last = layer == shape.layers - 1
        gamma = w.gamma("model.norm" if last else f"model.layers.{layer + 1}.input_layernorm", hidden)
        norm = [at + "/norm/output"] + ([] if last else ["", "", at + "/norm/sum"])
        x = w.node("SkipSimplifiedLayerNormalization", [residual, x, gamma], at + "/norm", norm, epsilon=1e-5)
        residual = norm[-1]
    head = w.linear(x, "lm_head", shape.vocabulary, hidden, quantized)
    w.plain("Identity", [head], "/lm_head/Identity")
    w.nodes[-1].output[0] = "logits"

    def info(name, kind, *dims):
        return helper.make_tensor_value_info(name, kind, dims)
    integers, floats = TensorProto.INT64, TensorProto.FLOAT
    inputs = [info("input_ids", integers, "batch_size", "sequence_length"),
              info("attention_mask", integers, "batch_size", "total_sequence_length")]
    if rotary == "nodes":
        inputs.append(info("position_ids", integers, "batch_size", "sequence_length"))
    inputs += [info(name, floats, "batch_size", shape.groups, "past_sequence_length", size) for name in past]
    outputs = [info("logits", floats, "batch_size", "sequence_length", shape.vocabulary)]
    outputs += [info(name, floats, "batch_size", shape.groups, "total_sequence_length", size) for name in present]
    model = helper.make_model(helper.make_graph(w.nodes, "genai", inputs, outputs, w.weights),
                              opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)])
    model.ir_version = 10
    onnx.save(model, str(path))
    return path


class Stepwise:
    """ONNX Runtime with one sequence, whose keys and values go out and in."""

    def __init__(self, path):
        self.session = models.onnxruntime_session(path)
        self.outputs = [output.name for output in self.session.get_outputs()]
        self.inputs = {i.name: i.shape for i in self.session.get_inputs()}
        self.names = [name for name in self.inputs if "past" in name]
        self.past = [np.zeros([1, self.inputs[name][1], 0, self.inputs[name][3]], np.float32) for name in self.names]

    def feed(self, tokens):
        """Logits of each of the next tokens."""
        seen, count = self.past[0].shape[2], len(tokens)
        given = {"input_ids": np.array([tokens], np.int64), "attention_mask": np.ones((1, seen + count), np.int64),
                 "position_ids": np.arange(seen, seen + count)[None], **dict(zip(self.names, self.past))}
        results = dict(zip(self.outputs, self.session.run(None, {k: v for k, v in given.items() if k in self.inputs})))
        self.past = [results[name] for name in self.outputs if name != "logits"]
        return results["logits"][0]

    def write(self, tokens, count):
        """The likeliest tokens that follow."""
        logits, written = self.feed(tokens)[-1], []
        for _ in range(count):
            written.append(int(logits.argmax()))
            logits = self.feed(written[-1:])[-1]
        return written


def run_stepwise(path, tokens):
    """Logits of all tokens, one after the other."""
    steps = Stepwise(path)
    return np.concatenate([steps.feed([token]) for token in tokens])
