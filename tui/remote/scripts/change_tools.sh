#!/bin/sh
# Which package managers an install can be changed with, after change_guard.sh. Arguments: its root, then its package caches, the one that is
# written first in front. Nothing of the install is run. Records:
#   =tool 4   conda, mamba or micromamba; its path; its version as the install records it; y where root or this very
#             account (for root, the root's owner) owns the root, the program and its directory: whoever may write
#             there could run anything
#   =cache 2  path, state: w (may be written), c (not there, may be made), n
#   =end 0
# shellcheck shell=sh disable=SC2154  # what change_guard.sh sets
iv_root=$1
shift
iv_uid=$cg_uid
[ -z "${CONDAFLEET_LOGIN:-}" ] || HOME=${CONDAFLEET_LOGIN#*:}
iv_o=$(stat -L -c %u -- "$iv_root" 2>/dev/null)
if [ "$cg_uid" = 0 ] && [ "${iv_o:-0}" != 0 ] && cg_can_become "$iv_o"; then iv_uid=$iv_o; fi

iv_version() { # NAME
  iv_v=
  for iv_f in "$iv_root/conda-meta/$1"-[0-9]*-*.json; do
    [ -e "$iv_f" ] || continue
    iv_v=${iv_f##*/"$1"-}
    iv_v=${iv_v%-*}
  done
}

iv_tool() { # NAME PATH OWNED-TOO
  [ -f "$2" ] && [ -x "$2" ] || return 1
  iv_y=y
  for iv_u in $(stat -L -c %u -- "$2" "${2%/*}" "$3" 2>/dev/null || echo x); do
    [ "$iv_u" = 0 ] || [ "$iv_u" = "$iv_uid" ] || iv_y=n
  done
  iv_version "$1"
  printf '%s\0' =tool 4 "$1" "$2" "$iv_v" $iv_y
}

for iv_t in mamba conda micromamba; do
  iv_tool $iv_t "$iv_root/bin/$iv_t" "$iv_root" || iv_tool $iv_t "$iv_root/condabin/$iv_t" "$iv_root"
done
# micromamba has no base: its program is anywhere.
if ! [ -e "$iv_root/bin/conda" ] && ! [ -e "$iv_root/bin/micromamba" ] && ! [ -e "$iv_root/bin/mamba" ]; then
  for iv_d in "${MAMBA_EXE%/*}" "${HOME:-/nonexistent}/.local/bin" "${HOME:-/nonexistent}/bin" \
    "${HOME:-/nonexistent}/micromamba/bin" "$(command -v micromamba)"; do
    case $iv_d in /*/micromamba) iv_d=${iv_d%/*} ;; /*) ;; *) continue ;; esac
    iv_tool micromamba "$iv_d/micromamba" "$iv_d" && break
  done
fi

for iv_d do
  iv_s=n
  if [ -d "$iv_d" ]; then
    if [ "$iv_uid" != "$cg_uid" ]; then
      [ "$(stat -L -c %u -- "$iv_d" 2>/dev/null)" = "$iv_uid" ] && iv_s=w
    elif [ -w "$iv_d" ] && [ -x "$iv_d" ]; then
      iv_s=w
    fi
  elif ! [ -e "$iv_d" ] && ! [ -L "$iv_d" ]; then
    iv_p=$iv_d
    while iv_p=${iv_p%/*} && [ -n "$iv_p" ] && ! [ -e "$iv_p" ]; do :; done
    [ -d "${iv_p:-/}" ] && [ -w "${iv_p:-/}" ] && iv_s=c
  fi
  printf '%s\0' =cache 2 "$iv_d" $iv_s
done
printf '=end\0000\000'
