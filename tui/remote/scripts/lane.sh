#!/bin/sh
# The first words to a resident shell: a known locale, a PATH that holds the basic tools, and the
# two functions that frame answers. Nothing here writes a file.
LC_ALL=C
export LC_ALL
# The account's own, for what it is to keep; ours is for what scripts put aside.
# shellcheck disable=SC2034
cf_umask=$(umask)
umask 077
unset CDPATH ENV BASH_ENV GREP_OPTIONS GREP_COLORS
# A restricted or empty PATH is completed; one that holds the basic tools is left as the host set it.
for cf_t in awk find sed cat tr; do
  command -v "$cf_t" >/dev/null 2>&1 && continue
  PATH="${PATH:+$PATH:}/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
  export PATH
  break
done
# R NONCE FUNCTION ARGUMENT...: run FUNCTION in a subshell, its output between two markers. Standard input
# is empty, so that no tool swallows what the shell is still to read.
R() {
  cf_n=$1
  shift
  printf '\n@%s{' "$cf_n"
  ("$@") </dev/null
  printf '\n@%s}%s\n' "$cf_n" "$?"
}
# Z: the same, compressed.
Z() {
  cf_n=$1
  shift
  printf '\n@%s{' "$cf_n"
  ("$@") </dev/null | gzip -1
  printf '\n@%s}%s\n' "$cf_n" "$?"
}
# S: who this shell is (process id, start time in clock ticks) and whether it can compress.
S() {
  cf_l=
  [ -r "/proc/$$/stat" ] && IFS= read -r cf_l <"/proc/$$/stat"
  # shellcheck disable=SC2086 # words are wanted
  set -- ${cf_l##*) }
  printf '%s %s ' "$$" "${20:--}"
  if command -v gzip >/dev/null 2>&1; then printf 'gzip'; fi
}
# A PID START: says "yes" while the process that began at START lives.
A() {
  [ -r "/proc/$1/stat" ] || return 0
  IFS= read -r cf_l 2>/dev/null <"/proc/$1/stat" || return 0
  cf_s=$2
  # shellcheck disable=SC2086 # words are wanted
  set -- ${cf_l##*) }
  [ "${20:--}" = "$cf_s" ] && printf 'yes'
  return 0
}
