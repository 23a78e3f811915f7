#!/bin/sh
# Which package archives a host has in its caches. Arguments: the number of caches, the caches, then for each package
# four: its algorithm (md5, sha256), its digest, its archive's name, its folder in a cache laid out as mamba's. Records:
#   =found 3  number of the package from 0, bytes, path: a file whose digest was looked at
#   =no 2     missing PROGRAM
#   =end 0
# shellcheck shell=sh
cy_n=$1
shift
cy_i=0
while [ "$cy_i" -lt "$cy_n" ]; do
  cy_i=$((cy_i + 1))
  eval "cy_c$cy_i=\$1"
  shift
done
for cy_t in md5sum sha256sum wc; do
  command -v "$cy_t" >/dev/null 2>&1 && continue
  printf '%s\0' =no 2 missing "$cy_t" =end 0
  exit 0
done
cy_number=0
while [ $# -ge 4 ]; do
  cy_i=0
  while [ "$cy_i" -lt "$cy_n" ]; do
    cy_i=$((cy_i + 1))
    cy_d=
    eval "cy_d=\$cy_c$cy_i"
    for cy_p in "$cy_d/$3" "$cy_d/$4/$3"; do
      if ! [ -f "$cy_p" ] || ! [ -r "$cy_p" ]; then continue; fi
      cy_s=$("${1}sum" <"$cy_p" 2>/dev/null)
      [ "${cy_s%% *}" = "$2" ] || continue
      printf '%s\0' =found 3 $cy_number "$(($(wc -c <"$cy_p")))" "$cy_p"
      break 2
    done
  done
  shift 4
  cy_number=$((cy_number + 1))
done
printf '=end\0000\000'
