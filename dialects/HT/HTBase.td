//===- HTBase.td - base classes shared by the operation files -----------------===//

#ifndef HALFTONE_DIALECTS_HT_HTBASE_TD
#define HALFTONE_DIALECTS_HT_HTBASE_TD

include "dialects/HT/HTDialect.td"
include "mlir/IR/EnumAttr.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def HT_Float : AnyTypeOf<[F16, BF16, F32, F64]>;
def HT_Int : AnyTypeOf<[I8, I16, I32, I64, UI8]>;
def HT_Number : AnyTypeOf<[HT_Float, HT_Int]>;
def HT_Element : AnyTypeOf<[I1, HT_Number]>;

def HT_Tensor : RankedTensorOf<[HT_Element]>;
def HT_NumberTensor : RankedTensorOf<[HT_Number]>;
def HT_FloatTensor : RankedTensorOf<[HT_Float]>;
def HT_IntTensor : RankedTensorOf<[HT_Int]>;
def HT_BoolTensor : RankedTensorOf<[I1]>;

/// [F2] and [F3] of the dialect. Structural: checked before anything computes
/// with the dimensions.
def HT_SymbolicShapes : NativeOpTrait<"SymbolicShapes">, StructuralOpTrait {
  let cppNamespace = "::halftone::ht";
}

class HT_Op<string mnemonic, list<Trait> traits = []>
    : Op<HT_Dialect, mnemonic, !listconcat([HT_SymbolicShapes], traits)>;

/// A pure operation whose result type follows from operands and attributes.
class HT_PureOp<string mnemonic, list<Trait> traits = []>
    : HT_Op<mnemonic, !listconcat([Pure], traits)>;

/// The same, where the type is computed by `inferReturnTypes` in C++.
class HT_InferredOp<string mnemonic, list<Trait> traits = []>
    : HT_PureOp<mnemonic, !listconcat(traits, [InferTypeOpAdaptor])>;

#endif
