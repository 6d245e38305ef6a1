# Every test in one run. Sourced by tools/dev.

command_test() {
  local peers=0 filter=
  while [ $# -gt 0 ]; do
    case $1 in
      --peers) peers=1 ;;
      -*) fail_usage "test: what is '$1'? (test [--peers] [FILTER])" ;;
      *)
        [ -z "$filter" ] || fail_usage "test: one filter at a time, not '$filter' and '$1'"
        filter=$1
        ;;
    esac
    shift
  done

  setup_packages
  if [ "$peers" = 1 ]; then setup_python peers; else setup_python light; fi
  build

  # Tests that need torch ask for HALFTONE_PEERS, not for what happens to be there.
  export HALFTONE_PEERS=$peers HALFTONE_BUILD_DIR=$BUILD HALFTONE_TEST_PYTHON=$VENV/bin/python
  local results=$BUILD/test/results
  rm -rf "$results"
  mkdir -p "$results"
  run_lit "$results" "$filter"
  run_gtest "$results" "$filter"
  run_pytest "$results" "$filter"
  run_fuzz "$results" "$filter"

  # The last line: N passed, N failed, N skipped.
  "$VENV/bin/python" tools/dev.d/summary.py "$results"
}

# Each of the four may fail: its results say so, and the others still run. A
# runner that died leaves "crashed" in place of its results.

run_lit() {
  say "lit"
  lit_pass "$1/lit.json" "$2"
  say "lit again, every module through text and bytecode and back"
  lit_pass "$1/lit-roundtrip.json" "$2" --param verify_roundtrip=1
}

# lit_pass RESULTS FILTER OPTIONS...
lit_pass() {
  local results=$1 filter=$2 status=0
  shift 2
  /usr/lib/llvm-22/bin/lit -j "$(jobs_count)" -sv --timeout 1200 --allow-empty-runs --time-tests \
    --filter "$filter" --output "$results" --param python="$VENV/bin/python" "$@" "$BUILD/test" ||
    status=$?
  # lit writes no results when the filter matches no test.
  [ "$status" -le 1 ] && { [ -s "$results" ] || [ -n "$filter" ]; } || echo crashed >"$results"
}

run_gtest() {
  local results=$1 filter=$2 program name chosen
  while read -r program; do
    name=$(basename "$program")
    chosen=$(gtest_filter "$program" "$filter") || continue
    say "GoogleTest: $name"
    # With a result file even when the program dies: gtest writes it at the end.
    echo crashed >"$results/gtest-$name.json"
    (cd "$(dirname "$program")" &&
      "$program" --gtest_brief=1 --gtest_filter="$chosen" --gtest_output="json:$results/gtest-$name.json.done") || true
    [ ! -s "$results/gtest-$name.json.done" ] || mv "$results/gtest-$name.json.done" "$results/gtest-$name.json"
  done <"$BUILD/test/gtests.txt"
}

# The tests of PROGRAM whose full name matches the regular expression, as a gtest
# filter; fails when there is none.
gtest_filter() {
  [ -n "$2" ] || { echo '*'; return; }
  local names
  names=$("$1" --gtest_list_tests | awk '/^[^ ]/ {suite = $1} /^ / {print suite $1}' | grep -E -- "$2") || return 1
  paste -s -d : <<<"$names"
}

run_pytest() {
  local results=$1 filter=$2 status=0
  say "end to end"
  "$VENV/bin/python" -m pytest test/e2e test/conformance test/hostile test/tools -p no:cacheprovider -q -rfEs --durations 10 \
    --only "$filter" --junitxml "$results/pytest.xml" || status=$?
  # 5: no test was chosen.
  case $status in 0 | 1 | 5) ;; *) echo crashed >"$results/pytest.xml" ;; esac
}

# A minute of all targets, the same inputs each time as far as libFuzzer can. A filter
# that has not "fuzz" in it leaves them out even where it matches: they take long to build.
run_fuzz() {
  local results=$1/fuzz.tsv filter=$2 target found
  [[ -z $filter || $filter == *fuzz* ]] || return 0
  (build_fuzz_targets && make_fuzz_seeds) || {
    echo crashed >"$results"
    return 0
  }
  for target in $FUZZ_TARGETS; do
    grep -qE -- "$filter" <<<"fuzz.$target" || continue
    rm -rf "$BUILD/fuzz/corpus-of-test"
    if found=$(fuzz "$target" "$(fuzz_share "$target" 60 "$FUZZ_TARGETS")" "$BUILD/fuzz/corpus-of-test" -seed=1); then
      printf 'passed\tfuzz.%s\n' "$target"
    else
      printf 'failed\tfuzz.%s: %s\n' "$target" "$found"
    fi
  done >"$results"
}
