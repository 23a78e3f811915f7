#!/bin/sh
# Where something new may not lie: in a package cache, in an environment, in what is an install's own. After
# change_guard.sh.
# shellcheck shell=sh disable=SC2154  # what change_guard.sh sets

# cg_new_place: after cg_split; sets cg_real, and says `bad_place WHY PLACE`: cache, environment, install
cg_new_place() {
  cg_real=${cg_parent%/}/$cg_name
  cg_inside
  cg_d=$cg_parent
  while [ -n "$cg_d" ]; do
    cg_bad=
    cg_i=0
    while [ "$cg_i" -lt "$cg_roots" ]; do
      cg_i=$((cg_i + 1))
      eval "cg_p=\$cg_root$cg_i"
      cg_real_of "$cg_p"
      [ "$cg_r" = "$cg_d" ] && cg_bad=install
    done
    if [ -z "$cg_bad" ] && [ -d "$cg_d/conda-meta" ]; then
      cg_bad=environment
      # An install that nobody named.
      if [ -d "$cg_d/envs" ] && { [ -d "$cg_d/pkgs" ] || [ -d "$cg_d/condabin" ]; }; then cg_bad=install; fi
    fi
    if [ "$cg_bad" = install ]; then
      case $cg_real in "$cg_d"/envs/*) cg_bad= ;; esac
      case $cg_in/ in "$cg_d"/*) cg_bad= ;; esac
    fi
    if [ -f "$cg_d/urls.txt" ] || [ -f "$cg_d/urls" ]; then cg_bad=cache; fi
    if [ -n "$cg_bad" ]; then
      cg_concern bad_place "$cg_prefix" "$cg_bad" "$cg_d"
      return 0
    fi
    cg_d=${cg_d%/*}
  done
}
