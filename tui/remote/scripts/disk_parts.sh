#!/bin/sh
# shellcheck disable=SC2034 # whoever goes on in this text reads it
# What the entries of a package cache are: one word on it for counting (disk_find.sh) and for cleaning (change_clean.sh).
# disk_walk.py says the same.
#
# The part of a cache that an entry belongs to, in $dk_u; "level" for a directory with packages below.
part() { # PATH LEVEL
  dk_u=5
  dk_g=${1##*/}
  if [ -L "$1" ] || ! [ -d "$1" ]; then
    case $dk_g in
      *.tar.bz2 | *.conda) dk_u=0 ;;
      *.part | *.partial | *.tmp | *.c~ | *.trash) dk_u=3 ;;
    esac
  elif ! [ -r "$1" ] || ! [ -x "$1" ]; then
    return
  elif [ -d "$1/info" ]; then
    dk_u=1
  else
    case $2$dk_g in
      0cache) dk_u=2 ;;
      0.logs) dk_u=4 ;;
      0http | 0https | 0file | 0ftp | 0s3 | 0oci | [1234567]*) dk_u=level ;;
      ?.trash | ?*.tmp | ?tmp* | ?.tmp* | ?*-*-*) dk_u=3 ;;
    esac
  fi
}
