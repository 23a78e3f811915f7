#!/bin/sh
# A package manager's own dry run, after change_env.sh. Arguments: seconds, then the command line. Answer: `=out STDOUT`,
# then `=end CODE STDERR`; code 124: it took longer.
LC_ALL=C
export LC_ALL
PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}:/usr/bin:/bin:/usr/sbin:/sbin
export PATH
dr_limit=
timeout 1 true 2>/dev/null && dr_limit="timeout $1"
shift
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
