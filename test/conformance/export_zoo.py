#!/usr/bin/env python3
"""Exports models of the zoo: export_zoo.py FOLDER MODEL/VARIANT…

Many in one process, because importing PyTorch takes seconds. Each becomes
FOLDER/MODEL-VARIANT.onnx, or FOLDER/MODEL-VARIANT.txt with the reason why not."""
import sys
import traceback
import warnings
from pathlib import Path

import torch
import transformers

import zoo


class Wrapped(torch.nn.Module):
    """A model as a function of its inputs in order."""

    def __init__(self, model, inputs, extra):
        super().__init__()
        self.model, self.inputs, self.extra = model, inputs, extra

    def forward(self, *values):
        result = self.model(**dict(zip(self.inputs, values)), **self.extra)
        return result.logits if hasattr(result, "logits") else result.last_hidden_state


class Cached(torch.nn.Module):
    """A decoder as a function of tokens, mask, positions and the past: logits and what is past then."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask, position_ids, *past):
        cache = transformers.DynamicCache()
        for keys, values in zip(past[::2], past[1::2]):
            layer = transformers.cache_utils.DynamicLayer()
            layer.lazy_initialization(keys, values)
            layer.keys, layer.values = keys, values
            cache.layers.append(layer)
        result = self.model(input_ids=input_ids, attention_mask=attention_mask, position_ids=position_ids,
                            past_key_values=cache, use_cache=True)
        present = [x for layer in result.past_key_values.layers for x in (layer.keys, layer.values)]
        return (result.logits, *present)


def export_cached(model, path):
    """As optimum does: by TorchScript, with a past of any length."""
    wrapped = Cached(build(model).model)
    heads = model.config.get("num_key_value_heads", zoo.SMALL["num_attention_heads"])
    batch, past, sequence = 2, 3, 4
    args = [torch.ones(batch, sequence, dtype=torch.int64), torch.ones(batch, past + sequence, dtype=torch.int64),
            torch.arange(past, past + sequence).expand(batch, -1)]
    args += [torch.randn(batch, heads, past, zoo.HEAD_SIZE) for _ in zoo.past_names("past_key_values")]
    tokens, total = {0: "batch", 1: "sequence"}, {0: "batch", 1: "past + sequence"}
    axes = {"input_ids": tokens, "attention_mask": total, "position_ids": tokens, "logits": tokens}
    axes |= {name: {0: "batch", 2: "past"} for name in zoo.past_names("past_key_values")}
    axes |= {name: {0: "batch", 2: "past + sequence"} for name in zoo.past_names("present")}
    with torch.no_grad():
        torch.onnx.export(wrapped, tuple(args), str(path), dynamo=False, opset_version=18, dynamic_axes=axes,
                          input_names=[*model.inputs, *zoo.past_names("past_key_values")],
                          output_names=["logits", *zoo.past_names("present")])


def build(model, seed=0):
    """The model with weights of the scale that training gives them: what is wrong shows."""
    torch.manual_seed(seed)
    config = transformers.AutoConfig.for_model(model.model_type, **(zoo.SMALL | model.config))
    whole = getattr(transformers, model.head).from_config(config).eval()
    with torch.no_grad():
        for name, weight in whole.named_parameters():
            if weight.dim() < 2:
                weight.add_(torch.randn_like(weight) * 0.2)
            else:
                fan_in = 4 if "embed" in name or "shared" in name else weight[0].numel()
                weight.copy_(torch.randn_like(weight) / fan_in**0.5)
    inputs, extra = model.inputs, {}
    if model.part:
        whole = getattr(whole, f"get_{model.part}")()
    if model.part == "decoder":
        inputs = [name.replace("decoder_input_ids", "input_ids") for name in inputs]
    if "input_ids" in inputs and hasattr(config, "use_cache"):
        extra = {"use_cache": False}
    return Wrapped(whole, inputs, extra).eval()


def export(model, variant, path):
    variant = zoo.VARIANTS[variant]
    arrays = zoo.make_inputs(model, zoo.EXPORTED)
    axes = {name: {i: dim for i, dim in enumerate(zoo.INPUTS[name][1]) if isinstance(dim, str)}
            for name in model.inputs}
    common = dict(input_names=list(model.inputs), output_names=["output"], opset_version=variant.opset,
                  dynamo=variant.dynamo)
    args = tuple(torch.from_numpy(array) for array in arrays.values())
    with torch.no_grad():
        wrapped = build(model)
        if variant.dynamo:
            dims = {dim: torch.export.Dim(dim, min=1, max=zoo.LARGEST[dim]) for dim in zoo.EXPORTED}
            shapes = tuple({i: dims[dim] for i, dim in dynamic.items()} for dynamic in axes.values())
            torch.onnx.export(wrapped, args, str(path), dynamic_shapes=(shapes,), external_data=False, verbose=False,
                              **common)
        else:
            torch.onnx.export(wrapped, args, str(path), dynamic_axes=axes | {"output": {0: "batch"}}, **common)


def optimize(model, path):
    from onnxruntime.transformers.optimizer import optimize_model
    optimized = optimize_model(str(path), model_type=model.optimizer, num_heads=zoo.SMALL["num_attention_heads"],
                               hidden_size=zoo.SMALL["hidden_size"])
    optimized.save_model_to_file(str(path))


def main():
    folder = Path(sys.argv[1])
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    for task in sys.argv[2:]:
        name, variant = task.split("/")
        model = zoo.DECODERS[name] if variant == "cached" else zoo.MODELS[name]
        path = folder / f"{name}-{variant}.onnx"
        partial = path.with_suffix(".partial")
        try:
            if variant == "cached":
                export_cached(model, partial)
            else:
                export(model, variant, partial)
                if zoo.VARIANTS[variant].optimized:
                    optimize(model, partial)
            partial.rename(path)
        except Exception:
            path.with_suffix(".txt").write_text(traceback.format_exc())


if __name__ == "__main__":
    main()
