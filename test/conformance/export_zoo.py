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


def main():
    folder = Path(sys.argv[1])
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    for task in sys.argv[2:]:
        name, variant = task.split("/")
        path = folder / f"{name}-{variant}.onnx"
        partial = path.with_suffix(".partial")
        try:
            export(zoo.MODELS[name], variant, partial)
            partial.rename(path)
        except Exception:
            path.with_suffix(".txt").write_text(traceback.format_exc())


if __name__ == "__main__":
    main()
