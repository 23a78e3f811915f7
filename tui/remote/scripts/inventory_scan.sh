# Facts about installs, directories of environments, and environments.
#
# After inventory_common.sh. Arguments: pairs KIND PATH: r (may be an install), d (holds environments), p (may be
# one). Records:
#   =root 6  path, real path, states of conda-meta, envs, pkgs and condabin, writable, tool records, .condarc
#   =dir 3   path, real path, state: y (read), n (none), x (not allowed), m (too many)
#   =env 10  path, found by (d n p), bytes of the path that are the directory it was found in, real path ("=":
#            the same), link target, state of conda-meta, package records, writable, stat lines, beginning of
#            the history
#   =user 2  uid, name
#   =mount 3 major:minor, noatime or "", mount point as in mountinfo
# A state is y (there), x (there, but not allowed), n (not there), u (cannot be known), l (a link that leads
# nowhere). A stat line is: device inode links uid size mtime ctime atime NAME, relative to the prefix.
# shellcheck shell=sh
iv_most=20000

# n: gone for certain; u: some directory above may not be searched, so it may be there; l: a link to nowhere.
absence() { # PATH
  [ -L "$1" ] && iv_a=l && return
  iv_a=$1
  while iv_a=${iv_a%/*} && [ -n "$iv_a" ]; do
    [ -d "$iv_a" ] || continue
    if [ -x "$iv_a" ]; then iv_a=n; else iv_a=u; fi
    return
  done
  iv_a=n
}

state() { # DIRECTORY
  if ! [ -d "$1" ]; then
    iv_a=n
  elif [ -r "$1" ] && [ -x "$1" ]; then
    iv_a=y
  else
    iv_a=x
  fi
}

link() { # PATH: where it leads, in $iv_l
  iv_l=
  if [ -L "$1" ]; then
    iv_l=$(readlink "$1" 2>/dev/null && printf x)
    iv_l=${iv_l%x}
    iv_l=${iv_l%"$iv_nl"}
  fi
}

iv_nl='
'
iv_uids=' '

# Run inside the prefix. Only names that the program itself chose are looked at; none of them can be an option.
stats() {
  set -- .
  for iv_f in conda-meta conda-meta/history conda-meta/frozen conda-meta/created_at; do
    [ -e "$iv_f" ] && set -- "$@" "$iv_f"
  done
  for iv_f in bin/python[23].[0-9] bin/python3.[0-9][0-9]; do
    [ -f "$iv_f" ] && set -- "$@" "$iv_f"
  done
  for iv_f in lib/python[23].[0-9]*/site-packages; do
    [ -d "$iv_f" ] && set -- "$@" "$iv_f"
  done
  iv_st=$(stat -L -c '%d %i %h %u %s %Y %Z %X %n' -- "$@" 2>/dev/null)
  # The newest of some directories of compiled modules; their own times of reading are never asked for.
  set --
  iv_k=0
  for iv_f in lib/python[23].[0-9]*/__pycache__ lib/python[23].[0-9]*/site-packages/__pycache__ \
    lib/python[23].[0-9]*/site-packages/*/__pycache__; do
    [ -d "$iv_f" ] || continue
    set -- "$@" "$iv_f"
    iv_k=$((iv_k + 1))
    [ $iv_k -ge 40 ] && break
  done
  [ $# -eq 0 ] && return
  iv_k=0
  for iv_f in $(stat -L -c %Y -- "$@" 2>/dev/null); do
    [ "$iv_f" -gt "$iv_k" ] 2>/dev/null && iv_k=$iv_f
  done
  iv_st="$iv_st${iv_nl}0 0 0 0 0 $iv_k 0 0 __pycache__"
}

environment() { # PATH FOUND-BY TOP
  iv_p=$1
  link "$iv_p"
  if ! cd -P -- "$iv_p" 2>/dev/null; then
    if [ -d "$iv_p" ]; then
      iv_a=x
    else
      absence "$iv_p"
    fi
    rec env 10 "$iv_p" "$2" "${#3}" "" "$iv_l" "$iv_a" "" "" "" ""
    return
  fi
  iv_real=$PWD
  [ "$iv_real" = "$iv_p" ] && iv_real='='
  state conda-meta
  # A directory that may be entered but not listed can hold a conda-meta all the same.
  [ $iv_a = n ] && ! [ -r . ] && iv_a=x
  iv_meta=$iv_a
  set -- "$1" "$2" "$3"
  iv_by=$2
  iv_top=$3
  iv_count=
  iv_head=
  if [ $iv_meta = y ]; then
    set -- conda-meta/*.json
    iv_count=$#
    [ $iv_count -eq 1 ] && ! [ -e "$1" ] && ! [ -L "$1" ] && iv_count=0
    if [ -f conda-meta/history ] && [ -r conda-meta/history ]; then
      iv_head=$(head -c 200 conda-meta/history 2>/dev/null | tr -d '\000')
    fi
  fi
  iv_w=n
  [ -w . ] && { ! [ -e conda-meta ] || [ -w conda-meta ]; } && iv_w=y
  [ $iv_w = y ] && [ -e conda-meta/history ] && ! [ -w conda-meta/history ] && iv_w=n
  stats
  rec env 10 "$iv_p" "$iv_by" "${#iv_top}" "$iv_real" "$iv_l" "$iv_meta" "$iv_count" "$iv_w" "$iv_st" "$iv_head"
  # shellcheck disable=SC2086 # words are wanted
  set -- $iv_st
  case ${4:-x} in
    *[!0-9]*) ;;
    *) case $iv_uids in *" $4 "*) ;; *) iv_uids="$iv_uids$4 " ;; esac ;;
  esac
  cd /
}

root() { # PATH
  if ! cd -P -- "$1" 2>/dev/null; then return; fi
  iv_real=$PWD
  iv_fields=
  for iv_d in conda-meta envs pkgs condabin; do
    state $iv_d
    iv_fields="$iv_fields$iv_a"
  done
  iv_w=n
  [ -w . ] && iv_w=y
  set -- "$1"
  iv_tools=$(
    cd conda-meta 2>/dev/null || exit 0
    for iv_f in conda-[0-9]*.json mamba-[0-9]*.json micromamba-[0-9]*.json; do
      [ -f "$iv_f" ] && printf '%s\n' "$iv_f"
    done
  )
  iv_rc=
  for iv_f in .condarc condarc .mambarc; do
    [ -f "$iv_f" ] && [ -r "$iv_f" ] && iv_rc=$(head -c 65536 "$iv_f" | tr -d '\000')
  done
  cd /
  rec root 6 "$1" "$iv_real" "$iv_fields" "$iv_w" "$iv_tools" "$iv_rc"
}

dir() { # PATH
  iv_top=$1
  if ! [ -d "$iv_top" ]; then
    absence "$iv_top"
    rec dir 3 "$iv_top" "" "$iv_a"
    return
  fi
  if ! [ -r "$iv_top" ] || ! cd -P -- "$iv_top" 2>/dev/null; then
    rec dir 3 "$iv_top" "" x
    return
  fi
  iv_real=$PWD
  cd /
  set -- "$iv_top"/* "$iv_top"/.[!.]* "$iv_top"/..?*
  if [ $# -gt $iv_most ]; then
    rec dir 3 "$iv_top" "$iv_real" m
    return
  fi
  rec dir 3 "$iv_top" "$iv_real" y
  for iv_c; do
    case $iv_c in */.conda_envs_dir_test) continue ;; esac
    if ! [ -d "$iv_c" ]; then
      # A link to nowhere in a directory of environments was one.
      if [ -L "$iv_c" ] && ! [ -e "$iv_c" ]; then touching "$iv_c" && environment "$iv_c" d "$iv_top"; fi
      continue
    fi
    touching "$iv_c" || continue
    if [ -d "$iv_c/conda-meta" ] || ! [ -x "$iv_c" ] || ! [ -r "$iv_c" ]; then
      case ${iv_c##*/} in .*) [ -d "$iv_c/conda-meta" ] || continue ;; esac
      environment "$iv_c" d "$iv_top"
      continue
    fi
    iv_any=
    for iv_g in "$iv_c"/* "$iv_c"/.[!.]*; do
      [ -e "$iv_g" ] || [ -L "$iv_g" ] || continue
      iv_any=${iv_any:-n}
      if [ -d "$iv_g/conda-meta" ]; then
        iv_any=y
        environment "$iv_g" n "$iv_top"
      fi
    done
    case ${iv_c##*/} in .*) continue ;; esac
    [ "$iv_any" = n ] && environment "$iv_c" d "$iv_top"
  done
}

