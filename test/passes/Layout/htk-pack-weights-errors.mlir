// RUN: halftone-opt --htk-pack-weights=panel=0 --split-input-file --verify-diagnostics %s

// expected-error @+1 {{panel must be positive, got 0}}
module @panel {
}
