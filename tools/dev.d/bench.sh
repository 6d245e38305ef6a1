# Times against other programs. Sourced by tools/dev.

# Peers have an environment of their own: what they want may differ from what the tests pin.
PEERS_VENV=${HALFTONE_PEERS_VENV:-$ROOT/.venv-peers}

# command_bench [minilm|linear|llm|startup] [OPTIONS]
command_bench() {
  local what=minilm
  case ${1:-} in
    minilm | linear | llm | startup)
      what=$1
      shift
      ;;
    '' | -*) ;;
    *) fail_usage "bench: what is '$1'? (bench [minilm|linear|llm|startup] [OPTIONS])" ;;
  esac
  setup_packages
  setup_python peers
  setup_peers
  build
  HALFTONE_PEERS=1 HALFTONE_BUILD_DIR=$BUILD \
    "$PEERS_VENV/bin/python" "test/bench/bench_$what.py" --output "$BUILD/bench" "$@" ||
    fail "the benchmark failed; see above"
}

# Each line of requirements-bench.txt by itself: the benchmark runs without those that cannot be
# had, and says which. Torch and the exporters are those of the tests, seen through a .pth file.
setup_peers() {
  local tests=$VENV VENV=$PEERS_VENV stamp=$PEERS_VENV/.requirements-bench wanted line
  wanted=$(sha256sum <test/requirements-bench.txt)
  [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && return
  need_space "$ROOT" 3 "the benchmarks' peers"
  make_venv
  "$tests/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
    >"$("$VENV/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/tests.pth"
  grep -v '^#' test/requirements-bench.txt | while read -r line; do
    say "installing $line"
    # shellcheck disable=SC2086
    # llama.cpp is built here; other compilers' AMX code of it was seen to crash.
    CC=clang-22 CXX=clang++-22 logged 's/^\(ERROR\):.*/    &/p' "$BUILD/logs/pip-bench.log" "$VENV/bin/python" -m pip install \
      --disable-pip-version-check --progress-bar off --retries 5 $line ||
      note "not to be had: the benchmark goes without"
  done
  echo "$wanted" >"$stamp"
}
