# Debian packages. Sourced by tools/dev.

PACKAGES=(
  # The compiler's base, and what builds it; produced programs are linked by lld.
  clang-22 lld-22 libclang-rt-22-dev llvm-22-dev llvm-22-tools libmlir-22-dev mlir-22-tools
  cmake ninja-build ccache
  # Libraries of ours
  libfmt-dev libprotozero-dev zlib1g-dev
  # Tests and benchmarks
  libgtest-dev libgmock-dev libbenchmark-dev
  # lit and its time limit; the private environment of test/requirements*.txt
  python3 python3-venv python3-psutil
)

setup_packages() {
  if ! command -v dpkg-query >/dev/null; then
    check_commands
    return
  fi
  local missing=() package
  while read -r package; do
    missing+=("$package")
  done < <(missing_packages)
  [ ${#missing[@]} -eq 0 ] && return

  say "installing Debian packages: ${missing[*]}"
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null ||
      fail "the Debian packages listed above are missing; install them as root (apt-get install ${missing[*]}), or install sudo"
    as_root=(sudo)
    note "through sudo, which may ask for your password"
    sudo -v || fail "sudo was refused, so the packages listed above cannot be installed"
  fi
  need_space / 4 "the Debian packages"

  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get
    -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
  note "refreshing the list of packages"
  logged '/^[EW]: /s/^/    /p' "$BUILD/logs/apt-update.log" "${apt[@]}" update ||
    note "that failed; going on with the list that is there"
  check_candidates "${missing[@]}"
  logged 's/^Setting up \([^ ]*\) (\(.*\)) \.\.\.$/    \1 \2/p; s/^Need to get .*/    &/p' \
    "$BUILD/logs/apt-install.log" "${apt[@]}" install -y --no-install-recommends "${missing[@]}" ||
    fail "apt-get could not install: ${missing[*]}"
}

# The packages of PACKAGES that are not installed, one a line.
missing_packages() {
  local installed
  installed=$(dpkg-query -W -f '${db:Status-Abbrev}${binary:Package}\n' "${PACKAGES[@]}" 2>/dev/null || true)
  local package
  for package in "${PACKAGES[@]}"; do
    # "ii clang-22" or, for some architectures' libraries, "ii zlib1g-dev:amd64"
    grep -qE "^.i $package(:|\$)" <<<"$installed" || echo "$package"
  done
}

# Fails with a sentence when apt offers no version of one of "$@".
check_candidates() {
  local none=() package policy
  for package in "$@"; do
    policy=$(apt-cache policy "$package" 2>/dev/null)
    grep -qE '^ *Candidate: *[^( ]' <<<"$policy" || none+=("$package")
  done
  [ ${#none[@]} -eq 0 ] && return
  case " ${none[*]}" in
    *-22*)
      fail "apt offers no ${none[*]} on this machine. Halftone needs LLVM 22: enable Debian's security suite, or add LLVM's own package repository for your release (llvm-toolchain-<release>-22), then run this again"
      ;;
    *)
      fail "apt offers no ${none[*]} on this machine: check its list of package sources, then run this again"
      ;;
  esac
}

# Without dpkg nothing is installed: only look whether the tools are there.
check_commands() {
  local missing=() tool
  for tool in clang-22 clang++-22 ld.lld-22 cmake ninja python3; do
    command -v "$tool" >/dev/null || missing+=("$tool")
  done
  [ -d /usr/lib/llvm-22/lib/cmake/mlir ] || missing+=("MLIR 22's CMake files")
  [ ${#missing[@]} -eq 0 ] ||
    fail "this is no Debian system, and these are missing: ${missing[*]}. Install them (the Debian packages would be: ${PACKAGES[*]})"
}
