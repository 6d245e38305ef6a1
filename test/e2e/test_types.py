"""Every element type: as initializers in each way that files store them, as inputs and as outputs."""
import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from element_types import pack
from halftone import HALFTONE, USAGE, run, run_reference

# Type, how many bits an element takes in a file, the field that may hold it beside raw_data.
TYPES = {
    "FLOAT": (32, "float_data"), "DOUBLE": (64, "double_data"), "FLOAT16": (16, "int32_data"),
    "BFLOAT16": (16, "int32_data"), "BOOL": (8, "int32_data"),
    "INT8": (8, "int32_data"), "INT16": (16, "int32_data"), "INT32": (32, "int32_data"), "INT64": (64, "int64_data"),
    "UINT8": (8, "int32_data"), "UINT16": (16, "int32_data"), "UINT32": (32, "uint64_data"),
    "UINT64": (64, "uint64_data"), "INT2": (2, "int32_data"), "UINT2": (2, "int32_data"),
    "INT4": (4, "int32_data"), "UINT4": (4, "int32_data"), "FLOAT4E2M1": (4, "int32_data"),
    "FLOAT8E4M3FN": (8, "int32_data"), "FLOAT8E4M3FNUZ": (8, "int32_data"), "FLOAT8E5M2": (8, "int32_data"),
    "FLOAT8E5M2FNUZ": (8, "int32_data"), "FLOAT8E8M0": (8, "int32_data"),
}
OPSET = 26


def sample(name, count, random):
    """An array of random bits, where those of a float are one of its numbers."""
    dtype = helper.tensor_dtype_to_np_dtype(getattr(TensorProto, name))
    bits = TYPES[name][0]
    if name == "BOOL":
        return random.random(count) < 0.5
    if bits < 8:
        return random.integers(0, 1 << bits, count).astype(np.uint8).view(dtype)
    array = random.integers(0, 256, count * bits // 8, np.uint8).view(dtype)
    with np.errstate(invalid="ignore"):
        wide = array.astype(np.float64)
    return np.where(np.isfinite(wide), array, np.ones(count, dtype)).astype(dtype)


def store(tensor, array, name, how, folder):
    bits, field = TYPES[name]
    raw = pack(array, bits)
    if how == "raw":
        tensor.raw_data = raw
    elif how == "external":
        (folder / "data.bin").write_bytes(b"0123456" + raw)
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in ("location", "data.bin"), ("offset", 7), ("length", len(raw)):
            tensor.external_data.add(key=key, value=str(value))
    elif field in ("float_data", "double_data"):
        getattr(tensor, field).extend(array.tolist())
    elif name.startswith("INT") and bits >= 8:
        getattr(tensor, field).extend(int(x) for x in array)
    else:
        getattr(tensor, field).extend(int(x) for x in np.frombuffer(raw, f"u{max(1, bits // 8)}"))


def model_of(name, array, how, folder):
    """x and an initializer w of one type: both and w as the type that every number fits, and as it is."""
    kind, wide = getattr(TensorProto, name), TensorProto.INT64 if "INT" in name else TensorProto.DOUBLE
    wide = kind if name == "UINT64" else wide
    tensor = TensorProto(name="w", data_type=kind, dims=array.shape)
    store(tensor, array, name, how, folder)
    nodes = [helper.make_node("Identity", ["x"], ["same"]),
             helper.make_node("Cast", ["x"], ["x_wide"], to=wide),
             helper.make_node("Cast", ["w"], ["w_wide"], to=wide),
             helper.make_node("Concat", ["x", "w"], ["both"], axis=0)]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "types", [value("x", kind, ["n"])],
                              [value("same", kind, ["n"]), value("x_wide", wide, ["n"]),
                               value("w_wide", wide, array.shape), value("both", kind, None)], [tensor])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=13)
    onnx.save(model, folder / "model.onnx")
    return folder / "model.onnx", helper.tensor_dtype_to_np_dtype(wide)


@pytest.mark.parametrize("how", ["raw", "field", "external"])
@pytest.mark.parametrize("name", TYPES)
def test_stored_and_exchanged(name, how, tmp_path):
    random = np.random.default_rng(sum(map(ord, name + how)))
    # Odd counts; few enough for a literal, and so many that it is a weight.
    for count in (7, 2 * 1024 + 3):
        w, x = sample(name, count, random), sample(name, 5, random)
        path, wide = model_of(name, w, how, tmp_path)
        got = run_reference(path, {"x": x}, tmp_path)
        bits = {key: got[key].view(x.dtype) if got[key].dtype != x.dtype else got[key] for key in ("same", "both")}
        for key, want in (("same", x), ("both", np.concatenate([x, w]))):
            np.testing.assert_array_equal(bits[key].astype(np.float64), want.astype(np.float64))
        np.testing.assert_array_equal(got["x_wide"], x.astype(wide))
        np.testing.assert_array_equal(got["w_wide"], w.astype(wide))


def test_json(tmp_path):
    """Numbers in, numbers out; what a type does not have is refused."""
    for name, text in (("UINT64", "[18446744073709551615, 0]"), ("INT4", "[-8, 7]"), ("UINT2", "[3, 0]"),
                       ("FLOAT8E4M3FN", "[448, -0.5]"), ("FLOAT4E2M1", "[6, -1.5]"), ("BFLOAT16", "[1.5, -2]")):
        path, _ = model_of(name, np.zeros(2, helper.tensor_dtype_to_np_dtype(getattr(TensorProto, name))), "raw",
                           tmp_path)
        (tmp_path / "in.json").write_text('{"x": %s}' % text)
        run([HALFTONE, "run", "--reference", path, "--inputs", tmp_path / "in.json", "--outputs", tmp_path / "out.json"])
        assert '"same": ' + text in (tmp_path / "out.json").read_text()
    path, _ = model_of("FLOAT8E4M3FN", np.zeros(2, ml_dtypes.float8_e4m3fn), "raw", tmp_path)
    (tmp_path / "in.json").write_text('{"x": [1, 1000]}')
    done = run([HALFTONE, "run", "--reference", path, "--inputs", tmp_path / "in.json", "--outputs",
                tmp_path / "out.json"], check=False)
    assert done.returncode == USAGE and "column 11: 1000 is no value of f8e4m3fn" in done.stderr
