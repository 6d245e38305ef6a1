# Configuring and building. Sourced by tools/dev.

command_build() {
  setup_packages
  build "$@"
  note "programs are in ${BUILD#"$ROOT"/}/bin"
}

# build [TARGET...]
build() {
  configure
  say "building${*:+ $*}"
  ninja -C "$BUILD" -j "$(jobs_count)" "$@" >&2 || fail "the build failed; see above"
}

configure() {
  # What ccache needs to keep results that came through the precompiled header;
  # without -fno-pch-timestamp a header from the cache would be refused.
  export CCACHE_BASEDIR=$ROOT CCACHE_NOHASHDIR=1
  export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
  [ -f "$BUILD/build.ninja" ] && return
  say "configuring in $BUILD"
  cmake -G Ninja -S "$ROOT" -B "$BUILD" \
    -DCMAKE_C_COMPILER=clang-22 -DCMAKE_CXX_COMPILER=clang++-22 \
    -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS="-Xclang -fno-pch-timestamp" \
    -DCMAKE_EXE_LINKER_FLAGS=-fuse-ld=lld -DCMAKE_SHARED_LINKER_FLAGS=-fuse-ld=lld \
    >&2 || fail "cmake could not configure the build; see above"
}
