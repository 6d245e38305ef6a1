//===- HTBase.td - base classes shared by the operation files -----------------===//

#ifndef HALFTONE_DIALECTS_HT_HTBASE_TD
#define HALFTONE_DIALECTS_HT_HTBASE_TD

include "dialects/HT/HTDialect.td"
include "mlir/IR/EnumAttr.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

// Numbers that operations compute with. Signless integers are signed.
def HT_Float : AnyTypeOf<[F16, BF16, F32, F64]>;
def HT_Int : AnyTypeOf<[I8, I16, I32, I64, UI8, UI16, UI32, UI64]>;
def HT_Number : AnyTypeOf<[HT_Float, HT_Int]>;
/// What is stored, moved, converted and (de)quantized, but not computed with.
def HT_Code : AnyTypeOf<[I<2>, I<3>, I<4>, I<5>, I<6>, UI<2>, UI<3>, UI<4>, UI<5>, UI<6>, F8E4M3FN, F8E4M3FNUZ,
                         F8E5M2, F8E5M2FNUZ, F8E8M0FNU, F4E2M1FN]>;
def HT_Scalar : AnyTypeOf<[I1, HT_Number]>;
def HT_Element : AnyTypeOf<[I1, HT_Number, HT_Code]>;

def HT_Tensor : RankedTensorOf<[HT_Element]>;
def HT_ScalarTensor : RankedTensorOf<[HT_Scalar]>;
def HT_NumberTensor : RankedTensorOf<[HT_Number]>;
def HT_FloatTensor : RankedTensorOf<[HT_Float]>;
def HT_IntTensor : RankedTensorOf<[HT_Int]>;
def HT_BoolTensor : RankedTensorOf<[I1]>;
def HT_BitsTensor : RankedTensorOf<[I1, HT_Int]>;

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
