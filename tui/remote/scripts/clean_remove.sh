#!/bin/sh
# shellcheck disable=SC2034,SC2154 # set in one part of the text and read in another, or by eval
# Cleaning, third part: saying what goes, or removing it. It goes on in the text of clean_decide.sh.

cl_out=$(cl_decide)
case $cl_out in *.) ;; *)
  echo 'What is there could not be read.'
  exit 1
  ;;
esac
while IFS= read -r cl_l; do
  # shellcheck disable=SC2086 # words are wanted
  case $cl_l in [LK]\ *) set -- $cl_l ;; *) continue ;; esac
  if [ "$1" = L ]; then
    eval "cl_p=\$cl_p$2 cl_c=\$cl_c$2"
    [ -z "$cl_c" ] || cl_concern tool_runs "$cl_p" lock
    continue
  fi
  eval "cl_p=\$cl_p$4"
  cl_say kept "$2" "$3" "$cl_p" "$5"
  cl_log "stays: $cl_p: $3: $5 $2"
done <<END
$cl_out
END
[ -z "$cl_bad" ] || cl_end 3

# Says "part" of every part but those named in $cl_half.
cl_parts() {
  cl_x=0
  while IFS= read -r cl_l; do
    # shellcheck disable=SC2086 # words are wanted
    case $cl_l in P\ *) set -- $cl_l ;; *) continue ;; esac
    case $cl_half in *" $2:$3 "*) ;; *) cl_x=$((cl_x + 1)) ;; esac
  done <<END
$cl_out
END
  cl_say parts "$cl_x"
  while IFS= read -r cl_l; do
    # shellcheck disable=SC2086 # words are wanted
    case $cl_l in P\ *) set -- $cl_l ;; *) continue ;; esac
    case $cl_half in *" $2:$3 "*) continue ;; esac
    eval "cl_p=\$cl_p$3"
    cl_say part "$2" "$cl_p" "$4" "$5" "$6"
    cl_log "$cl_p: $2: $4 files, $5 bytes"
  done <<END
$cl_out
END
}
cl_half=
if [ "$cl_mode" = look ]; then
  cl_parts
  cl_end 0
fi

trap 'exit 130' INT TERM HUP
# The file systems, each once, by a directory on it.
cl_seen=' '
set --
cl_at=0
while [ $cl_at -lt "$cl_n" ]; do
  cl_at=$((cl_at + 1))
  eval "cl_r=\$cl_r$cl_at cl_d=\$cl_d$cl_at cl_c=\$cl_c$cl_at"
  [ -n "$cl_c" ] || continue
  case $cl_seen in *" ${cl_d%:*} "*) continue ;; esac
  cl_seen="$cl_seen${cl_d%:*} "
  set -- "$@" "$cl_r"
