#!/bin/sh
# How much is free on file systems, by their own word, once everything is written. Arguments: directories. Records:
#   =free 3   directory, free bytes, free inodes
# A file system that does not tell is left out.
LC_ALL=C
export LC_ALL
PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}:/usr/bin:/bin:/usr/sbin:/sbin
export PATH
for fs_p; do
  sync -f "$fs_p" 2>/dev/null || sync
  # shellcheck disable=SC2046 # words are wanted
  set -- $(stat -f -c '%f %S %d' "$fs_p" 2>/dev/null)
  [ $# -ne 3 ] || printf '=free\0003\000%s\000%s\000%s\000' "$fs_p" "$(($1 * $2))" "$3"
done
printf '=end\0000\000'
