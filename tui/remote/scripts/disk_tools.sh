#!/bin/sh
# Which Python could count a disk: the path of the system's own one, from 3.6 on; nothing when there is none.
#
# Only places that belong to the system are tried: neither an environment's Python nor one of a person's own tools is
# run in our name.
for dk_p in /usr/bin/python3 /usr/local/bin/python3 /usr/libexec/platform-python /bin/python3; do
  [ -x "$dk_p" ] || continue
  dk_u=$(stat -L -c %u "$dk_p" 2>/dev/null)
  [ "$dk_u" = 0 ] || continue
  "$dk_p" -I -S -c 'import array, base64, marshal, mmap, os, re, signal, struct, sys, zlib
sys.exit(sys.version_info < (3, 6))' </dev/null >/dev/null 2>&1 || continue
  printf '%s' "$dk_p"
  break
done
