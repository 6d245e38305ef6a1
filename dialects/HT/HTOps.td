//===- HTOps.td - all operations of the graph dialect -------------------------===//

#ifndef HALFTONE_DIALECTS_HT_HTOPS_TD
#define HALFTONE_DIALECTS_HT_HTOPS_TD

include "dialects/HT/HTElementwiseOps.td"
include "dialects/HT/HTStructureOps.td"
include "dialects/HT/HTTransformerOps.td"

#endif
