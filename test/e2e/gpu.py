"""GPU kernels on a CPU: the LLVM IR that PTX is made of, with threads and blocks as loop counters
(gpu_threads.c), on the weights of the program that is compiled for CPUs."""
import ctypes
import re

import ml_dtypes
import numpy as np

from halftone import HALFTONE_OPT, compile_model, run
from places import BIN, LLVM_BIN, ROOT

INTRINSICS = {
    "llvm.nvvm.read.ptx.sreg.tid.x": "gpu_thread_x",
    "llvm.nvvm.read.ptx.sreg.tid.y": "gpu_thread_y",
    "llvm.nvvm.read.ptx.sreg.ctaid.x": "gpu_block",
    "llvm.nvvm.read.ptx.sreg.nctaid.x": "gpu_num_blocks",
    "llvm.nvvm.idp4a.u.s": "gpu_dp4a",
}
#: What elements are in memory; all others are bytes.
STORED = {"f64": np.float64, "f32": np.float32, "f16": np.float16, "bf16": ml_dtypes.bfloat16, "i64": np.int64,
          "i32": np.int32, "i16": np.int16, "i8": np.int8, "i1": np.bool_}
MAX_ARGUMENTS = 12
GUARD = 64


def parse_type(text, rows):
    """Shape and element of a tensor whose one symbol is `rows`."""
    *shape, element = re.match(r"tensor<([^,>]*)", text)[1].split("x")
    return [rows if size == "?" else int(size) for size in shape], STORED.get(element, np.uint8)


class GpuModel:
    """A model whose kernels are all lowered for GPUs."""

    def __init__(self, model, folder):
        program = folder / "for_cpu.o"
        compile_model(model, program, "--cpu=x86-64-v3")
        compile_model(model, folder / "lower.mlir", "--compile-to=lower")
        offsets = re.findall(r"ht.weight @(\S+) : .*htk.payload_offset = (\d+)", (folder / "lower.mlir").read_text())
        if offsets:
            run([LLVM_BIN / "llvm-objcopy", "--dump-section", f".lrodata.halftone={folder / 'payload'}", program,
                 folder / "copy"])
            payload = np.fromfile(folder / "payload", np.uint8)
        self.weights = {name: payload[int(offset):] for name, offset in offsets}

        compile_model(model, folder / "quantize.mlir", "--compile-to=quantize")
        gpu = run([HALFTONE_OPT, folder / "quantize.mlir", "--htk-expand-linears", "--htk-form-kernels=one-root=true",
                   "--phase-layout", "--htk-outline-kernels", "--htk-lower-to-gpu"]).stdout
        (folder / "gpu.mlir").write_text(gpu)
        self.blocks = {name: [int(x) for x in sizes.split(", ")] for name, sizes in
                       re.findall(r"gpu.func @(\w+)\(.*known_block_size = array<i32: ([\d, ]+)>", gpu)}
        self.main = gpu[gpu.index("func.func @main"):]
        self.main = self.main[:self.main.index("\n  }")].splitlines()

        run([HALFTONE_OPT, folder / "gpu.mlir", "--htk-gpu-to-nvvm", "-o", folder / "nvvm.mlir"])
        code = run([BIN / "halftone-translate", "--gpu-to-llvmir", folder / "nvvm.mlir"]).stdout
        for intrinsic, name in INTRINSICS.items():
            code = code.replace("@" + intrinsic + "(", "@" + name + "(")
        code = code.replace("define ptx_kernel void", "define void")
        assert "llvm.nvvm" not in code, "an intrinsic that gpu_threads.c lacks"
        (folder / "kernels.ll").write_text(code)
        run([LLVM_BIN / "clang", "-O1", "-fno-builtin", "-shared", "-fPIC", "-Wno-override-module", "-Wl,-Bsymbolic",
             folder / "kernels.ll", ROOT / "test/e2e/gpu_threads.c", "-lm", "-o", folder / "kernels.so"])
        self.code = ctypes.CDLL(str(folder / "kernels.so"))

    def launch(self, name, operands, results, rows, num_blocks):
        """The results of a kernel in new buffers, behind which nothing is written."""
        width, height, _ = self.blocks[name]
        buffers = []
        for shape, element in results:
            size = int(np.prod(shape)) * np.dtype(element).itemsize
            buffers.append(np.full(size + GUARD, 0xA5, np.uint8))
        operands = [np.ascontiguousarray(x) for x in operands]
        pointers = [x.ctypes.data for x in operands + buffers] + [rows]
        assert len(pointers) <= MAX_ARGUMENTS
        arguments = (ctypes.c_int64 * MAX_ARGUMENTS)(*pointers)
        self.code.gpu_launch(getattr(self.code, name), arguments, num_blocks, width, height)
        assert all((buffer[-GUARD:] == 0xA5).all() for buffer in buffers), f"{name} wrote past its result"
        return [buffer[:-GUARD].view(element).reshape(shape) for buffer, (shape, element) in zip(buffers, results)]

    def run(self, inputs, rows, num_blocks):
        """The outputs by name for inputs by name."""
        signature, *body = self.main
        arguments, results = signature.split(") -> ", 1)
        values = {name: np.asarray(inputs[key]) for name, key in
                  re.findall(r'(%\w+): tensor<[^{]*{ht.name = "(\w+)"}', arguments)}
        for line in body:
            if line.strip().startswith("return"):
                names = re.findall(r'{ht.name = "(\w+)"}', results)
                return {key: values[name] for key, name in zip(names, re.findall(r"%[\w#]+", line), strict=True)}
            name, operation = re.match(r"\s*(%\w+)(?::\d+)? = (.*)", line).groups()
            if weight := re.match(r"ht.get_weight @(\S+)", operation):
                values[name] = self.weights[weight[1]]
                continue
            kernel, operands, types = re.match(r"htk.launch @(\w+)\((.*?)\) : .*? -> (.*)", operation).groups()
            made = self.launch(kernel, [values[x] for x in operands.split(", ")],
                               [parse_type(t, rows) for t in re.findall(r"tensor<[^>]*", types)], rows, num_blocks)
            values[name] = made[0]
            values |= {f"{name}#{i}": value for i, value in enumerate(made)}
