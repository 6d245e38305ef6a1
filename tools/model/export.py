#!/usr/bin/env python3
"""Export a Hugging Face model folder to ONNX, with dynamic batch and sequence.

    export.py tools/model/stories-3M                      # -> model.onnx, as checked in
    export.py FOLDER -o out.onnx --exporter torchscript --embed-weights

Causal language models (LlamaForCausalLM, ...) get the inputs input_ids and
attention_mask (int64, [batch, sequence]) and the output logits (f32); encoders
(BertModel, ...) get input_ids, attention_mask and token_type_ids and the output
last_hidden_state.  No key-value cache is exported.  The attention
implementation is the one that transformers picks by default unless --attn says
otherwise.

Weights:
  --embed-weights     f32 initializers inside the .onnx file (plain export);
  --external-weights  every initializer that is a tensor of the folder's
                      model.safetensors becomes external data *in that file*
                      (location "model.safetensors", the tensor's offset and
                      length, its stored type) followed by a Cast to f32, so no
                      weight is stored twice.  The .onnx file must then lie
                      beside model.safetensors.  Default for causal models.

The result is run in ONNX Runtime on shapes unlike the export's own and compared
with torch in f32; the largest error relative to the largest |output| is printed
and must be below --tolerance.  --list FILE writes the graph as text.

Needs torch, transformers, safetensors, onnx, onnxscript, onnxruntime.
"""
import argparse
import json
import struct
import sys
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM

DIMS = {0: "batch", 1: "sequence"}


class Decoder(torch.nn.Module):
    """ids, mask -> logits, without a cache."""

    inputs = ["input_ids", "attention_mask"]
    outputs = ["logits"]

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask):
        return self.model(input_ids=input_ids, attention_mask=attention_mask,
                          use_cache=False).logits


class Encoder(torch.nn.Module):
    """ids, mask, types -> last hidden state."""

    inputs = ["input_ids", "attention_mask", "token_type_ids"]
    outputs = ["last_hidden_state"]

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask, token_type_ids):
        return self.model(input_ids=input_ids, attention_mask=attention_mask,
                          token_type_ids=token_type_ids).last_hidden_state


def load(folder, attn=None):
    """The folder's model in f32, wrapped for export."""
    config = AutoConfig.from_pretrained(folder)
    causal = any(a.endswith("ForCausalLM") for a in config.architectures or [])
    extra = {"attn_implementation": attn} if attn else {}
    auto = AutoModelForCausalLM if causal else AutoModel
    # A pooler is not part of last_hidden_state; leaving it out keeps the graph clean.
    if not causal and config.model_type == "bert":
        extra["add_pooling_layer"] = False
    model = auto.from_pretrained(folder, dtype=torch.float32, **extra).eval()
    return (Decoder if causal else Encoder)(model).eval(), config


