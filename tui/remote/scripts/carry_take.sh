#!/bin/sh
# One archive, taken from standard input up to its end, once the line "NONCE ready" was said. Arguments: the nonce, the
# cache, what it is called while it waits, its algorithm (md5, sha256), its digest, its bytes. Answers "NONCE ok",
# or "NONCE no WHY". Until every byte was looked at it has a name that nobody takes for whole; whatever ends this ends
# with it gone, or left for the next look to clear away.
# shellcheck shell=sh
cy_main() {
  LC_ALL=C
  export LC_ALL
  umask 077
  unset CDPATH ENV BASH_ENV
  cy_nonce=$1
  cy_say() { printf '\n%s %s\n' "$cy_nonce" "$1"; }
  [ -d "$2" ] || cy_said=$( (umask 022 && mkdir -p -- "$2") 2>&1)
  cy_stage=$2/.condafleet-carried-$(id -u)
  if ! [ -L "$cy_stage" ]; then mkdir -- "$cy_stage" 2>/dev/null; fi
  # shellcheck disable=SC3067 # dash, bash and busybox know it
  if [ -L "$cy_stage" ] || ! [ -d "$cy_stage" ] || ! [ -O "$cy_stage" ] || ! chmod 700 "$cy_stage"; then
    cy_say "no $cy_stage is not ours to write ${cy_said:-}"
    exit 1
  fi
  cd -P -- "$cy_stage" || exit 1
  cy_part=part.$3.$$
  trap 'rm -f "./$cy_part"' EXIT
  trap 'rm -f "./$cy_part"; exit 1' HUP INT TERM PIPE
  if ! : >"./$cy_part"; then
    cy_say "no $cy_stage cannot be written"
    exit 1
  fi
  cy_no() {
    rm -f "./$cy_part"
    cy_say "no $1"
    exit 1
  }
  cy_say ready
  cat >"./$cy_part" || cy_no "it could not be written: $(df -kP . 2>/dev/null | awk 'END { print $(NF - 2) }') KB are free"
  [ "$(($(wc -c <"./$cy_part")))" = "$6" ] || cy_no 'it is cut short'
  cy_s=$("${4}sum" <"./$cy_part")
  [ "${cy_s%% *}" = "$5" ] || cy_no "its $4 is not what the package's record says"
  mv -f -- "./$cy_part" "./$3" || exit 1
  cy_say ok
  exit 0
}
