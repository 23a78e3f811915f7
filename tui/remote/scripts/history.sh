#!/bin/sh
# The end of an environment's conda-meta/history.
#
# Arguments: the prefix, the most bytes wanted. One record, =history with 4 fields: state (y: read, n: there is no
# such file, g: there is no such prefix, x: not allowed), the offset of local time now as in +0100, the text, and
# the times in its heads as Unix seconds, one a line. The text is one byte longer than wanted when there is more
# before it. Times are empty where date cannot tell them.
LC_ALL=C
export LC_ALL
PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}:/usr/bin:/bin:/usr/sbin:/sbin
export PATH
unset CDPATH
hi_text=x
hi_times=
hi_above=${1%/*}
if ! cd -P -- "$1" 2>/dev/null; then
  hi_state=x
  # Gone for certain only where the directory above may be searched.
  if ! [ -e "$1" ] && ! [ -L "$1" ] && [ -x "${hi_above:-/}" ]; then hi_state=g; fi
elif [ -d conda-meta ] && ! [ -x conda-meta ]; then
  hi_state=x
elif ! [ -f conda-meta/history ]; then
  hi_state=n
elif ! [ -r conda-meta/history ]; then
  hi_state=x
else
  hi_state=y
  hi_text=$(
    tail -c "$(($2 + 1))" conda-meta/history 2>/dev/null | tr -d '\000'
    printf x
  )
  # Digits alone reach date, which knows when the host's clock was put forward and back.
  hi_times=$(
    printf '%s\n' "${hi_text%x}" |
      sed -n 's/^==> *\([0-9]\{4\}-[0-9][0-9]-[0-9][0-9]\)[ T]\([0-9][0-9]:[0-9][0-9]:[0-9][0-9]\) *<== *$/\1 \2/p' |
      date -f - +%s 2>/dev/null
  )
fi
printf '=history\0004\000%s\000%s\000%s\000%s\000' "$hi_state" "$(date +%z)" "${hi_text%x}" "$hi_times"
