"""The operators a model may use: pure arithmetic on tensors, whose cost follows from the size of what goes in.

Left out on purpose: loops and branches (their cost is the model's own choice), random numbers, text and sequences,
and everything outside the two standard domains.
"""

from __future__ import annotations

_TENSOR = """
    Abs Acos Add And ArgMax ArgMin Asin Atan AveragePool BatchNormalization Cast Ceil Celu Clip Compress Concat Constant
    ConstantOfShape Conv Cos CumSum Div Dropout Elu Equal Erf Exp Expand Flatten Floor Gather GatherElements GatherND
    Gelu Gemm GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual GRU HardSigmoid HardSwish Identity
    InstanceNormalization IsInf IsNaN LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax LpNormalization LSTM
    MatMul Max MaxPool Mean Min Mish Mod Mul Neg Not OneHot Or Pad Pow PRelu Range Reciprocal ReduceL1 ReduceL2
    ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape RNN
    Round ScatterElements Selu Shape Sigmoid Sign Sin Size Slice Softmax Softplus Softsign Split Sqrt Squeeze Sub Sum
    Tan Tanh ThresholdedRelu Tile TopK Transpose Trilu Unsqueeze Where Xor
"""
_LEARNING = """
    ArrayFeatureExtractor Binarizer FeatureVectorizer Imputer LinearClassifier LinearRegressor Normalizer Scaler
    SVMClassifier SVMRegressor TreeEnsemble TreeEnsembleClassifier TreeEnsembleRegressor
"""
ALLOWED = frozenset(
    [("", name) for name in _TENSOR.split()]
    + [("ai.onnx", name) for name in _TENSOR.split()]
    + [("ai.onnx.ml", name) for name in _LEARNING.split()]
)
"""Operators as (domain, name)."""
DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})
