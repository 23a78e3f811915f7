#!/bin/sh
# Looks for environments below a directory: politely, on one file system, without end of patience.
#
# Arguments: PATH, DEPTH. Records, as they happen:
#   =seen 1    directories looked at so far
#   =found 1   a prefix: a directory that holds a conda-meta directory
#   =denied 1  how many directories could not be read
#   =alive 0   once a second
#   =state 1   n (not there), x (not allowed), when nothing can be looked at
# Closing the channel ends it within a second, on a slow disk too: the word that says it is alive cannot be sent.
LC_ALL=C
export LC_ALL
PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}:/usr/bin:/bin:/usr/sbin:/sbin
export PATH
# Root, asked by a login, looks where that login's things are.
[ -z "${CONDAFLEET_LOGIN:-}" ] || HOME=${CONDAFLEET_LOGIN#*:}
rec() { # TAG COUNT FIELD...
  iv_t=$1
  shift
  printf '%s\0' "=$iv_t" "$@"
}
iv_top=$1
case $iv_top in
  \~ | \~/*)
    iv_home=${HOME:-}
    if ! [ -d "$iv_home" ]; then
      iv_uid=$(id -u)
      while IFS=: read -r _ _ iv_u _ _ iv_d _; do
        [ "$iv_u" = "$iv_uid" ] && iv_home=$iv_d && break
      done </etc/passwd
    fi
    iv_top=$iv_home${iv_top#?}
    ;;
esac
while :; do
  case $iv_top in ?*/) iv_top=${iv_top%/} ;; *) break ;; esac
done
if ! [ -d "$iv_top" ]; then
  rec state 1 n
elif ! [ -r "$iv_top" ] || ! [ -x "$iv_top" ]; then
  rec state 1 x
else
  iv_nice=
  nice -n 19 true 2>/dev/null && iv_nice='nice -n 19'
  # shellcheck disable=SC2086 # words are wanted
  $iv_nice ionice -c 3 true 2>/dev/null && iv_nice="$iv_nice ionice -c 3"
  # Directories found go past the pipe at once (fd 3), names of directories into it to be counted, and what
  # find complains of to be counted too (fd 4).
  iv_slash=$iv_top/
  [ "$iv_top" = / ] && iv_slash=/
  exec 3>&1
  iv_denied=$(
    {
      {
        # shellcheck disable=SC2016,SC2086 # the inner shell's own dollars; words are wanted
        $iv_nice find "$iv_slash" -xdev -maxdepth "$2" \
          -type d -print0 \
          \( \( -name pkgs -o -name __pycache__ -o -name .git -o -name .condafleet-trash -o -name node_modules -o -name .snapshot \) -prune \
          -o \( -name lib -o -name include -o -name share -o -name bin -o -name etc -o -name ssl -o -name man \) \
          -exec test -d '{}/../conda-meta' \; -prune \
          -o -name conda-meta -exec sh -c 'printf "=found\0001\000%s\000" "${1%/conda-meta}" >&3' sh '{}' \; -prune \) \
          2>&4 &
        iv_find=$!
        (
          trap '' PIPE
          while sleep 1 && printf '=alive\0000\000' >&3; do :; done
          kill "$iv_find"
        ) >/dev/null 4>&- &
        iv_watch=$!
        wait "$iv_find"
        kill "$iv_watch"
      } 2>/dev/null |
        tr -cd '\000' | tr '\000' '\n' | awk 'NR % 500 == 0 { print NR; fflush() } END { print NR }' |
        while read -r iv_n; do rec seen 1 "$iv_n" >&3; done
    } 4>&1 1>/dev/null | wc -l
  )
  exec 3>&-
  rec denied 1 "${iv_denied##* }"
fi
rec end 0
