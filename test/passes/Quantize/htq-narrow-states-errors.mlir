// RUN: not halftone-opt %s --htq-narrow-states=format=int4 2>&1 | FileCheck %s --check-prefix=PART
// RUN: not halftone-opt %s --htq-narrow-states=format=nf4 2>&1 | FileCheck %s --check-prefix=PART
// RUN: not halftone-opt %s --htq-narrow-states=format=int7x 2>&1 | FileCheck %s --check-prefix=NONE

// PART: error: states are kept as f32, f16, bf16, or codes of whole bytes with a scale, such as int8; not as '{{int4|nf4}}'
// NONE: error: {{.*}}int7x
module {}
