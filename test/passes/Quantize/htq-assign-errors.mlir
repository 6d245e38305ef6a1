// RUN: halftone-opt --htq-assign=weights=int9 --split-input-file --verify-diagnostics %s
// RUN: not halftone-opt --htq-assign=plan=%S/Inputs/no-such-plan.json %s 2>&1 | FileCheck %s --check-prefix=MISSING
// RUN: not halftone-opt --htq-assign=plan=%S/Inputs/no-array.json %s 2>&1 | FileCheck %s --check-prefix=ARRAY
// RUN: not halftone-opt --htq-assign=plan=%S/Inputs/unknown-key.json %s 2>&1 | FileCheck %s --check-prefix=KEY
// RUN: not halftone-opt --htq-assign=plan=%S/Inputs/unknown-format.json %s 2>&1 | FileCheck %s --check-prefix=FORMAT
// RUN: not halftone-opt --htq-assign=plan=%S/Inputs/unknown-rotation.json %s 2>&1 | FileCheck %s --check-prefix=ROTATION
// RUN: not halftone-opt --htq-assign=rotation=8x %s 2>&1 | FileCheck %s --check-prefix=OPTION
// RUN: not halftone-opt --htq-assign=plan=%S/Inputs/unknown-attention.json %s 2>&1 | FileCheck %s --check-prefix=ATTENTION
// RUN: not halftone-opt --htq-assign=save-plan=%S/no-such-folder/plan.json %s 2>&1 | FileCheck %s --check-prefix=SAVE

// MISSING: error: plan '{{.*}}no-such-plan.json': No such file or directory
// ARRAY:   error: plan '{{.*}}no-array.json': expected an array of rules
// KEY:     error: plan '{{.*}}unknown-key.json': rule 2: unknown key "weight"; there are match, weights, activations, rotation and attention
// FORMAT:  error: plan '{{.*}}unknown-format.json': rule 1: unknown format 'int4-group'
// ROTATION: error: plan '{{.*}}unknown-rotation.json': rule 1: '12x4' is no rotation; these are auto, none, and powers of two with or without a stride, such as 128 or 8x16
// OPTION:  error: '8x' is no rotation
// ATTENTION: error: plan '{{.*}}unknown-attention.json': rule 1: attention is computed in f32 or bf16, not in 'int8'
// SAVE:    error: cannot write plan '{{.*}}plan.json': No such file or directory

// expected-error @+1 {{unknown format 'int9'}}
module @storage {
}
