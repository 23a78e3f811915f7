#!/bin/sh
# A package manager's own dry run, after change_guard.sh and change_env.sh; by root as the account that would do it.
# Arguments: seconds, then the command line, with the prefix behind -p. Answer: `=out STDOUT`, then `=end CODE STDERR`;
# code 124: it took longer.
# shellcheck shell=sh disable=SC2154  # what change_guard.sh sets
dr_limit=
timeout 1 true 2>/dev/null && dr_limit="timeout $1"
shift
if [ "$cg_uid" = 0 ]; then
  dr_o=$(stat -L -c %u -- "$1" 2>/dev/null)
  dr_p=
  for dr_x do
    [ "$dr_p" != -p ] || cg_actor "$dr_x"
    dr_p=$dr_x
  done
  dr_x=${cg_as:-$dr_o}
  if { [ "${dr_o:-0}" != 0 ] && [ "$dr_o" != "$dr_x" ]; } || { [ "${dr_x:-0}" != 0 ] && ! cg_can_become "$dr_x"; }; then
    printf '%s\0' =out 1 '' =end 2 126 "$1 belongs to another account"
    exit 0
  fi
  if [ "${dr_x:-0}" != 0 ]; then
    cg_user
    set -- setpriv "--reuid=$dr_x" "--regid=$cg_gid" --init-groups "$@"
    cd / || exit
  fi
fi
printf '=out\0001\000'
{
  # Both outputs without a file: the one goes on at once, of the other the end is kept, with the code behind it.
  dr_said=$(
    {
      {
        # shellcheck disable=SC2086 # words are wanted
        $dr_limit "$@" </dev/null 2>&4
        printf '\n%s' $? >&4
      } | { head -c 3000000 && cat >/dev/null; } | tr -d '\000' >&3
    } 4>&1 | tail -c 60000 | tr -d '\000'
  )
} 3>&1
printf '\000'
printf '%s\0' =end 2 "${dr_said##*"
"}" "$dr_said"
