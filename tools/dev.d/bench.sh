# Timings against ONNX Runtime. Sourced by tools/dev.

command_bench() {
  setup_packages
  setup_python bench
  build
  export HALFTONE_PEERS=1 HALFTONE_BUILD_DIR=$BUILD
  "$VENV/bin/python" test/bench/bench_minilm.py --output "$BUILD/bench" "$@" ||
    fail "the benchmark failed; see above"
}
