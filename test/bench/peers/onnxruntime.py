"""ONNX Runtime: as exported, after its optimizer for transformers, and quantized by its tools."""
from peers.peer import Peer


def plain(task):
    return task.models["plain"]


def fused(task):
    """After onnxruntime.transformers.optimizer, which knows BERT's attention as TorchScript
    exports it without fused attention."""
    if "eager" not in task.models:
        return plain(task)
    from onnxruntime.transformers import optimizer
    path = task.folder / "onnxruntime-fused.onnx"
    optimizer.optimize_model(task.models["eager"], "bert", num_heads=0, hidden_size=0,
                             opt_level=1).save_model_to_file(str(path))
    return path


def dynamic_int8(task):
    """Weights int8 per channel, activations uint8 per tensor as they come."""
    from onnx import TensorProto
    from onnxruntime.quantization import QuantType, quantize_dynamic
    path = task.folder / "onnxruntime-int8.onnx"
    quantize_dynamic(fused(task), path, per_channel=True, weight_type=QuantType.QInt8,
                     extra_options={"DefaultTensorType": TensorProto.FLOAT})
    return path


def blocks_of_int4(task):
    """MatMulNBits: int4 in blocks of 32 along K, computed in int8 (accuracy level 4)."""
    import onnx
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
    path = task.folder / "onnxruntime-int4.onnx"
    quantizer = MatMulNBitsQuantizer(onnx.load(plain(task)), block_size=32, is_symmetric=True, accuracy_level=4)
    quantizer.process()
    quantizer.model.save_model_to_file(str(path))
    return path


class OnnxRuntime(Peer):
    packages = ("onnxruntime",)

    def __init__(self, name, graph, arithmetic, bits=None):
        super().__init__(name, arithmetic, bits)
        self.graph = graph

    def prepare(self, task, threads):
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(str(self.graph(task)), options,
                                                    providers=["CPUExecutionProvider"])

    def bind(self, inputs):
        binding = self.session.io_binding()
        for name, array in inputs.items():
            binding.bind_cpu_input(name, array)
        binding.bind_output(self.session.get_outputs()[0].name)
        return lambda: self.session.run_with_iobinding(binding), lambda: binding.copy_outputs_to_cpu()[0]


PEERS = [
    OnnxRuntime("onnxruntime f32", plain, "f32"),
    OnnxRuntime("onnxruntime f32-fused", fused, "f32"),
    OnnxRuntime("onnxruntime int8", dynamic_int8, "int8"),
    OnnxRuntime("onnxruntime int4-g32", blocks_of_int4, "int8", bits=4 + 32 / 32),
]
