//===- HTQDialect.td - formats as terms ---------------------------------------===//

#ifndef HALFTONE_DIALECTS_HTQ_HTQDIALECT_TD
#define HALFTONE_DIALECTS_HTQ_HTQDIALECT_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def HTQ_Dialect : Dialect {
  let name = "htq";
  let cppNamespace = "::halftone::htq";
  let summary = "Quantized formats as terms, and the operations that apply them";
  let description = [{
    A format is not one of a list but a term over stored tensors:

        term ::= element type                                   a tensor, as it is stored
               | affine<term, blocks [b…], scale term, zero term>   (code - zero) * scale
               | lookup<term, codebook term>                    codebook[code]
               | sum<term, term>                                lhs + rhs

    The leaves are the operands of the operation that carries the term, from
    left to right: codes, scale, zero of an affine; codes, codebook of a lookup.
    So a scale can itself be quantized, and a codebook be data. Examples:

        int8 per output channel     #htq.affine<i8, blocks [1, ?], scale f32>
        int4, groups of 128         #htq.affine<i4, blocks [1, 128], scale f16, zero ui4>
        NF4                         #htq.affine<lookup<ui4, codebook f32>, blocks [1, 64], scale f32>
        MXFP4                       #htq.affine<f4E2M1FN, blocks [1, 32], scale f8E8M0FNU>
        NVFP4                       #htq.affine<f4E2M1FN, blocks [1, 16],
                                        scale affine<f8E4M3FN, blocks [?, ?], scale f32>>

    Until a format is applied, it is a decision: an attribute of the operation
    that reads the tensor.

      [D1] `htq.weights` is a `#htq.format` on `ht.linear` or `ht.embedding`;
      [D2] `htq.activations` is a `#htq.format` on `ht.linear`, or on `ht.attention` of a
           float that q, k and v are cast to.
      [D3] `htq.rotation`, on `ht.linear`, is the order and the stride of the `htq.hadamard`
           that its input gets: two integers that this operation takes for that input.
  }];
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::halftone::ht::HTDialect"];
  let hasOperationAttrVerify = 1;
  let extraClassDeclaration = [{
    /// Attribute of `ht.linear` and `ht.embedding`: the format that is decided for their weight.
    static constexpr ::llvm::StringLiteral kWeightsAttr = "htq.weights";
    /// Attribute of `ht.linear`: the format that is decided for its input.
    static constexpr ::llvm::StringLiteral kActivationsAttr = "htq.activations";
    /// Attribute of `ht.linear`: the rotation that is decided for its input.
    static constexpr ::llvm::StringLiteral kRotationAttr = "htq.rotation";
  }];
}

class HTQ_Attr<string name, string attrMnemonic> : AttrDef<HTQ_Dialect, name> {
  let mnemonic = attrMnemonic;
}

def HTQ_AffineAttr : HTQ_Attr<"Affine", "affine"> {
  let summary = "(code - zero) * scale, with one scale and zero per block";
  let description = [{
    `blocks` has one entry per axis of the codes: how many consecutive elements
    share a parameter, `?` for all of them. Scale and zero have the codes' rank
    and `ceil(dimension / block)` elements along each axis (1 for `?`): the last
    block of an axis may be ragged. Without a zero it is 0. Computed in f32, or
    f64 where the scale is; `code - zero` is exact.

      [C1] codes and scale are terms; zero, where present, is a term;
      [C2] blocks are positive or `?`.
  }];
  let parameters = (ins "::mlir::Attribute":$codes, ArrayRefParameter<"int64_t">:$blocks,
      "::mlir::Attribute":$scale, OptionalParameter<"::mlir::Attribute">:$zero);
  let assemblyFormat = [{
    `<` custom<Term>($codes) `,` `blocks` custom<Blocks>($blocks) `,` `scale` custom<Term>($scale)
    `` custom<Zero>($zero) `` `>`
  }];
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// A block that covers its axis.
    static constexpr int64_t kWhole = 0;
  }];
}

def HTQ_LookupAttr : HTQ_Attr<"Lookup", "lookup"> {
  let summary = "the code's entry in a codebook";
  let description = [{
    The codebook is one-dimensional, the codes are unsigned integers below its length.

      [C1] codes and codebook are terms.
  }];
  let parameters = (ins "::mlir::Attribute":$codes, "::mlir::Attribute":$codebook);
  let assemblyFormat = "`<` custom<Term>($codes) `,` `codebook` custom<Term>($codebook) `>`";
  let genVerifyDecl = 1;
}

def HTQ_SumAttr : HTQ_Attr<"Sum", "sum"> {
  let summary = "the sum of two terms of one shape";
  let description = [{
      [C1] both are terms.
  }];
  let parameters = (ins "::mlir::Attribute":$lhs, "::mlir::Attribute":$rhs);
  let assemblyFormat = "`<` custom<Term>($lhs) `,` custom<Term>($rhs) `>`";
  let genVerifyDecl = 1;
}

def HTQ_Rule : I32EnumAttr<"Rule", "how parameters follow from data", [
    I32EnumAttrCase<"Absmax", 0, "absmax">, I32EnumAttrCase<"SignedMax", 1, "signed_max">,
    I32EnumAttrCase<"Minmax", 2, "minmax">]> {
  let cppNamespace = "::halftone::htq";
  let genSpecializedAttr = 0;
}
def HTQ_RuleAttr : EnumAttr<HTQ_Dialect, HTQ_Rule, "rule">;

def HTQ_FormatAttr : HTQ_Attr<"Format", "format"> {
  let summary = "a decision: a term for matrices, and how its leaves are made";
  let description = [{
    ```mlir
    #htq.format<signed_max affine<i4, blocks [1, 128], scale f16>>
    #htq.format<absmax affine<lookup<ui4, codebook f32>, blocks [1, 64], scale f32>
        codebook dense<[…]> : tensor<16xf32>>
    #htq.format<affine<ui4, blocks [1, 32], scale f16, zero ui4>>
    #htq.format<bf16>
    ```

    With a rule the leaves are those of `htq.dynamic_quantize`. Without one an
    element type is what the tensor is cast to, and another term is one that the
    tensor is the value of already: its leaves stay as they are. Blocks are those
    of a matrix: rows (outputs of a weight, tokens of activations), then k.

      [C1] a term with a rule is one that `htq.dynamic_quantize` takes by that rule;
           it has a codebook if and only if its codes are a lookup:
           one-dimensional, of the element type that this says;
      [C2] an element type without a rule is a float;
      [C3] blocks have two entries.
  }];
  let parameters = (ins "::std::optional<::halftone::htq::Rule>":$rule, "::mlir::Attribute":$term,
      OptionalParameter<"::mlir::DenseElementsAttr">:$codebook);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

#endif
