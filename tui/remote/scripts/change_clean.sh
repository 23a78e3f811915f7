#!/bin/sh
# shellcheck disable=SC2034,SC2154 # set in one part of the text and read in another, or by eval
# Cleaning: chosen parts of package caches, and other tools' caches of this account, are looked at, or removed. It goes
# on in clean_decide.sh, after disk_parts.sh, and in clean_remove.sh; before it comes cache_kinds.sh.
#
# Arguments: "look" or "do", then in any order
#   older SECONDS          only what was not changed for so long
#   accept KIND            a concern that the person accepted
#   cache PATH ID PARTS    a package cache. PARTS: letters, t tarballs, p packages that nothing uses, i index, m
#                          temporary, l logs; without one it is only known. ID: DEVICE:INODE it must have, - for any
#   place PATH             where environments are: their soft links use packages; nothing below it goes that holds it
#   maybe PATH             the same, but it may be closed to us
#   tool KIND PATH ID      another tool's cache, or a part: all of it, if it is known to be made again
# What it says: as records of answers when it looks, else in the task's `said`, with words about it in the log.
#   place PATH ID          what was looked at, in a look
#   parts COUNT            so many "part" follow: what is said may be cut off behind it
#   part KIND PATH FILES BYTES UNITS   what goes, or went: inodes whose last link it is, blocks
#   kept WHY KIND PATH COUNT      in_use, used, young, environment, mounted, odd, unknown: what stays and why
#   concern KIND PLACE DETAIL     for which nothing of all this is done: the exit status is then 3
#   left PATH              what was to go and is still there
#   freed MOUNT BEFORE AFTER BEFORE AFTER   free bytes and free inodes by the file system itself, each after sync
# Nothing is removed but entries that disk_parts.sh calls so, each whole: a directory is renamed out of sight first, to
# one that counts as temporary itself, so that whatever ends this, no half of a package can be taken for whole. It
# never leaves the file system, follows no soft link, and touches nothing that a process has open, mapped or locked.
# Root looks at everything; what it changes of another account's, it changes by that account's hand.
LC_ALL=C
export LC_ALL
PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}:/usr/bin:/bin:/usr/sbin:/sbin
export PATH
unset CDPATH
set +f
umask 077
cl_mode=$1
shift
cl_nl='
'
cl_soh=$(printf '\001')

cl_say() { # WORD FIELD...
  if [ "$cl_mode" = look ]; then
    cl_w=$1
    shift
    printf '%s\0' "=$cl_w" $# "$@"
  else
    printf '%s\0' =said $# "$@" >>"$CONDAFLEET_SPOOL/said"
  fi
}
cl_log() { [ "$cl_mode" = look ] || printf '%s\n' "$*"; }
cl_concern() { # KIND PLACE DETAIL
  cl_bad=1
  cl_say concern "$1" "$2" "$3"
  cl_log "refused: $2: $1 $3"
}
cl_end() { # STATUS
  [ "$cl_mode" = look ] && cl_say end && exit 0
  exit "$1"
}

cl_bad=
cl_older=-1
cl_accept=' '
cl_n=0
cl_places=0
while [ $# -gt 1 ]; do
  case $1 in
    older) cl_older=$2 ;;
    accept) cl_accept="$cl_accept$2 " ;;
    place | maybe)
      cl_places=$((cl_places + 1))
      eval "cl_q$cl_places=\$1 cl_w$cl_places=\$2"
      ;;
    cache | tool)
      cl_n=$((cl_n + 1))
      if [ "$1" = cache ]; then
        eval "cl_t$cl_n=cache cl_p$cl_n=\$2 cl_i$cl_n=\$3 cl_c$cl_n=\$4"
      else
        eval "cl_t$cl_n=\$2 cl_p$cl_n=\$3 cl_i$cl_n=\$4 cl_c$cl_n=a"
      fi
      shift 2
      ;;
  esac
  shift 2
done
case $(find /dev/null -maxdepth 0 -printf 'y%D' 2>/dev/null) in
  y[0-9]*) ;;
  *) cl_concern no_tool / 'GNU find' ;;
esac
awk 'BEGIN { exit 0 }' </dev/null >/dev/null 2>&1 || cl_concern no_tool / awk
[ -r /proc/self/mountinfo ] || cl_concern no_tool / /proc
[ -z "$cl_bad" ] || cl_end 3
cl_me=$(id -u)

# Mount points, as lines; a line break in one as \1.
cl_mounts=$(while read -r _ _ _ _ cl_m _; do
  case $cl_m in *\\*) cl_m=$(printf '%b' "$(printf '%s' "$cl_m" | sed 's/\\\([0-7]\)/\\0\1/g')" | tr '\n' '\001') ;; esac
  printf '%s\n' "$cl_m"
