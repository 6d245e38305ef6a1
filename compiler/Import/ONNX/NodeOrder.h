//===- NodeOrder.h - nodes after what they use ------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_ONNX_NODEORDER_H
#define HALFTONE_COMPILER_IMPORT_ONNX_NODEORDER_H

#include "compiler/Import/ONNX/Model.h"

namespace halftone::onnx {

/// Puts nodes behind those that make what they use, in the graph, its branches
/// and the functions: ONNX demands it, but not every writer does it. Nodes that
/// are in order stay where they are; so do all where some wait for each other.
void orderNodes(Model &model);

} // namespace halftone::onnx

#endif
