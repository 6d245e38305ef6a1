//===- HTDialect.td - the graph dialect and its attributes --------------------===//

#ifndef HALFTONE_DIALECTS_HT_HTDIALECT_TD
#define HALFTONE_DIALECTS_HT_HTDIALECT_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/TensorEncoding.td"
include "mlir/IR/OpBase.td"

def HT_Dialect : Dialect {
  let name = "ht";
  let cppNamespace = "::halftone::ht";
  let summary = "Transformer graphs: tensors with symbolic shapes, weights as symbols";
  let description = [{
    The graph form of a model. Values are builtin ranked tensors. A dynamic
    dimension is an expression over the symbols of the enclosing function
    (`batch`, `sequence`, …), written in the tensor's encoding:

    ```mlir
    func.func @main(%ids: tensor<?x?xi64, #ht.dims<s0, s1>> {ht.name = "input_ids"})
        -> (tensor<?x?x384xf32, #ht.dims<s0, s1>> {ht.name = "last_hidden_state"})
        attributes {ht.symbols = [#ht.symbol<"batch", 1, 8>, #ht.symbol<"sequence", 1, 512>]}
    ```

    So two dimensions are equal exactly if their expressions are, every verifier
    is local, and no operation carries a shape operand.

    Weights are symbols (`ht.weight`), never literals; see that operation.

    Constraints on functions:
      [F1] `ht.symbols`, when present, is an array of `#ht.symbol` with distinct names;
      [F2] every symbol used by a type or an attribute in the function is declared;
           a private function without `ht.symbols` is a fragment and may use any;
      [F3] every dynamic dimension of an operation's operands and results has an
           expression;
      [F4] every argument with `ht.state` has a name that no other has, a static type,
           and one result with `ht.state`, its name and type; every such result has
           its argument.

    A state is what a step keeps for the next one, such as keys and values of earlier
    tokens: zeros at first, then what the graph returned for it. Programs have it in
    memory of the session and neither as input nor as output:

    ```mlir
    func.func @main(%tokens: …, %k: tensor<8x2048x4x64xf32> {ht.name = "keys.0", ht.state})
        -> (…, tensor<8x2048x4x64xf32> {ht.name = "keys.0", ht.state})
    ```
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasOperationAttrVerify = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;
  let dependentDialects = ["::mlir::func::FuncDialect"];
  let hasConstantMaterializer = 1;
  let extraClassDeclaration = [{
    /// Function attribute: the array of `#ht.symbol` its shapes are written over.
    static constexpr ::llvm::StringLiteral kSymbolsAttr = "ht.symbols";
    /// Argument and result attribute: the name the user's model gave it.
    static constexpr ::llvm::StringLiteral kNameAttr = "ht.name";
    /// Argument and result attribute: kept from one step to the next ([F4]).
    static constexpr ::llvm::StringLiteral kStateAttr = "ht.state";
  }];
}

class HT_Attr<string name, string attrMnemonic, list<Trait> traits = []>
    : AttrDef<HT_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
}

def HT_DimsAttr : HT_Attr<"Dims", "dims",
    [DeclareAttrInterfaceMethods<VerifiableTensorEncoding>]> {
  let summary = "the dynamic dimensions of a tensor as expressions over symbols";
  let description = [{
    One affine expression per dynamic dimension (`?`) of the tensor type it
    encodes, in order, over the function's symbols `s0`, `s1`, …

      [C1] as a tensor encoding it has as many expressions as the type has `?`;
      [C2] as a tensor encoding no expression is a constant.

    As a plain attribute (`ht.slice`'s starts) constants are allowed.
  }];
  let parameters = (ins ArrayRefParameter<"::mlir::AffineExpr">:$exprs);
  let hasCustomAssemblyFormat = 1;
}

def HT_SymbolAttr : HT_Attr<"Symbol", "symbol"> {
  let summary = "a named dynamic dimension of the model and its bounds";
  let description = [{
      [C1] 0 <= min <= max.
    `max` bounds the memory plan; a run with a larger value is refused.
  }];
  let parameters = (ins StringRefParameter<>:$name, "int64_t":$min, "int64_t":$max);
  let assemblyFormat = "`<` $name `,` $min `,` $max `>`";
  let genVerifyDecl = 1;
}

#endif
