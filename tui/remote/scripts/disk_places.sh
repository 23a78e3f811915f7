#!/bin/sh
# The disk table: for every set of owners the blocks and files that exactly this set holds, in one pass.
#
# Arguments: pairs of KIND (c: package cache, e: environment, a, o: another directory) and PATH. An owner is an
# environment or another directory, or one of the six parts of a cache (tarballs, packages, index, partial, logs,
# rest); they are numbered from 1 in the order of the arguments. disk_table.py asks and answers the same. Records:
#   =seen 1     entries looked at so far       =alive 0    about once a second
#   =place 5    number of the place from 0, state (y: counted, n: not there, x: not allowed, l: a soft link, s: the
#               same directory as the place in the next field), that place, device, real path if it is another
#   =noticed 4  place; to be added to what was noticed in it before: directories not readable, changes seen, other
#               file systems in it
#   =mounted 2  place, mount point in it: at most 20 for each place
#   =device 4   device, where it is mounted, its kind, its options of compression
#   =table 2    z (base64 of zlib), g (of gzip) or p (plain), and the text: a line "OWNERS UNIT", then lines
#               "OWNERS USERS BLOCKS FILES" with sets as digits of six bits, lowest first, - for none; bit 0 stands for
#               links outside all places, bit n for owner n; BLOCKS of 512 bytes times UNIT
#   =missing 1  a tool without which there is no table
#   =end 0      all is said: without this record nothing is true
# Files with one link are summed at once; of others, inode, links left and blocks are remembered until all links were
# seen. Soft links are never followed; one whose target names a package counts as a use of it. Closing the channel
# ends it within about a second: the word that says it is alive cannot be sent. disk_parts.sh and disk_find.sh go on in
# the same text.
LC_ALL=C
export LC_ALL
PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}:/usr/bin:/bin:/usr/sbin:/sbin
export PATH
unset CDPATH
set +f
rec() { # TAG COUNT FIELD...
  dk_t=$1
  shift
  printf '%s\0' "=$dk_t" "$@"
}
case $(find /dev/null -maxdepth 0 -newerct @1 -printf 'y%D' 2>/dev/null) in
  y[0-9]*) ;;
  *)
    rec missing 1 'GNU find'
    rec end 0
    exit 0
    ;;
esac
# The quickest awk, if there is a choice.
dk_awk=mawk
mawk 'BEGIN { exit 0 }' </dev/null >/dev/null 2>&1 || dk_awk='awk'
if ! $dk_awk 'BEGIN { exit 0 }' </dev/null >/dev/null 2>&1; then
  rec missing 1 awk
  rec end 0
  exit 0
fi
dk_now=$(date +%s.%N 2>/dev/null)
case $dk_now in '' | *[!0-9.]*) dk_now=$(($(date +%s) + 1)) ;; esac
# This very shell becomes polite, and all that it starts.
dk_x=$(exec sh -c 'echo "$PPID"')
renice -n 19 -p "$dk_x" >/dev/null 2>&1
ionice -c 3 -p "$dk_x" >/dev/null 2>&1

