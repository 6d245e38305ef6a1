# Fuzz targets. Sourced by tools/dev.

FUZZ_TARGETS="npy npz json tensors tokenizer tokenizer_form chat chat_form constant ir huggingface gguf onnx"

command_fuzz() {
  local seconds=60 chosen='' input=''
  while [ $# -gt 0 ]; do
    case $1 in
      --seconds)
        [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || fail_usage "fuzz: --seconds needs a number"
        seconds=$2
        shift
        ;;
      -*) fail_usage "fuzz: what is '$1'? (fuzz [--seconds N] [TARGET [FILE]])" ;;
      *)
        if [ -z "$chosen" ]; then
          [[ " $FUZZ_TARGETS " == *" $1 "* ]] || fail_usage "fuzz: no target is called '$1'; there are $FUZZ_TARGETS"
          chosen=$1
        else
          [ -f "$1" ] && [ -z "$input" ] || fail_usage "fuzz: '$1' is no file, or one too many"
          input=$1
        fi
        ;;
    esac
    shift
  done
  setup_packages
  setup_python light
  build_fuzz_targets
  if [ -n "$input" ]; then
    run_fuzz_target "$chosen" -timeout=20 "$input" >&2 || fail "'$input' is a finding"
    return
  fi
  local target findings status=0
  make_fuzz_seeds
  for target in ${chosen:-$FUZZ_TARGETS}; do
    findings=$(fuzz "$target" "$(fuzz_share "$target" "$seconds" "${chosen:-$FUZZ_TARGETS}")" "$BUILD/fuzz/corpus/$target") || {
      note "$findings"
      status=1
    }
  done
  [ "$status" -eq 0 ] || fail "there are findings"
}

# What it is built with is in test/fuzz/README.md.
build_fuzz_targets() {
  say "building the fuzz targets"
  [ -f "$BUILD/fuzz/build.ninja" ] ||
    cmake -G Ninja -S "$ROOT" -B "$BUILD/fuzz" -DHALFTONE_FUZZ=ON \
      -DCMAKE_C_COMPILER=clang-22 -DCMAKE_CXX_COMPILER=clang++-22 \
      -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS="-Xclang -fno-pch-timestamp" \
      -DCMAKE_CXX_FLAGS_RELEASE="-O1 -DNDEBUG" -DCMAKE_EXE_LINKER_FLAGS=-fuse-ld=lld \
      >&2 || fail "cmake could not configure the fuzz build; see above"
  ninja -C "$BUILD/fuzz" -j "$(jobs_count)" halftone-fuzz >&2 || fail "the build failed; see above"
}

make_fuzz_seeds() {
  rm -rf "$BUILD/fuzz/seeds"
  "$VENV/bin/python" -W ignore test/fuzz/seeds.py "$BUILD/fuzz/seeds"
}

# fuzz_share TARGET SECONDS TARGETS: most of the ways that there are lead through `onnx`.
fuzz_share() {
  local target parts=0
  declare -A part=([onnx]=4)
  for target in $3; do
    parts=$((parts + ${part[$target]:-1}))
  done
  echo $((($2 * ${part[$1]:-1} + parts - 1) / parts))
}

# fuzz TARGET SECONDS CORPUS OPTIONS...: prints what it finds, and fails then. What
# is new goes to the folder CORPUS.
fuzz() {
  local target=$1 seconds=$2 corpus=$3 fresh=$BUILD/fuzz/fresh findings=$BUILD/fuzz/findings file status=0
  shift 3
  say "fuzzing $target for $seconds seconds"
  rm -rf "$fresh"
  mkdir -p "$corpus" "$findings" "$fresh"
  [ ! -f "$BUILD/fuzz/seeds/$target.dict" ] || set -- "$@" -dict="$BUILD/fuzz/seeds/$target.dict"
  run_fuzz_target "$target" -max_total_time="$seconds" -max_len=8192 -timeout=20 -verbosity=0 -print_funcs=0 \
    -print_final_stats=1 -artifact_prefix="$fresh/" "$@" "$corpus" "$BUILD/fuzz/seeds/$target" >&2 || status=$?
  [ "$status" -ne 0 ] || return 0
  # One at most: the target ends there. A slow unit is none.
  for file in "$fresh"/{crash,timeout,oom}-*; do
    [ -e "$file" ] || continue
    case $file in
      */timeout-* | */oom-*)
        # The machine may be busy, and the process has run many inputs: is it this one alone?
        if (ulimit -t 20 && run_fuzz_target "$target" "$file" >&2); then
          note "by itself it is none"
          return 0
        fi
        ;;
    esac
    say "in base64:"
    base64 "$file" >&2
    mv "$file" "$findings/$target-${file##*/}"
    file=${findings#"$ROOT"/}/$target-${file##*/}
    echo "$file; to see it again: tools/dev fuzz $target $file"
    return 1
  done
  echo "$target ended with status $status; see above"
  return 1
}

# run_fuzz_target TARGET ARGUMENTS...
run_fuzz_target() {
  local target=$1
  shift
  ASAN_OPTIONS=allow_user_poisoning=0:detect_container_overflow=0:detect_leaks=0:allocator_may_return_null=1:malloc_context_size=8:quarantine_size_mb=32 \
    "$BUILD/fuzz/test/fuzz/fuzz_$target" -rss_limit_mb=2500 -malloc_limit_mb=1500 "$@"
}
