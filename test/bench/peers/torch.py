"""PyTorch: compiled by Inductor at run time, and ahead of time by AOTInductor."""
import os

from peers.peer import Peer
from task import shape_of


class Inductor(Peer):
    """torch.compile, a graph for each shape, weights frozen."""
    packages = ("torch",)

    def prepare(self, task, threads):
        # Inductor packs weights for its matrix products when they are constants.
        os.environ["TORCHINDUCTOR_FREEZING"] = "1"
        import torch
        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        torch._dynamo.config.recompile_limit = 64
        self.runs = self.compiled(self.quantized(self.module(task)), task)

    def module(self, task):
        import torch
        return task.torch_module().eval().to({"f32": torch.float32, "bf16": torch.bfloat16}[self.arithmetic])

    def quantized(self, module):
        return module

    def compiled(self, module, task):
        """Shape → function."""
        import torch
        run = torch.compile(module, dynamic=False)
        for inputs in task.shapes().values():
            run(*self.arguments(inputs))
        return dict.fromkeys(task.shapes(), run)

    def arguments(self, inputs):
        import torch
        dtype = torch.bfloat16 if self.arithmetic == "bf16" else torch.float32
        tensors = map(torch.from_numpy, inputs.values())
        return [tensor.to(dtype) if tensor.is_floating_point() else tensor for tensor in tensors]

    def bind(self, inputs):
        run, arguments, last = self.runs[shape_of(inputs)], self.arguments(inputs), {}

        def call():
            last["output"] = run(*arguments)
        return call, lambda: last["output"].float().numpy()


class AotInductor(Inductor):
    """torch.export and AOTInductor, a library for each shape, weights frozen."""

    def compiled(self, module, task):
        import torch
        from torch._inductor import aoti_compile_and_package, aoti_load_package
        runs = {}
        for number, (shape, inputs) in enumerate(task.shapes().items()):
            path = str(task.folder / f"aotinductor-{self.arithmetic}-{number}.pt2")
            exported = torch.export.export(module, tuple(self.arguments(inputs)))
            runs[shape] = aoti_load_package(aoti_compile_and_package(exported, package_path=path))
        return runs


class TorchAo(Inductor):
    """torchao: weights int8 per channel, activations int8 per token as they come."""
    packages = ("torchao", "torch")

    def module(self, task):
        return task.torch_module().eval()

    def quantized(self, module):
        from torchao.quantization import Int8DynamicActivationInt8WeightConfig, quantize_
        quantize_(module, Int8DynamicActivationInt8WeightConfig())
        return module


PEERS = [
    Inductor("torch f32", "f32"),
    Inductor("torch bf16", "bf16"),
    TorchAo("torch int8", "int8"),
    AotInductor("aotinductor f32", "f32"),
    AotInductor("aotinductor bf16", "bf16"),
]
