#!/bin/sh
# What a host has of the packages that it is to get. Arguments: conda or mamba (how its cache is laid out), 1 where the
# task becomes the owner of what it changes, the cache that is written first, the number of caches, the caches, then for each package six: its algorithm (md5, sha256), its
# digest, its address, what it is called while it waits, its archive's name, its folder in a cache laid out as mamba's.
# Records:
#   =has 2    number of the package from 0; cache (the tool would fetch nothing), staged (it waits, whole), or clash (a
#             package of that name from elsewhere is unpacked there: conda would look no further)
#   =free 1   bytes free where the cache is
#   =no 2     nothing can be carried here, and why: missing PROGRAM, foreign UID, place PATH
#   =end 0
# What was carried long ago and not used goes: it can be carried again.
# shellcheck shell=sh
cy_layout=$1 cy_as=$2 cy_cache=$3 cy_n=$4
shift 4
cy_caches=$cy_n
cy_i=0
while [ "$cy_i" -lt "$cy_n" ]; do
  cy_i=$((cy_i + 1))
  eval "cy_c$cy_i=\$1"
  shift
done
cy_no() {
  printf '%s\0' =no 2 "$1" "$2" =end 0
  exit 0
}
for cy_t in awk cat df find grep id md5sum mkdir mv sha256sum stat tail wc; do
  command -v "$cy_t" >/dev/null 2>&1 || cy_no missing "$cy_t"
done
cy_uid=$(id -u)
cy_at=$cy_cache
while ! [ -e "$cy_at" ] && [ -n "$cy_at" ]; do cy_at=${cy_at%/*}; done
cy_at=${cy_at:-/}
cy_o=$(stat -L -c %u -- "$cy_at" 2>/dev/null)
# The task works as the one who owns it, and would not get at what we put there.
if { [ "$cy_uid" = 0 ] || [ "$cy_as" = 1 ]; } && [ "$cy_o" != "$cy_uid" ]; then cy_no foreign "$cy_o"; fi
[ -w "$cy_at" ] || cy_no place "$cy_at"
printf '%s\0' =free 1 "$(df -kP -- "$cy_at" 2>/dev/null | awk 'END { printf "%.0f", $(NF - 2) * 1024 }')"
cy_stage=$cy_cache/.condafleet-carried-$cy_uid
if [ -L "$cy_stage" ]; then cy_no place "$cy_stage"; fi
# shellcheck disable=SC3067 # dash, bash and busybox know it
if [ -e "$cy_stage" ] && { ! [ -d "$cy_stage" ] || ! [ -O "$cy_stage" ]; }; then cy_no place "$cy_stage"; fi
if [ -d "$cy_stage" ]; then
  find "$cy_stage/." -type f '(' -name 'part.*' -mmin +60 -o -mtime +6 ')' -exec rm -f '{}' + 2>/dev/null
fi
# cy_sum ALGORITHM FILE
cy_sum() {
  cy_s=$("${1}sum" <"$2" 2>/dev/null)
  cy_s=${cy_s%% *}
}
# cy_unpacked FOLDER: 0 where the package itself lies there, 1 where nothing does, 2 where something else does
cy_unpacked() {
  cy_r=$1/info/repodata_record.json
  [ -f "$cy_r" ] || return 1
  if grep -qF "\"$cy_digest\"" "$cy_r" && grep -qF "\"$cy_url\"" "$cy_r"; then return 0; fi
  return 2
}
# cy_known CACHE: conda goes by what its list of addresses says last of an archive of that name
cy_known() {
  [ "$cy_layout" = conda ] || return 0
  [ "$(grep -aF "/$cy_file" "$1/urls.txt" 2>/dev/null | tail -n 1)" = "$cy_url" ]
}
# cy_find: how it is there, as cy_how
cy_find() {
  cy_how=
  cy_stem=${cy_file%.conda}
  cy_stem=${cy_stem%.tar.bz2}
  cy_i=0
  while [ "$cy_i" -lt "$cy_caches" ]; do
    cy_i=$((cy_i + 1))
    cy_d=
    eval "cy_d=\$cy_c$cy_i"
    for cy_p in "$cy_d" "$cy_d/$cy_folder"; do
      [ "$cy_layout" = mamba ] || [ "$cy_p" = "$cy_d" ] || continue
      cy_unpacked "$cy_p/$cy_stem"
      case $? in
        0)
          cy_how=cache
          return
          ;;
        2)
          if [ "$cy_layout" = conda ]; then
            [ "$cy_d" != "$cy_cache" ] || cy_how=clash
            continue
          fi
          ;;
      esac
      if [ -f "$cy_p/$cy_file" ] && cy_known "$cy_d"; then
        cy_sum "$cy_algorithm" "$cy_p/$cy_file"
        if [ "$cy_s" = "$cy_digest" ]; then
          cy_how=cache
          return
        fi
      fi
    done
  done
  if [ -z "$cy_how" ] && [ -f "$cy_stage/$cy_staged" ] && ! [ -L "$cy_stage/$cy_staged" ]; then
    cy_sum "$cy_algorithm" "$cy_stage/$cy_staged"
    if [ "$cy_s" = "$cy_digest" ]; then cy_how=staged; else rm -f "$cy_stage/$cy_staged"; fi
  fi
}
cy_number=0
while [ $# -ge 6 ]; do
  cy_algorithm=$1 cy_digest=$2 cy_url=$3 cy_staged=$4 cy_file=$5 cy_folder=$6
  shift 6
  cy_find
  [ -z "$cy_how" ] || printf '%s\0' =has 2 $cy_number $cy_how
  cy_number=$((cy_number + 1))
done
printf '=end\0000\000'
