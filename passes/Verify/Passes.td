//===- Passes.td - exit contracts of phases -----------------------------------===//

#ifndef HALFTONE_PASSES_VERIFY_PASSES_TD
#define HALFTONE_PASSES_VERIFY_PASSES_TD

include "mlir/Pass/PassBase.td"

def VerifyPhase : Pass<"ht-verify-phase", "::mlir::ModuleOp"> {
  let summary = "check that a module is what a phase promises to leave";
  let description = [{
    Changes nothing. An operation that the phase should have removed is an error
    that names it, the phase and the contract:

      import, raise,
      assign, fold            @main holds `ht` operations only; every weight is
                              defined and every type has symbolic dimensions;
      quantize                besides, no operation has a format that is not applied;
      fuse                    @main holds `htk.kernel`, `ht.get_weight` and
                              `ht.reshape` only;
      layout                  besides, no kernel reads a weight through `ht.linear`;
      lower                   LLVM dialect, and weights with payload offsets.
  }];
  let options = [Option<"phase", "phase", "std::string", /*default=*/"", "Name of the phase that just ran">];
}

#endif
