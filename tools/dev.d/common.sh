# Messages, steps and small checks. Sourced by tools/dev.

if [ -t 2 ] && [ -z "${NO_COLOR:-}" ]; then
  BOLD=$'\e[1m' RED=$'\e[31m' PLAIN=$'\e[0m'
else
  BOLD='' RED='' PLAIN=''
fi

# Diagnostics and progress go to stderr, results to stdout.
say() { printf '%s==>%s %s\n' "$BOLD" "$PLAIN" "$*" >&2; }
note() { printf '    %s\n' "$*" >&2; }

fail() {
  printf '%stools/dev: %s%s\n' "$RED" "$*" "$PLAIN" >&2
  exit 1
}

fail_usage() {
  printf '%stools/dev: %s%s\n' "$RED" "$*" "$PLAIN" >&2
  exit 2
}

jobs_count() { echo "${HALFTONE_JOBS:-$(nproc)}"; }

# need_space FOLDER GIGABYTES WHAT: fails when the disk lacks them.
need_space() {
  local free
  free=$(df --output=avail -B1G "$1" | tail -n 1 | tr -d ' ')
  [ "$free" -ge "$2" ] ||
    fail "$3 need about $2 GB in $1, and $free GB are free"
}

# logged FILTER LOG COMMAND...: runs COMMAND with its output in LOG, showing the
# lines that the sed script FILTER prints; on failure, the end of LOG.
logged() {
  local filter=$1 log=$2 status=0
  shift 2
  mkdir -p "$(dirname "$log")"
  "$@" </dev/null 2>&1 | tee "$log" | sed -n -u "$filter" >&2 || status=$?
  if [ "$status" -ne 0 ]; then
    tail -n 20 "$log" | sed 's/^/    | /' >&2
    note "the whole output is in $log"
  fi
  return "$status"
}

# remove_folder FOLDER MARK...: removes FOLDER if it holds one of the MARKs, which
# show that it is what we think it is.
remove_folder() {
  local folder=$1 mark
  shift
  [ -e "$folder" ] || return 0
  for mark in "$@"; do
    if [ -e "$folder/$mark" ]; then
      rm -rf -- "$folder"
      say "removed $folder"
      return
    fi
  done
  fail "$folder has no ${*}, so it may not be ours: not removed"
}
