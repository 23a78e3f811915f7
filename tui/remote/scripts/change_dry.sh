#!/bin/sh
# A package manager's own dry run, after change_guard.sh and change_env.sh; by root as the one who owns it. Arguments: seconds, then the command line. Answer: `=out STDOUT`,
# then `=end CODE STDERR`; code 124: it took longer.
# shellcheck shell=sh disable=SC2154  # what change_guard.sh sets
dr_limit=
timeout 1 true 2>/dev/null && dr_limit="timeout $1"
shift
dr_o=$(stat -L -c %u -- "$1" 2>/dev/null)
if [ "$cg_uid" = 0 ] && [ "${dr_o:-0}" != 0 ]; then
  if ! cg_can_become "$dr_o"; then
    printf '%s\0' =out 1 '' =end 2 126 "$1 belongs to another account"
    exit 0
  fi
  dr_x=${cg_pw%:*}
  unset MAMBA_ROOT_PREFIX CONDARC XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME
  set -- setpriv "--reuid=$dr_o" "--regid=$cg_gid" --init-groups env "HOME=${dr_x##*:}" "$@"
  cd / || exit
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
