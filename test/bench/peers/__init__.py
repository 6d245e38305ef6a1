"""Everything that can be benchmarked: each program at each precision, by its name."""
from peers import halftone, iree, llamacpp, onnxruntime, openvino, torch

ALL = {peer.name: peer for module in (onnxruntime, openvino, torch, iree, llamacpp, halftone) for peer in module.PEERS}


def find(name):
    """Variants of Halftone with more flags are known by their names."""
    if name in ALL:
        return ALL[name]
    if name.startswith("halftone ") and "/" in name and name.split("/")[0] in ALL:
        return halftone.Halftone(name)
    raise KeyError(f"no peer is called '{name}'")