if [ -r /proc/self/mountinfo ]; then
  while read -r _ _ iv_dev _ iv_m iv_o _; do
    case $iv_m in /proc/* | /sys/* | /dev/*) continue ;; esac
    case ,$iv_o, in *,noatime,*) iv_o=noatime ;; *) iv_o= ;; esac
    rec mount 3 "$iv_dev" "$iv_o" "$iv_m"
  done </proc/self/mountinfo
fi
stat -L -c %d / >/dev/null 2>&1 || rec missing 1 stat

while [ $# -gt 1 ]; do
  iv_kind=$1
  iv_path=$2
  shift 2
  touching "$iv_path" || continue
  case $iv_kind in
    r) root "$iv_path" ;;
    d) dir "$iv_path" ;;
    p)
      environment "$iv_path" p ""
      # A base may have no envs yet, by which installs are known.
      if [ -d "$iv_path/condabin" ] || [ -d "$iv_path/pkgs" ]; then root "$iv_path"; fi
      ;;
  esac
done

if [ "$iv_uids" != ' ' ]; then
  rec at 1 "the user database"
  # shellcheck disable=SC2086 # words are wanted
  { getent passwd $iv_uids 2>/dev/null || cat /etc/passwd; } | while IFS=: read -r iv_name _ iv_u _; do
    case $iv_uids in *" $iv_u "*) rec user 2 "$iv_u" "$iv_name" ;; esac
  done
fi
rec end 0
