#!/bin/sh
# How much is free on file systems, by their own word, once everything is written. Arguments: directories, then perhaps
# "--" and the ids of tasks. Records:
#   =free 4   directory, free bytes, free inodes, bytes that the folders of these tasks take there
# A file system that does not tell is left out.
LC_ALL=C
export LC_ALL
PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}:/usr/bin:/bin:/usr/sbin:/sbin
export PATH
case ${XDG_STATE_HOME:-} in
  /*) fs_base=$XDG_STATE_HOME ;;
  *) fs_base=${HOME:-/nonexistent}/.local/state ;;
esac
fs_ids=
fs_after=
for fs_p; do
  if [ -n "$fs_after" ]; then
    fs_ids="$fs_ids $fs_p"
  elif [ "$fs_p" = -- ]; then
    fs_after=1
  fi
done
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  fs_p=$1
  shift
  [ -d "$fs_p" ] || continue
  sync -f "$fs_p" 2>/dev/null || sync
  fs_d=$(find "$fs_p" -maxdepth 0 -printf %D 2>/dev/null)
  fs_own=$(for fs_i in $fs_ids; do
    find "$fs_base/condafleet/tasks/$fs_i" -printf '%D %b\n' 2>/dev/null
  done | awk -v "d=$fs_d" '$1 == d { s += $2 } END { printf "%.0f", s * 512 }')
  fs_f=$(stat -f -c '%f %S %d' "$fs_p" 2>/dev/null)
  case $fs_f in
    *[!0-9\ ]* | '') continue ;;
  esac
  fs_s=${fs_f#* }
  printf '=free\0004\000%s\000%s\000%s\000%s\000' "$fs_p" "$((${fs_f%% *} * ${fs_s% *}))" "${fs_f##* }" "${fs_own:-0}"
done
printf '=end\0000\000'
