# Fuzz targets. Sourced by tools/dev.

FUZZ_TARGETS="npy npz json tensors constant ir onnx"

command_fuzz() {
  local seconds=60 chosen=
  while [ $# -gt 0 ]; do
    case $1 in
      --seconds)
        [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || fail_usage "fuzz: --seconds needs a number"
        seconds=$2
        shift
        ;;
      -*) fail_usage "fuzz: what is '$1'? (fuzz [--seconds N] [TARGET])" ;;
      *)
        [[ " $FUZZ_TARGETS " == *" $1 "* ]] || fail_usage "fuzz: no target is called '$1'; there are $FUZZ_TARGETS"
        chosen=$1
        ;;
    esac
    shift
  done
  setup_packages
  setup_python light
  build_fuzz_targets
  fuzz "$seconds" "${chosen:-$FUZZ_TARGETS}"
}

build_fuzz_targets() {
  say "building the fuzz targets"
  [ -f "$BUILD/fuzz/build.ninja" ] ||
    cmake -G Ninja -S "$ROOT" -B "$BUILD/fuzz" -DHALFTONE_FUZZ=ON \
      -DCMAKE_C_COMPILER=clang-22 -DCMAKE_CXX_COMPILER=clang++-22 \
      -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS="-Xclang -fno-pch-timestamp" \
      -DCMAKE_CXX_FLAGS_RELEASE="-O1 -gline-tables-only -DNDEBUG" -DCMAKE_EXE_LINKER_FLAGS=-fuse-ld=lld \
      >&2 || fail "cmake could not configure the fuzz build; see above"
  ninja -C "$BUILD/fuzz" -j "$(jobs_count)" halftone-fuzz >&2 || fail "the build failed; see above"
}

# fuzz SECONDS TARGETS: the targets share the time.
fuzz() {
  local seconds=$1 target count corpus=$BUILD/fuzz/corpus findings=$BUILD/fuzz/findings status=0
  count=$(wc -w <<<"$2")
  [ -d "$corpus" ] || "$VENV/bin/python" test/fuzz/seeds.py "$corpus"
  mkdir -p "$findings"
  for target in $2; do
    say "fuzzing $target"
    ASAN_OPTIONS=allow_user_poisoning=0:detect_container_overflow=0:detect_leaks=0:allocator_may_return_null=1 \
      "$BUILD/fuzz/test/fuzz/fuzz_$target" -max_total_time=$(((seconds + count - 1) / count)) -max_len=8192 \
      -timeout=20 -rss_limit_mb=2500 -malloc_limit_mb=1500 -verbosity=0 -print_final_stats=1 \
      -artifact_prefix="$findings/$target-" "$corpus/$target" >&2 || status=1
  done
  [ "$status" -eq 0 ] || fail "there are findings: $(ls "$findings")"
}
