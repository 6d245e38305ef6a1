"""Files of several GB: read where they lie, in little memory. The files are sparse, so
that they take no disk."""
import pytest
import wire
from hostile_files import external, graph, model, node, opset, value
from test_hostile import measure

from halftone import HALFTONE, OK

ROWS = 1024


def write_external(folder, gigabytes):
    """A product with a weight of that size in a file beside the model."""
    columns = gigabytes * (1 << 30) // (4 * ROWS)
    with open(folder / "weights.bin", "wb") as file:
        file.truncate(gigabytes << 30)
    product = node("MatMul", ["x", "w"], ["y"], name="product")
    (folder / "model.onnx").write_bytes(
        model(graph([product], [value("x", ["n", ROWS])], [value("y", ["n", columns])],
                    [external("w", [ROWS, columns], location="weights.bin")])))
    return folder / "model.onnx"


def write_inline(folder, size):
    """The same with the weight's `size` bytes in the file, as the last field of the graph."""
    columns = size // (4 * ROWS)
    header = wire.tensor("w", [ROWS, columns]) + wire.varint(9 << 3 | wire.BYTES) + wire.varint(size)
    inner = graph([node("MatMul", ["x", "w"], ["y"])], [value("x", ["n", ROWS])], [value("y", ["n", columns])])
    inner += wire.varint(5 << 3 | wire.BYTES) + wire.varint(len(header) + size) + header
    start = wire.integer(1, 10) + opset(18) + wire.varint(7 << 3 | wire.BYTES) + wire.varint(len(inner) + size) + inner
    with open(folder / "model.onnx", "wb") as file:
        file.write(start)
        file.truncate(len(start) + size)
    return folder / "model.onnx"


def import_twice(path, folder):
    """The IR, which must be the same both times and take less than 200 MB to make."""
    texts = []
    for i in range(2):
        output = folder / f"{i}.mlir"
        code, out, err, memory = measure([HALFTONE, "compile", path, "--compile-to=layout", "-o", output], folder)
        assert code == OK, err
        assert memory < 200e6
        texts.append(output.read_bytes())
    assert texts[0] == texts[1]
    return texts[0]


def test_external_data_of_3_gb(tmp_path):
    assert b"1024x786432" in import_twice(write_external(tmp_path, 3), tmp_path)


@pytest.mark.parametrize("size", [5 << 29, (1 << 32) - (1 << 14)], ids=["2.5 GB", "just below 4 GiB"])
def test_inline_weights(tmp_path, size):
    import_twice(write_inline(tmp_path, size), tmp_path)
