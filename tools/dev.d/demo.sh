# The first thing a newcomer sees: a trained model as a native program. Sourced by
# tools/dev.

DEMO_MODEL=tools/model/stories-3M/model.onnx
DEMO_GOLDEN=tools/model/stories-3M/golden

command_demo() {
  [ $# -eq 0 ] || fail_usage "demo: what is '$1'? (demo takes no options)"
  [ -f "$DEMO_MODEL" ] || fail "the model of the demonstration, $DEMO_MODEL, is missing from this checkout"
  setup_packages
  build halftone

  local out=$BUILD/demo
  mkdir -p "$out"
  export PATH=$BUILD/bin:$PATH

  say "compiling $DEMO_MODEL"
  show halftone compile "$DEMO_MODEL" -o "$out/stories"
  note "$(du -h "$out/stories" | cut -f 1) in one file; it needs $(ldd "$out/stories" | awk '/=>/ {print $1}' | xargs | sed 's/ /, /g')"

  cd "$out"
  say "what is in it"
  show ./stories --describe
  say "what may come next, after the tokens of golden/next_tokens.npy"
  show ./stories --next "$ROOT/$DEMO_GOLDEN/next_tokens.npy"
  say "how well it predicts text that it has never seen"
  show ./stories --perplexity "$ROOT/$DEMO_GOLDEN/eval_tokens.npy"
  say "how fast it is"
  show ./stories --bench 50 --shape batch=1,sequence=128
  say "done. The program is ${out#"$ROOT"/}/stories; it needs neither this repository nor Python"
}

# Prints a command as a person would type it, runs it, and fails with its name.
show() {
  printf '\n%s$ %s%s\n' "$BOLD" "${*//$ROOT\//}" "$PLAIN"
  "$@" || fail "'$*' failed with exit code $?"
  echo
}