# The mounts: point $dk_m1, kind $dk_k1, options of compression $dk_z1, …
# A demo device: where CONDAFLEET_PLAYED names a readable directory, a file mountinfo in it is read instead.
dk_mounts=0
dk_x=${CONDAFLEET_PLAYED:-/proc/self}/mountinfo
[ -r "$dk_x" ] || dk_x=/proc/self/mountinfo
if [ -r "$dk_x" ]; then
  while read -r _ _ _ _ dk_p dk_x; do
    case $dk_p in *\\*)
      dk_p=$(printf '%b' "$(printf '%s' "$dk_p" | sed 's/\\\([0-7]\)/\\0\1/g')x")
      dk_p=${dk_p%x}
      ;;
    esac
    dk_x=${dk_x#* - }
    # shellcheck disable=SC2034 # eval reads it
    dk_k=${dk_x%% *}
    dk_z=
    case ${dk_x##* } in
      *compress*)
        dk_z=${dk_x##*compress}
        dk_z=compress${dk_z%%,*}
        ;;
    esac
    dk_mounts=$((dk_mounts + 1))
    eval "dk_m$dk_mounts=\$dk_p dk_k$dk_mounts=\$dk_k dk_z$dk_mounts=\$dk_z"
  done <"$dk_x"
fi
# Of several mounts at one point the last one counts.
mount_of() { # PATH; the number of its mount in $dk_f
  dk_f=
  dk_m=
  dk_long=0
  dk_x=0
  while [ $dk_x -lt $dk_mounts ]; do
    dk_x=$((dk_x + 1))
    eval "dk_m=\$dk_m$dk_x"
    [ ${#dk_m} -lt "$dk_long" ] && continue
    case $1/ in "${dk_m%/}/"*)
      dk_f=$dk_x
      dk_long=${#dk_m}
      ;;
    esac
  done
}

# What is at $dk_p: state $dk_s and real path $dk_r.
state() {
  dk_s=n
  dk_r=$dk_p
  dk_up=${dk_p%/*}
  case $dk_p in */ | */. | */.. | [!/]* | '') return ;; esac
  if ! cd -P -- "${dk_up:-/}" 2>/dev/null; then
    while [ -n "$dk_up" ] && ! [ -e "$dk_up" ]; do dk_up=${dk_up%/*}; done
    if [ -d "$dk_up" ] && ! [ -x "$dk_up" ]; then dk_s=x; fi
    return
  fi
  dk_r=${PWD%/}/${dk_p##*/}
  cd /
  if [ -L "$dk_r" ]; then
    dk_s=l
  elif [ -d "$dk_r" ]; then
    dk_s=y
  fi
}

# The places: kind $dk_c0, path $dk_p0, real path $dk_r0, state $dk_s0, first owner $dk_o0, device and inode $dk_i0, …
dk_n=0
dk_owners=1
dk_caches=
while [ $# -gt 1 ]; do
  dk_p=$2
  state
  eval "dk_c$dk_n=\$1 dk_p$dk_n=\$dk_p dk_r$dk_n=\$dk_r dk_s$dk_n=\$dk_s dk_o$dk_n=\$dk_owners"
  dk_n=$((dk_n + 1))
  if [ "$1" = c ]; then
    for dk_x in 0 1 2 3 4 5; do dk_caches="$dk_caches $((dk_owners + dk_x))"; done
    dk_owners=$((dk_owners + 6))
  else
    dk_owners=$((dk_owners + 1))
  fi
  shift 2
done
set --
dk_at=0
while [ $dk_at -lt $dk_n ]; do
  eval "[ \$dk_s$dk_at = y ] && set -- \"\$@\" \"\$dk_r$dk_at\""
  dk_at=$((dk_at + 1))
done
dk_ids=
if [ $# -gt 0 ]; then dk_ids=$(find "$@" -maxdepth 0 -printf '%D:%i\n' 2>/dev/null); fi
dk_x=0
for _ in $dk_ids; do dk_x=$((dk_x + 1)); done
if [ $dk_x -ne $# ]; then
  # One vanished meanwhile: they are asked one by one.
  dk_ids=
  for dk_p; do
    dk_x=$(find "$dk_p" -maxdepth 0 -printf '%D:%i' 2>/dev/null)
    dk_ids="$dk_ids ${dk_x:-gone}"
  done
fi
# shellcheck disable=SC2086 # words are wanted
set -- $dk_ids
dk_devices=' '
dk_yes=
dk_at=0
while [ $dk_at -lt $dk_n ]; do
  eval "dk_s=\$dk_s$dk_at dk_p=\$dk_p$dk_at dk_r=\$dk_r$dk_at"
  dk_e=
  dk_d=
  if [ "$dk_s" = y ]; then
    dk_i=$1
    shift
    [ "$dk_i" = gone ] && dk_s=n
    for dk_x in $dk_yes; do
      eval "[ \"\$dk_i$dk_x\" = \"\$dk_i\" ]" || continue
      dk_s=s
      dk_e=$dk_x
      break
    done
  fi
  if [ "$dk_s" = y ]; then
    dk_yes="$dk_yes $dk_at"
    eval "dk_i$dk_at=\$dk_i"
    dk_d=${dk_i%:*}
    case $dk_devices in *" $dk_d "*) ;; *)
      dk_devices="$dk_devices$dk_d "
      mount_of "$dk_r"
      eval "rec device 4 \"\$dk_d\" \"\${dk_m$dk_f:-}\" \"\${dk_k$dk_f:-}\" \"\${dk_z$dk_f:-}\""
      ;;
    esac
  fi
  [ "$dk_r" = "$dk_p" ] && dk_r=
  rec place 5 "$dk_at" "$dk_s" "$dk_e" "$dk_d" "$dk_r"
  dk_at=$((dk_at + 1))
done

