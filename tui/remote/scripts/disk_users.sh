#!/bin/sh
# Who may get into package caches, and whether all environments of those accounts can have been seen.
#
# Arguments: 1 when the configuration names all places to look at (no home but $HOME is touched), the caches. Records:
#   =me 3       our uid; 1 when our own list of environments can be read, or there is none; the uid of the login that
#               asks as root, or nothing
#   =accounts 1 1 when every account there is can be enumerated
#   =home 1     for root: a home that may hold environments and is not looked into by inventory_places.sh
#   =look 1     for root: another account's home that can be looked into
#   =cache 5    number of the cache, its path without soft links (empty: we do not get there), and where one account,
#               root apart, can get in alone: its uid, name and home
#   =end 0
# A directory above the cache that neither its group nor others may enter keeps out all but its owner. With an access
# control list the group's bits are the most that anybody named in it has, so that this holds there, too. A group counts
# as nobody's where it is its owner's own: of the same name, without members, and no other account's first one.
LC_ALL=C
export LC_ALL
PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}:/usr/bin:/bin:/usr/sbin:/sbin
export PATH
unset CDPATH
set +f
# Root, asked by a login, looks where that login's things are.
[ -z "${CONDAFLEET_LOGIN:-}" ] || HOME=${CONDAFLEET_LOGIN#*:}
rec() { # TAG COUNT FIELD...
  du_t=$1
  shift
  printf '%s\0' "=$du_t" "$@"
}
passwd() { getent passwd 2>/dev/null || cat /etc/passwd; }
account() { # UID: its line
  getent passwd "$1" 2>/dev/null || awk -F: -v u="$1" '$3 == u { print; exit }' /etc/passwd
}
du_only=$1
shift
du_me=$(id -u)
du_list=1
du_line=$(account "$du_me")
du_home=${du_line%:*}
du_home=${du_home##*:}
# Root's own home is looked into as those of others are.
[ "$du_only" != 1 ] && [ -z "${CONDAFLEET_LOGIN:-}" ] || du_home=${HOME:-}
for du_h in "${HOME:-}" "$du_home"; do
  [ -n "$du_h" ] || continue
  du_f=$du_h/.conda/environments.txt
  if [ -e "$du_h" ] && ! [ -x "$du_h" ]; then du_list=0; fi
  if [ -e "$du_h/.conda" ] && ! [ -x "$du_h/.conda" ]; then du_list=0; fi
  if [ -e "$du_f" ] && ! [ -r "$du_f" ]; then du_list=0; fi
done
# The inventory looks into $HOME.
if [ -d "${HOME:-}" ] && [ "$du_home" != "$HOME" ] && [ -s "$du_home/.conda/environments.txt" ] &&
  ! cmp -s "$du_home/.conda/environments.txt" "$HOME/.conda/environments.txt"; then
  du_list=0
fi
rec me 3 "$du_me" $du_list "${CONDAFLEET_LOGIN%%:*}"

# Accounts of a directory service need not be in any list.
du_all=1
while read -r du_k du_v; do
  case $du_k in passwd:)
    for du_s in $du_v; do
      case $du_s in files | compat | systemd | \[*) ;; *) du_all=0 ;; esac
    done
    ;;
  esac
done 2>/dev/null </etc/nsswitch.conf
set -- "$@" --
rec accounts 1 $du_all
if [ "$du_me" = 0 ] && [ "$du_only" != 1 ]; then
  for du_h in /root /home/*; do
    [ -d "$du_h" ] || continue
    if ! [ -x "$du_h" ] || { [ -e "$du_h/.conda" ] && ! [ -x "$du_h/.conda" ]; } ||
      { [ -e "$du_h/.conda/environments.txt" ] && ! [ -r "$du_h/.conda/environments.txt" ]; }; then
      rec home 1 "$du_h"
    fi
    [ "$du_h" = "${HOME:-}" ] || ! [ -x "$du_h" ] || rec look 1 "$du_h"
  done
  du_k=0
  for du_h in /home/*; do du_k=$((du_k + 1)); done
  [ $du_k -lt 299 ] || rec home 1 /home
  passwd | while IFS=: read -r _ _ _ _ _ du_h _; do
    case $du_h in
      /root | / | '') continue ;;
      /home/*) case ${du_h#/home/} in */*) ;; *) continue ;; esac ;;
    esac
    [ "$du_h" != "${HOME:-}" ] || continue
    # What leads to one that was looked into is that one.
    case $(cd -P -- "$du_h" 2>/dev/null && pwd -P) in /home/*/* | '') ;; /root | /home/*) continue ;; esac
    if { [ -d "$du_h" ] && ! [ -x "$du_h" ]; } || [ -e "$du_h/.conda" ] || [ -e "$du_h/micromamba" ] ||
      [ -e "$du_h/.local/share/mamba" ] || [ -e "$du_h/.mamba" ]; then
      rec home 1 "$du_h"
    fi
    if [ -d "$du_h/.cache" ] && [ -x "$du_h" ]; then rec look 1 "$du_h"; fi
  done
fi

# Whether group GID is USER's alone.
own_group() { # GID USER UID
  du_g=$(getent group "$1" 2>/dev/null || awk -F: -v g="$1" '$3 == g { print; exit }' /etc/group)
  case $du_g in "$2":*:"$1": | "$2":*:"$1":"$2") ;; *) return 1 ;; esac
  passwd | awk -F: -v g="$1" -v u="$3" '$4 == g && $3 != u { f = 1 } END { exit f }'
}
# An access control list shows as a + behind the mode, if ls is GNU's.
du_gnu=
case $(ls --version 2>/dev/null) in *GNU*) du_gnu=1 ;; esac

# Whether directory $1 keeps out all but its owner, who becomes $du_u.
keeps_out() {
  du_l=$(ls -ldn -- "$1" 2>/dev/null) || return 1
  # shellcheck disable=SC2086 # words are wanted
  set -- $du_l
  du_mode=${1:-}
  du_u=${3:-}
  case $du_u in '' | *[!0-9]*) return 1 ;; esac
  case $du_mode in
    ?????????[xt]*) return 1 ;;
    ??????[xs]*)
      case $du_mode in *+) return 1 ;; esac
      [ -n "$du_gnu" ] || return 1
      du_n=$(account "$du_u")
      [ -n "$du_n" ] && own_group "$4" "${du_n%%:*}" "$du_u"
      ;;
    d*) return 0 ;;
    *) return 1 ;;
  esac
}

du_at=0
while [ "$1" != -- ]; do
  du_r=$(cd -P -- "$1" 2>/dev/null && pwd -P && echo x)
  du_r=${du_r%?x}
  du_keeper=
  du_top=$du_r
  while [ -n "$du_top" ]; do
    if keeps_out "$du_top"; then
      if [ -z "$du_keeper" ] || [ "$du_u" = "$du_me" ]; then du_keeper=$du_u; fi
    fi
    du_top=${du_top%/*}
  done
  du_n=
  [ -z "$du_keeper" ] || du_n=$(account "$du_keeper")
  du_h=${du_n%:*}
  rec cache 5 $du_at "$du_r" "$du_keeper" "${du_n%%:*}" "${du_h##*:}"
  du_at=$((du_at + 1))
  shift
done
rec end 0
