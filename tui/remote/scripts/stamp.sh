#!/bin/sh
# One short text that changes when any of the places given as arguments does: for "is a new inventory due".
# Needs stat; without it, the long listing of the places themselves.
if command -v cksum >/dev/null 2>&1; then sp_s="cksum"; else sp_s=md5sum; fi
{
  stat -c '%i %s %y %z' -- "$@" 2>&1 || ls -ldn -- "$@" 2>&1
} | "$sp_s"