done </proc/self/mountinfo)
cl_mount() { # PATH: whether something is mounted at it or in it; with a slash behind it, in it
  case "$cl_nl$cl_mounts$cl_nl" in *"$cl_nl$1$cl_nl"* | *"$cl_nl${1%/}/"*) return 0 ;; esac
  return 1
}
cl_homes=${HOME:-}$cl_nl${CONDAFLEET_LOGIN#*:}$cl_nl
# cl_become UID: whether root can act as that account, and the words for it as cl_as
cl_become() {
  cl_as=
  [ "$1" != "$cl_me" ] || return 0
  [ "$cl_me" = 0 ] || return 1
  cl_x=$({ getent passwd "$1" 2>/dev/null || cat /etc/passwd; } | awk -F: -v "u=$1" '$3 == u { print; exit }')
  [ -n "$cl_x" ] || return 1
  cl_y=${cl_x%:*}
  cl_homes=$cl_homes${cl_y##*:}$cl_nl
  cl_x=${cl_x#*:*:*:}
  cl_as="setpriv --reuid=$1 --regid=${cl_x%%:*} --init-groups"
  $cl_as true 2>/dev/null
}
cl_known() { # PATH: whether it is, or holds, a place that is none of its own parts
  for cl_x in / "${HOME:-/}" "${CONDAFLEET_LOGIN#*:}"; do
    [ -n "$cl_x" ] || continue
    cl_x=$(cd -P -- "$cl_x" 2>/dev/null && pwd -P)
    case $cl_x/ in "$1"/*) return 0 ;; esac
  done
  return 1
}

# What is there: the real path of the directory that is entered $cl_r1, its identity $cl_d1, …
cl_at=0
while [ $cl_at -lt $cl_n ]; do
  cl_at=$((cl_at + 1))
  eval "cl_t=\$cl_t$cl_at cl_p=\$cl_p$cl_at cl_i=\$cl_i$cl_at cl_c=\$cl_c$cl_at cl_r$cl_at= cl_d$cl_at="
  cl_up=${cl_p%/*}
  case $cl_p in */ | */. | */.. | [!/]* | '')
    [ -z "$cl_c" ] || cl_concern missing "$cl_p" ''
    continue
    ;;
  esac
  cd / || exit 1
  if ! cd -P -- "${cl_up:-/}" 2>/dev/null; then
    [ -z "$cl_c" ] || cl_concern missing "$cl_p" ''
    continue
  fi
  cl_r=${PWD%/}/${cl_p##*/}
  if [ -L "$cl_r" ]; then
    [ -z "$cl_c" ] || cl_concern soft_link "$cl_p" "$(readlink "$cl_r")"
    continue
  fi
  cl_d=$(find "$cl_r" -maxdepth 0 -printf '%D:%i:%U' 2>/dev/null)
  if [ -z "$cl_d" ]; then
    [ -z "$cl_c" ] || cl_concern missing "$cl_p" ''
    continue
  fi
  cl_u=${cl_d##*:}
  cl_d=${cl_d%:*}
  if [ "$cl_t" = cache ]; then
    if ! cd -P -- "$cl_r" 2>/dev/null || ! [ -r . ]; then
      [ -z "$cl_c" ] || cl_concern not_writable "$cl_p" ''
      continue
    fi
    eval "cl_r$cl_at=\$PWD cl_d$cl_at=\$cl_d"
  else
    eval "cl_r$cl_at=\${PWD%/} cl_d$cl_at=\$cl_d"
  fi
  [ -n "$cl_c" ] || continue
  cl_as=
  [ "$cl_mode" != look ] || cl_say place "$cl_p" "$cl_d"
  if [ "$cl_i" != - ] && [ "$cl_i" != "$cl_d" ]; then cl_concern changed "$cl_p" "$cl_i $cl_d"; fi
  if ! [ -w . ]; then cl_concern not_writable "$cl_p" ''; fi
  if cl_known "$cl_r"; then cl_concern home "$cl_p" ''; fi
  if [ "$cl_t" = cache ]; then
    # Everybody's cache is changed by those who may write to it, but another account's never with root's power.
    if [ "$cl_me" = 0 ] && ! cl_become "$cl_u"; then cl_concern foreign_owner "$cl_p" "$cl_u"; fi
    if [ -d conda-meta ]; then cl_concern install_root "$cl_p" ''; fi
    # conda and micromamba keep this list in every cache; without it, names would decide what is a package.
    if ! [ -f urls.txt ]; then cl_concern missing "$cl_p" urls.txt; fi
    for cl_x in .conda_lock*; do
      if [ -e "$cl_x" ]; then cl_concern tool_runs "$cl_p" "$cl_x"; fi
    done
    if cl_mount "$PWD/"; then cl_concern mounted "$cl_p" ''; fi
  else
    if [ "$cl_u" != "$cl_me" ] && ! { [ "$cl_u" = "${CONDAFLEET_LOGIN%%:*}" ] && cl_become "$cl_u"; }; then
      cl_concern foreign_owner "$cl_p" "$cl_u"
    fi
    if cl_mount "$cl_r"; then cl_concern mounted "$cl_p" ''; fi
    case $cl_t/$cl_accept in
      runs/*' unowned '* | other/*' unowned '*) ;;
      runs/*) cl_concern unowned "$cl_p" '' ;;
      other/*) cl_concern unowned "$cl_p" other ;;
    esac
    cl_x=0
    while [ $cl_x -lt $cl_places ]; do
      cl_x=$((cl_x + 1))
      eval "cl_y=\$cl_w$cl_x"
      case $cl_y/ in "$cl_r"/*) cl_concern nested "$cl_p" "$cl_y" ;; esac
    done
    if [ -z "$cl_bad" ] && ! cache_known "$cl_t" "$cl_r"; then cl_concern missing "$cl_p" ''; fi
  fi
  eval "cl_a$cl_at=\$cl_as"
done
[ -z "$cl_bad" ] || cl_end 3
