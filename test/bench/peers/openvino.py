"""OpenVINO: f32, bf16, and quantized by NNCF: int8 after training, int4 weights."""
from peers.peer import Peer


class OpenVino(Peer):
    packages = ("openvino",)

    def __init__(self, name, arithmetic, hint, bits=None):
        super().__init__(name, arithmetic, bits)
        # The precision of what is not quantized.
        self.hint = hint

    def model(self, core, task):
        return core.read_model(task.models["plain"])

    def prepare(self, task, threads):
        import openvino
        core = openvino.Core()
        compiled = core.compile_model(self.model(core, task), "CPU", {
            "INFERENCE_PRECISION_HINT": self.hint, "INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"})
        self.request = compiled.create_infer_request

    def bind(self, inputs):
        import openvino
        request = self.request()
        for name, array in inputs.items():
            request.set_tensor(name, openvino.Tensor(array, shared_memory=True))
        return request.infer, lambda: request.get_output_tensor(0).data.copy()


class Nncf(OpenVino):
    """Weights int8 per channel, activations int8 per tensor from samples."""
    packages = ("nncf", "openvino")

    def model(self, core, task):
        import nncf
        return nncf.quantize(super().model(core, task), nncf.Dataset(task.samples),
                             model_type=nncf.ModelType.TRANSFORMER, subset_size=len(task.samples))


class CompressedWeights(OpenVino):
    """Weights int4 in blocks of 128, activations int8 in the blocks that OpenVINO chooses."""
    packages = ("nncf", "openvino")

    def model(self, core, task):
        import nncf
        return nncf.compress_weights(super().model(core, task), mode=nncf.CompressWeightsMode.INT4_SYM,
                                     group_size=128, ratio=1.0, all_layers=True)


PEERS = [
    OpenVino("openvino f32", "f32", "f32"),
    OpenVino("openvino bf16", "bf16", "bf16"),
    Nncf("openvino int8", "int8", "bf16"),
    CompressedWeights("openvino int4-g128", "int8", "f32", bits=4 + 16 / 128),
]
