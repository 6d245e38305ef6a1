"""The operators that every transformer graph may have: each of their cases passes."""

TIER_A = frozenset("""
    MatMul Gemm
    Add Sub Mul Div Neg Abs Sqrt Pow Exp Log Reciprocal Erf Sin Cos Tanh Sigmoid Softplus Floor Ceil Round Sign
    Relu LeakyRelu Clip Max Min Where Elu HardSigmoid Mish
    Gelu Swish SwiGLU
    Softmax LogSoftmax
    LayerNormalization GroupNormalization RMSNormalization InstanceNormalization LpNormalization
    ReduceMean ReduceSum ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSumExp
    Gather GatherElements GatherND
    ScatterND ScatterElements TensorScatter
    Shape Size Constant ConstantOfShape Range EyeLike
    Reshape Squeeze Unsqueeze Flatten Transpose Expand Tile Concat Split Slice Pad DepthToSpace
    Cast CastLike Identity Dropout BitCast
    Equal Less LessOrEqual Greater GreaterOrEqual And Or Not Xor IsNaN IsInf NonZero
    CumSum Trilu TopK ArgMax ArgMin OneHot Mod BitShift BitwiseAnd BitwiseOr BitwiseXor BitwiseNot
    Einsum
    Conv ConvTranspose MaxPool AveragePool Resize BatchNormalization
    If Loop Scan
    SequenceAt SequenceConstruct SequenceEmpty SequenceErase SequenceInsert SequenceLength SequenceMap
    SplitToSequence ConcatFromSequence
    Optional OptionalGetElement OptionalHasElement
    Attention RotaryEmbedding LinearAttention CausalConvWithState
    QuantizeLinear DequantizeLinear DynamicQuantizeLinear MatMulInteger ConvInteger QLinearMatMul QLinearConv
""".split())

# Cases of these operators that are refused, and why that is right.
TRAINING = "random numbers: training mode has no place in a compiled model"
EXCEPT = {
    "test_training_dropout": TRAINING,
    "test_training_dropout_default": TRAINING,
    "test_training_dropout_default_mask": TRAINING,
    "test_training_dropout_mask": TRAINING,
    "test_training_dropout_zero_ratio": TRAINING,
    "test_training_dropout_zero_ratio_mask": TRAINING,
    "test_equal_string": "text is no tensor of numbers",
    "test_equal_string_broadcast": "text is no tensor of numbers",
}
