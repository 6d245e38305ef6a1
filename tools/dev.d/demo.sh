# The first thing a newcomer sees: a trained model as a native program. Sourced by
# tools/dev.

DEMO_FOLDER=tools/model/stories-3M

command_demo() {
  [ $# -eq 0 ] || fail_usage "demo: what is '$1'? (demo takes no options)"
  local file
  for file in config.json model.safetensors tokenizer.json golden/golden.json golden/eval_tokens.npy; do
    [ -f "$DEMO_FOLDER/$file" ] || fail "$DEMO_FOLDER/$file is missing from this checkout"
  done
  setup_packages
  build halftone

  local out=$BUILD/demo folder=$ROOT/$DEMO_FOLDER
  mkdir -p "$out"
  export PATH=$BUILD/bin:$PATH

  say "compiling a trained language model to a native program that writes"
  local began=${EPOCHREALTIME/./}
  show halftone compile "$DEMO_FOLDER" -o "$out/stories" --max context=512
  note "$(((${EPOCHREALTIME/./} - began) / 1000)) ms; $(du -h "$out/stories" | cut -f 1) in one file, which needs of the system: $(ldd "$out/stories" |
    awk '/=> \// {print $1}' | xargs | sed 's/ /, /g')"

  cd "$out"
  say "a story"
  show ./stories -p "Once upon a time, there was a little dragon" -n 150 --seed 7

  say "what is in it"
  show ./stories --describe

  say "how well it predicts text that it has never seen"
  show ./stories --perplexity "$folder/golden/eval_tokens.npy"
  note "torch says $(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["perplexity"])' "$folder/golden/golden.json")"

  say "how fast it is"
  show ./stories --bench prefill=256,decode=128
  say "done. The program is $out/stories; it needs neither this repository nor Python"
}

# Prints a command as a person would type it, runs it, and fails with its name.
show() {
  local word line=
  for word in "$@"; do
    [[ $word != *' '* ]] || word="\"$word\""
    line+=" ${word//$ROOT\//}"
  done
  printf '\n%s$%s%s\n' "$BOLD" "$line" "$PLAIN"
  "$@" || fail "'$*' failed with exit code $?"
}
