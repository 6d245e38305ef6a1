# The first thing a newcomer sees: a trained model as a native program. Sourced by
# tools/dev.

DEMO_FOLDER=tools/model/stories-3M

command_demo() {
  [ $# -eq 0 ] || fail_usage "demo: what is '$1'? (demo takes no options)"
  local file
  for file in model.onnx model.safetensors tokenizer.json golden/golden.json golden/eval_tokens.npy; do
    [ -f "$DEMO_FOLDER/$file" ] || fail "$DEMO_FOLDER/$file is missing from this checkout"
  done
  setup_packages
  build halftone

  local out=$BUILD/demo folder=$ROOT/$DEMO_FOLDER
  local tokens=(python3 "$ROOT/tools/dev.d/tokens.py" "$folder")
  mkdir -p "$out"
  export PATH=$BUILD/bin:$PATH

  say "compiling a trained language model to a native program"
  local began=${EPOCHREALTIME/./}
  show halftone compile "$DEMO_FOLDER/model.onnx" -o "$out/stories"
  note "$(((${EPOCHREALTIME/./} - began) / 1000)) ms; $(du -h "$out/stories" | cut -f 1) in one file, which needs of the system: $(ldd "$out/stories" |
    awk '/=> \// {print $1}' | xargs | sed 's/ /, /g')"

  cd "$out"
  say "what is in it"
  show ./stories --describe

  say "what may come after these words"
  "${tokens[@]}" prompt prompt.npy || fail "cannot read $DEMO_FOLDER"
  show ./stories --next prompt.npy
  echo
  ./stories --next prompt.npy --json | "${tokens[@]}" words || fail "cannot say the answer in words"

  say "the likeliest next token, again and again: one run of the program for each"
  "${tokens[@]}" story ./stories 60 || fail "the program did not go on"

  say "how well it predicts text that it has never seen"
  show ./stories --perplexity "$folder/golden/eval_tokens.npy"
  note "torch says $(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["perplexity"])' "$folder/golden/golden.json")"

  say "how fast it is"
  show ./stories --bench 50 --shape batch=1,sequence=128
  say "done. The program is $out/stories; it needs neither this repository nor Python"
}

# Prints a command as a person would type it, runs it, and fails with its name.
show() {
  printf '\n%s$ %s%s\n' "$BOLD" "${*//$ROOT\//}" "$PLAIN"
  "$@" || fail "'$*' failed with exit code $?"
}
