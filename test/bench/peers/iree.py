"""IREE: compiled for this CPU, a module for each shape."""
import subprocess
import sys
from pathlib import Path

from peers.peer import Peer
from task import shape_of

# The fastest on MiniLM of five sets: with optimization level O3, micro-kernels or neither it is slower.
FLAGS = ["--iree-hal-target-device=local", "--iree-hal-local-target-device-backends=llvm-cpu",
         "--iree-llvmcpu-target-cpu=host", "--iree-opt-data-tiling=true"]


def tool(name, *arguments):
    subprocess.run([str(Path(sys.executable).parent / name), *map(str, arguments)], check=True,
                   stdout=subprocess.DEVNULL)


class Iree(Peer):
    packages = ("iree-base-compiler", "iree-base-runtime")

    def prepare(self, task, threads):
        import iree.runtime as runtime
        runtime.flags.parse_flags(f"--task_topology_group_count={threads}")
        self.config = runtime.Config("local-task")
        self.runs = {}
        for number, (shape, inputs) in enumerate(task.shapes().items()):
            stem = task.folder / f"iree-{number}"
            fixed(task.models["plain"], stem.with_suffix(".onnx"), task.sizes(inputs))
            tool("iree-import-onnx", stem.with_suffix(".onnx"), "-o", stem.with_suffix(".mlir"))
            tool("iree-compile", stem.with_suffix(".mlir"), *FLAGS, "-o", stem.with_suffix(".vmfb"))
            context = runtime.SystemContext(config=self.config)
            module = runtime.VmModule.mmap(context.instance, str(stem.with_suffix(".vmfb")))
            context.add_vm_module(module)
            entry = next(name for name in module.function_names
                         if not name.startswith("__") and not name.endswith("$async"))
            self.runs[shape] = context.modules[module.name][entry]

    def bind(self, inputs):
        import iree.runtime as runtime
        run, last = self.runs[shape_of(inputs)], {}
        arguments = [runtime.asdevicearray(self.config.device, array) for array in inputs.values()]

        def call():
            last["output"] = run(*arguments).to_host()
        return call, lambda: last["output"]


def fixed(model, path, sizes):
    """Writes the model with these dynamic dimensions, its shape arithmetic folded away
    (IREE's importer has no use for it) by ONNX Runtime's basic optimizations."""
    import onnx
    import onnxruntime
    from onnxruntime.tools.onnx_model_utils import make_dim_param_fixed
    proto = onnx.load(model)
    for name, value in sizes.items():
        make_dim_param_fixed(proto.graph, name, value)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(path)
    onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])


PEERS = [Iree("iree f32", "f32")]
