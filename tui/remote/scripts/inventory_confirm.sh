#!/bin/sh
# What an install's conda says of itself: the output of "conda info --json".
#
# Argument: the root. It runs only if root or this very account owns the root, its bin and the program: whoever
# may write there could run anything in our name.
LC_ALL=C
export LC_ALL
PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}:/usr/bin:/bin:/usr/sbin:/sbin
export PATH
cd -P -- "$1" 2>/dev/null || exit 0
iv_uid=$(id -u) || exit 0
[ -f bin/conda ] && [ -x bin/conda ] || exit 0
iv_owners=$(stat -L -c %u . bin bin/conda 2>/dev/null) || exit 0
for iv_u in $iv_owners; do
  [ "$iv_u" = 0 ] || [ "$iv_u" = "$iv_uid" ] || exit 0
done
iv_limit=
timeout 30 true 2>/dev/null && iv_limit='timeout 30'
iv_nice=
nice -n 19 true 2>/dev/null && iv_nice='nice -n 19'
# shellcheck disable=SC2086 # words are wanted
$iv_limit $iv_nice "$PWD/bin/conda" info --json </dev/null 2>/dev/null