def sample_inputs(wrapper, config, batch, sequence, seed=0, pad="right"):
    """Random ids with a padding mask (the first row is never padded)."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, config.vocab_size, (batch, sequence))
    mask = np.ones((batch, sequence), np.int64)
    for row in range(1, batch):
        cut = int(rng.integers(1, sequence)) if sequence > 1 else 1
        if pad == "right":
            mask[row, cut:] = 0
        else:
            mask[row, : sequence - cut] = 0
    arrays = [ids.astype(np.int64), mask]
    if "token_type_ids" in wrapper.inputs:
        arrays.append(rng.integers(0, 2, (batch, sequence)).astype(np.int64))
    return arrays


def export(wrapper, config, path, exporter, opset):
    args = tuple(torch.from_numpy(a) for a in sample_inputs(wrapper, config, 2, 16))
    common = dict(input_names=wrapper.inputs, output_names=wrapper.outputs)
    if opset:
        common["opset_version"] = opset
    with torch.no_grad():
        if exporter == "dynamo":
            dims = {i: torch.export.Dim(n, max=config.max_position_embeddings if n == "sequence" else None)
                    for i, n in DIMS.items()}
            torch.onnx.export(wrapper, args, str(path), dynamo=True, external_data=False,
                              dynamic_shapes={n: dims for n in wrapper.inputs}, **common)
        else:
            torch.onnx.export(wrapper, args, str(path), dynamo=False,
                              dynamic_axes={n: DIMS for n in wrapper.inputs + wrapper.outputs},
                              **common)


# --- weights as external data in model.safetensors ---------------------------

SAFETENSORS_TYPES = {"BF16": TensorProto.BFLOAT16, "F16": TensorProto.FLOAT16,
                     "F32": TensorProto.FLOAT}


def safetensors_index(path):
    """name -> (type, shape, file offset, byte length)."""
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(size))
    return {name: (t["dtype"], t["shape"], 8 + size + t["data_offsets"][0],
                   t["data_offsets"][1] - t["data_offsets"][0])
            for name, t in header.items() if name != "__metadata__"}


def read_f32(path, entry):
    kind, shape, offset, length = entry
    raw = np.fromfile(path, np.uint8, length, offset=offset)
    if kind == "BF16":
        values = (raw.view("<u2").astype(np.uint32) << 16).view(np.float32)
    else:
        values = raw.view({"F16": "<f2", "F32": "<f4"}[kind]).astype(np.float32)
    return values.reshape(shape)


def externalize(model, safetensors_path):
    """Replace each f32 initializer that equals a stored tensor (or its transpose)
    by external data in the safetensors file, a Cast and, where the exporter had
    folded one, a Transpose.  Returns how many initializers were replaced."""
    index = {name: entry for name, entry in safetensors_index(safetensors_path).items()
             if entry[0] in SAFETENSORS_TYPES}
    values = {name: read_f32(safetensors_path, entry) for name, entry in index.items()}
    graph, nodes, stored, kept = model.graph, [], {}, []

    def find(name, array):
        # Prefer the tensor of the same name: norm weights may all be equal.
        order = sorted(values, key=lambda n: not (name == n or name.endswith("." + n)))
        for candidate in order:
            if np.array_equal(values[candidate], array):
                return candidate, False
        for candidate in order:
            if values[candidate].ndim == 2 and np.array_equal(values[candidate].T, array):
                return candidate, True
        return None, False

    def cast_of(tensor_name):
        """The f32 value of a stored tensor, created once."""
        if tensor_name not in stored:
            kind, shape, offset, length = index[tensor_name]
            proto = TensorProto(name=tensor_name, dims=shape,
                                data_type=SAFETENSORS_TYPES[kind],
                                data_location=TensorProto.EXTERNAL)
            for key, value in (("location", Path(safetensors_path).name),
                               ("offset", offset), ("length", length)):
                proto.external_data.add(key=key, value=str(value))
            kept.append(proto)
            stored[tensor_name] = tensor_name
            if kind != "F32":
                stored[tensor_name] = tensor_name + ".f32"
                nodes.append(helper.make_node("Cast", [tensor_name], [stored[tensor_name]],
                                              name="cast." + tensor_name, to=TensorProto.FLOAT))
        return stored[tensor_name]

    count, rename = 0, {}
    for init in graph.initializer:
        match, transposed = None, False
        if init.data_type == TensorProto.FLOAT and len(init.dims) > 0:
            match, transposed = find(init.name, numpy_helper.to_array(init))
        if match is None:
            kept.append(init)
            continue
        count += 1
        value = cast_of(match)
        if transposed:
            nodes.append(helper.make_node("Transpose", [value], [value + ".T"],
                                          name="transpose." + match, perm=[1, 0]))
            value += ".T"
        rename[init.name] = value
    body = list(graph.node)
    for node in body:
        for i, name in enumerate(node.input):
            node.input[i] = rename.get(name, name)
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend(nodes + body)
    known = [v for v in graph.value_info if v.name not in rename]
    del graph.value_info[:]
    graph.value_info.extend(known)
    return count


# --- cleaning, checking, listing ---------------------------------------------

def clean(model, name):
    """Drop what only describes the exporting machine (stack traces, paths)."""
    graph = model.graph
    graph.name = name
    model.doc_string = graph.doc_string = ""
    for part in [model, graph, *graph.node, *graph.value_info, *graph.input, *graph.output,
                 *graph.initializer, *model.functions]:
        if hasattr(part, "metadata_props"):
            del part.metadata_props[:]
        if hasattr(part, "doc_string"):
            part.doc_string = ""
    used = {node.domain for node in graph.node} | {f.domain for f in model.functions}
    wanted = [o for o in model.opset_import if o.domain in used | {"", "ai.onnx"}]
    del model.opset_import[:]
    model.opset_import.extend(wanted)


def check(path, wrapper, config, tolerance):
    """Largest error of ONNX Runtime against torch, relative to the largest |output|."""
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options,
                                           providers=["CPUExecutionProvider"])
    longest = min(512, config.max_position_embeddings)
    shapes = [(1, 1, "right"), (2, 17, "right"), (3, 41, "left"), (1, longest, "right")]
    for seed, (batch, sequence, pad) in enumerate(shapes):
        arrays = sample_inputs(wrapper, config, batch, sequence, seed, pad)
        with torch.no_grad():
            want = wrapper(*map(torch.from_numpy, arrays)).numpy()
        got = session.run(None, dict(zip(wrapper.inputs, arrays)))[0]
        real = arrays[1].astype(bool)          # positions that are not padding
        error = np.abs(got - want)[real].max() / np.abs(want[real]).max()
        print(f"  {batch} x {sequence:<4} ({pad}): relative error {error:.2e}")
        if not error < tolerance:
            sys.exit(f"error: {path}: shape {batch} x {sequence} differs by {error:.2e}")


def listing(model):
    """The graph as text: inputs, initializers, nodes with attributes and shapes."""
    try:
        inferred = onnx.shape_inference.infer_shapes(model)
    except Exception as error:                  # listing still useful without shapes
        print("shape inference:", error)
        inferred = model
    kinds = {}

    def describe(value):
        t = value.type.tensor_type
        dims = ",".join(d.dim_param or str(d.dim_value) for d in t.shape.dim)
        return f"{TensorProto.DataType.Name(t.elem_type).lower()}[{dims}]"

    for value in [*inferred.graph.input, *inferred.graph.output, *inferred.graph.value_info]:
        kinds[value.name] = describe(value)
    lines = [f"ir {model.ir_version}, producer {model.producer_name} {model.producer_version}, "
             + ", ".join(f"{o.domain or 'ai.onnx'} {o.version}" for o in model.opset_import)]
    for title, values in (("input", inferred.graph.input), ("output", inferred.graph.output)):
        lines += [f"{title} {v.name}: {describe(v)}" for v in values]
    for t in model.graph.initializer:
        line = f"init {t.name}: {TensorProto.DataType.Name(t.data_type).lower()}{list(t.dims)}"
        if t.data_location == TensorProto.EXTERNAL:
            line += " external " + " ".join(f"{e.key}={e.value}" for e in t.external_data)
        elif np.prod(t.dims) <= 8:
            line += f" = {numpy_helper.to_array(t).tolist()}"
        kinds.setdefault(t.name, "init")
        lines.append(line)
    for node in model.graph.node:
        outs = ", ".join(f"{o}:{kinds.get(o, '?')}" for o in node.output)
        attributes = {}
        for a in node.attribute:
            v = helper.get_attribute_value(a)
            if isinstance(v, TensorProto):
                array = numpy_helper.to_array(v)
                v = array.tolist() if array.size <= 8 else f"{array.dtype}{array.shape}"
            attributes[a.name] = v
        op = f"{node.domain}::{node.op_type}" if node.domain else node.op_type
        lines.append(f"{outs} = {op}({', '.join(i or '-' for i in node.input)})"
                     + (f" {attributes}" if attributes else ""))
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("-o", "--output", type=Path, help="default: FOLDER/model.onnx")
    parser.add_argument("--exporter", choices=("dynamo", "torchscript"), default="dynamo")
    parser.add_argument("--opset", type=int, help="default: the exporter's own")
    parser.add_argument("--attn", help="attn_implementation: sdpa, eager; default: transformers' own")
    weights = parser.add_mutually_exclusive_group()
    weights.add_argument("--external-weights", dest="external", action="store_true", default=None)
    weights.add_argument("--embed-weights", dest="external", action="store_false")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    parser.add_argument("--list", type=Path, metavar="FILE", help="write the graph as text")
    args = parser.parse_args()

    output = args.output or args.folder / "model.onnx"
    weights_file = args.folder / "model.safetensors"
    wrapper, config = load(args.folder, args.attn)
    external = isinstance(wrapper, Decoder) if args.external is None else args.external
    export(wrapper, config, output, args.exporter, args.opset)
    model = onnx.load(str(output), load_external_data=False)
    clean(model, args.folder.resolve().name)
    if external:
        if output.resolve().parent != weights_file.resolve().parent:
            sys.exit("error: --external-weights needs the output beside model.safetensors")
        replaced = externalize(model, weights_file)
        left = sum(len(t.raw_data) for t in model.graph.initializer)
        print(f"{replaced} initializers are external data in {weights_file.name}; "
              f"{left} bytes of others stay inside")
    onnx.save(model, str(output))
    onnx.checker.check_model(str(output))
    if args.list:
        args.list.write_text(listing(model))
    print(f"{output}: {output.stat().st_size} bytes, {len(model.graph.node)} nodes, "
          + ", ".join(f"opset {o.domain or 'ai.onnx'} {o.version}" for o in model.opset_import))
    check(output, wrapper, config, args.tolerance)


if __name__ == "__main__":
    main()
