#!/bin/sh
# shellcheck disable=SC2034,SC2154 # whoever goes on in this text reads it, and says where the cache lies in $dk_top
# What the entries of a package cache are: one word on it for counting (disk_find.sh) and for cleaning (change_clean.sh).
# disk_walk.py says the same.
#
# Names alone prove little: people keep things of their own in these directories, too. A package has its record in it;
# what was extracted by half, and a .tar.bz2, are known by the list that conda and micromamba keep of what they fetched
# (urls.txt), or by what lies beside. Files that they could not remove or had not fetched whole have names of their own:
# NAME-VERSION-BUILD.conda or .tar.bz2 with .part or .partial (a download), .c~ (put aside), .trash or .conda_trash
# behind. conda's own clean is content with less: it takes any .conda and .tar.bz2, any directory with an info/ in it,
# and any file that ends in .c~ or .trash. What is not known is the rest, which no cleaning takes.
dk_nl='
'
extracted() { # DIRECTORY: whether it holds the record of a package
  [ -f "$1/info/index.json" ] || [ -f "$1/info/repodata_record.json" ]
}
listed() { # FOLDER NAME: whether a package of that name was fetched into the cache
  case $2 in *"$dk_nl"*) return 1 ;; esac
  if [ -f "$1/$2.conda" ]; then return; fi
  for dk_v in "$dk_top/urls.txt" "$1/urls.txt"; do
    if [ -f "$dk_v" ] && grep -q -F -e "/$2.conda" -e "/$2.tar.bz2" "$dk_v" 2>/dev/null; then return; fi
  done
  return 1
}
# The part of a cache that an entry belongs to, in $dk_u; "level" for a directory with packages below.
part() { # PATH LEVEL
  dk_u=5
  dk_g=${1##*/}
  dk_f=${1%/*}
  if [ -L "$1" ] || ! [ -d "$1" ]; then
    dk_w=0
    case $dk_g in
      *.part | *.partial | *.c~ | *.trash | *.conda_trash | *.conda_trash_[0-9]*)
        dk_g=${dk_g%.*}
        dk_w=3
        ;;
    esac
    case $dk_g in
      ?*-?*-?*.conda) dk_u=$dk_w ;;
      ?*-?*-?*.tar.bz2)
        dk_g=${dk_g%.tar.bz2}
        if [ $dk_w = 3 ] || extracted "$dk_f/$dk_g" || listed "$dk_f" "$dk_g"; then dk_u=$dk_w; fi
        ;;
    esac
    return
  fi
  if ! [ -r "$1" ] || ! [ -x "$1" ]; then return; fi
  case $dk_g in
    ?*-?*-?*)
      dk_w=${dk_g%.c~}
      if extracted "$1" || listed "$dk_f" "$dk_w"; then
        dk_u=3
        if [ "$dk_w" = "$dk_g" ] && [ -d "$1/info" ]; then dk_u=1; fi
        return
      fi
      ;;
  esac
  case $2$dk_g in
    0cache) dk_u=2 ;;
    0.logs) dk_u=4 ;;
    0.trash | 0.tmp-condafleet-??????) dk_u=3 ;;
    0http | 0https | 0file | 0ftp | 0s3 | 0oci | [1234567]*) dk_u=level ;;
  esac
}
