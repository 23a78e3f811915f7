#!/bin/sh
# The disk table by the host's Python. Arguments: the Python, the program as base64 of zlib, then as disk_places.sh.
LC_ALL=C
export LC_ALL
PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}:/usr/bin:/bin:/usr/sbin:/sbin
export PATH
dk_python=$1
dk_program=$2
shift 2
dk_nice=
nice -n 19 true 2>/dev/null && dk_nice='nice -n 19'
# shellcheck disable=SC2086 # words are wanted
$dk_nice ionice -c 3 true 2>/dev/null && dk_nice="$dk_nice ionice -c 3"
# shellcheck disable=SC2086 # words are wanted
{ [ $# = 0 ] || printf '%s\0' "$@"; } | $dk_nice "$dk_python" -I -S -c "import base64, zlib
exec(zlib.decompress(base64.b64decode('$dk_program')))"