done
cl_free() { # DIRECTORY: "BYTES INODES" that are free once everything is written
  sync -f "$1" 2>/dev/null || sync
  # shellcheck disable=SC2046 # words are wanted
  set -- $(stat -f -c '%f %S %d' "$1" 2>/dev/null)
  [ $# -eq 3 ] && echo "$(($1 * $2)) $3"
}
cl_x=0
for cl_r; do
  cl_x=$((cl_x + 1))
  eval "cl_b$cl_x=\$(cl_free \"\$cl_r\")"
done

cl_rest() { # what was gathered of one cache goes
  [ -z "$cl_stage" ] && return
  if grep -q -F -e "/${cl_stage#./}/" /proc/self/mountinfo; then
    echo "Something was mounted in $PWD/${cl_stage#./} meanwhile: it stays."
  else
    $cl_as find "$cl_stage" -xdev -type d ! -perm -u=rwx -exec chmod u+rwx '{}' ';' </dev/null
    $cl_as find "$cl_stage" -xdev -depth -delete </dev/null
  fi
  if [ -e "$cl_stage" ]; then
    cl_say left "$PWD/${cl_stage#./}"
    cl_code=1
    cl_half="$cl_half$cl_staged"
  fi
  cl_stage=
  cl_staged=
}
# cl_alone: when somebody began to change the install, what was gathered goes, and the rest is decided anew after that has
# ended: cl_new. Asked before every eighth entry; each of these is gone in a millisecond or two, so that he goes unseen for
# some milliseconds at most, and for as long as it takes to look.
cl_alone() {
  ta_busy || return 0
  cl_rest
  echo 'Somebody began to change this install: waiting for that, and deciding anew.'
  ta_dir=$CONDAFLEET_SPOOL
  ta_told=
  rm -f "$ta_dir/started"
  while ta_busy; do
    ta_wait process '' "$ta_found" ''
    ta_nap
  done
  rm -f "$ta_dir/waiting"
  ta_put "$ta_dir/started" "$(date +%s)"
  cl_anew=1
  cl_now=
  cl_new=$(cl_decide)
  case $cl_nl$cl_new in *"${cl_nl}L "*) cl_new= ;; *.) ;; *) cl_new= ;; esac
  for cl_x in .conda_lock*; do
    if [ -e "$cl_x" ]; then cl_new=; fi
  done
}
# cl_still LINE: whether it may go by the last decision, too
cl_still() {
  [ -n "$cl_anew" ] || return 0
  case $cl_nl$cl_new$cl_nl in *"$cl_nl$1$cl_nl"*) return 0 ;; esac
  return 1
}
# cl_enter: nothing but the very directory that was looked at
cl_enter() {
  eval "cl_r=\$cl_r$cl_at cl_d=\$cl_d$cl_at cl_t=\$cl_t$cl_at cl_as=\$cl_a$cl_at"
  cl_now=$cl_at
  if ! cd -P -- "$cl_r" || { [ "$cl_t" = cache ] && [ "$(find . -maxdepth 0 -printf %D:%i)" != "$cl_d" ]; }; then
    echo "$cl_r is not what it was."
    cl_code=1
    return 1
  fi
}
cl_code=0
cl_anew=
cl_half=' '
cl_now=
cl_stage=
cl_staged=
cl_as=
cl_done=0
while IFS= read -r cl_l; do
  case $cl_l in R\ *) ;; *) continue ;; esac
  cl_l=${cl_l#R }
  cl_k=${cl_l%% *}
  cl_l=${cl_l#* }
  cl_at=${cl_l%% *}
  cl_e=${cl_l#* }
  if [ "$cl_now" != "$cl_at" ]; then
    cl_rest
    cl_enter || break
  fi
  if [ $((cl_done % 8)) -eq 0 ]; then
    cl_alone
    [ -n "$cl_now" ] || cl_enter || break
  fi
  cl_still "R $cl_k $cl_at $cl_e" || continue
  if [ -d "$cl_e" ] && ! [ -L "$cl_e" ]; then
    if [ -z "$cl_stage" ]; then
      cl_stage=$($cl_as mktemp -d ./.tmp-condafleet-XXXXXX) || {
        cl_code=1
        break
      }
    fi
    $cl_as test -w "$cl_e" || $cl_as chmod u+rwx "$cl_e"
    cl_done=$((cl_done + 1))
    $cl_as mv -f -- "$cl_e" "$cl_stage/$cl_done" && cl_staged="$cl_staged $cl_k:$cl_at "
  else
    cl_done=$((cl_done + 1))
    $cl_as rm -f -- "$cl_e"
  fi
  [ $((cl_done % 100)) -ne 0 ] || echo "$cl_done entries removed"
done <<END
$cl_out
END
cl_rest
while IFS= read -r cl_l; do
  case $cl_l in R\ *) ;; *) continue ;; esac
  cl_l=${cl_l#R }
  cl_k=${cl_l%% *}
  cl_l=${cl_l#* }
  eval "cl_r=\$cl_r${cl_l%% *}"
  cl_e=$cl_r/${cl_l#* ./}
  [ -e "$cl_e" ] || [ -L "$cl_e" ] || continue
  if ! cl_still "R $cl_k $cl_l"; then
    echo "stays: $cl_e: somebody changed the install meanwhile"
    cl_half="$cl_half $cl_k:${cl_l%% *} "
    continue
  fi
  cl_code=1
  echo "still there: $cl_e"
  case $cl_half in *" $cl_k:${cl_l%% *} "*) ;; *) cl_say left "$cl_e" ;; esac
  cl_half="$cl_half $cl_k:${cl_l%% *} "
done <<END
$cl_out
END
cl_parts
cl_x=0
for cl_r; do
  cl_x=$((cl_x + 1))
  cl_a=$(cl_free "$cl_r")
  eval "cl_b=\$cl_b$cl_x"
  if [ -z "$cl_a" ] || [ -z "$cl_b" ]; then continue; fi
  cl_m=$(stat -c %m "$cl_r" 2>/dev/null) || cl_m=$cl_r
  cl_say freed "$cl_m" "${cl_b% *}" "${cl_a% *}" "${cl_b#* }" "${cl_a#* }"
  echo "$cl_m: $((${cl_a% *} - ${cl_b% *})) bytes came free"
done
exit $cl_code
