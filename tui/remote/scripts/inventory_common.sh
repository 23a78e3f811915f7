#!/bin/sh
# What the scripts that look over a whole host share, before each of them.
#
# Arguments: mount points not to be touched, "--", then those of the script. Records:
#   =at 1       a place about to be touched: the last one before a silence is the one that hangs
#   =skipped 1  a place not touched, for it lies on a mount named
LC_ALL=C
export LC_ALL
PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}:/usr/bin:/bin:/usr/sbin:/sbin
export PATH
unset CDPATH
set +f
# Root, asked by a login, looks where that login's things are.
[ -z "${CONDAFLEET_LOGIN:-}" ] || HOME=${CONDAFLEET_LOGIN#*:}

rec() { # TAG COUNT FIELD...
  iv_t=$1
  shift
  printf '%s\0' "=$iv_t" "$@"
}

# The mount points not to be touched become $iv_s1, $iv_s2, …
iv_n=0
iv_m=
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  iv_n=$((iv_n + 1))
  eval "iv_s$iv_n=\$1"
  shift
done
[ $# -gt 0 ] && shift

blocked() { # PATH
  iv_i=0
  while [ $iv_i -lt $iv_n ]; do
    iv_i=$((iv_i + 1))
    eval "iv_m=\$iv_s$iv_i"
    case $1/ in "${iv_m%/}/"*) return 0 ;; esac
  done
  return 1
}

# Says which place is touched next; fails for one that must not be.
touching() { # PATH
  if blocked "$1"; then
    rec skipped 1 "$1"
    return 1
  fi
  rec at 1 "$1"
}
