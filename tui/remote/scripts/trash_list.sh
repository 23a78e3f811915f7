#!/bin/sh
# What was put aside on this machine, and what interrupted removals left.
#
# Arguments: directories in or above which it may lie (installs, directories of environments); what this account put
# aside is found without. Records: `=now 2 EPOCH UID`, `=aside 5 ID FOLDER STATE UID META` (STATE: kept, left; META as
# in change_trash.sh), at the end `=end`.
LC_ALL=C
export LC_ALL
PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}:/usr/bin:/bin:/usr/sbin:/sbin
export PATH
unset CDPATH
set +f
tr_nl='
'
tr_seen=' '
printf '%s\0' =now 2 "$(date +%s)" "$(id -u)"
tr_one() { # FOLDER
  tr_id=${1##*/}
  case $tr_id in [0-9]*-[0-9]*-*) ;; *) return ;; esac
  case $tr_id in *[!0-9a-f-]*) return ;; esac
  case $tr_seen in *" $tr_id "*) return ;; esac
  if [ -L "$1" ] || ! [ -d "$1" ]; then return; fi
  tr_state=
  if [ -d "$1/env" ] && ! [ -L "$1/env" ]; then
    tr_state=kept
  elif [ -d "$1/gone" ] && ! [ -L "$1/gone" ]; then
    tr_state=left
  fi
  [ -n "$tr_state" ] || return
  tr_seen="$tr_seen$tr_id "
  tr_meta=
  [ -f "$1/meta" ] && ! [ -L "$1/meta" ] && tr_meta=$(head -c 20000 -- "$1/meta" 2>/dev/null | tr -d '\000')
  printf '%s\0' =aside 5 "$tr_id" "$1" "$tr_state" "$(stat -c %u -- "$1" 2>/dev/null)" "$tr_meta"
}
tr_index() { # FOLDER
  for tr_l in "$1"/condafleet/trash/*; do
    [ -L "$tr_l" ] || continue
    tr_p=$(readlink "$tr_l" && printf x)
    tr_p=${tr_p%x}
    tr_p=${tr_p%"$tr_nl"}
    case $tr_p in /*/.condafleet-trash/"${tr_l##*/}") tr_one "$tr_p" ;; esac
  done
}
case ${XDG_STATE_HOME:-} in
  /*) tr_index "$XDG_STATE_HOME" ;;
  *) case ${HOME:-} in /*) tr_index "$HOME/.local/state" ;; esac ;;
esac
# What the login that asks as root put aside itself.
case ${CONDAFLEET_LOGIN:-} in *:/*) tr_index "${CONDAFLEET_LOGIN#*:}/.local/state" ;; esac
for tr_d; do
  case $tr_d in /*) ;; *) continue ;; esac
  tr_d=$(cd -P -- "$tr_d" 2>/dev/null && printf '%sx' "$PWD") || continue
  tr_d=${tr_d%x}
  while [ -n "$tr_d" ]; do
    if [ -d "$tr_d/.condafleet-trash" ] && ! [ -L "$tr_d/.condafleet-trash" ]; then
      for tr_p in "$tr_d"/.condafleet-trash/*; do tr_one "$tr_p"; done
    fi
    tr_d=${tr_d%/*}
  done
done
printf '=end\0000\000'
