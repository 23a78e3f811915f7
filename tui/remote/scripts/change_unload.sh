#!/bin/sh
# Packages that were carried to this host go where the tool would have put them, had it fetched them; after
# change_toolkit.sh, under the lock of the cache. A line for each: what it is called while it waits, its archive's name,
# its folder in a cache laid out as mamba's, its address. All were looked at when they came, and the tool looks again.
# shellcheck shell=sh disable=SC2154  # what change_tool.sh sets
ct_unload() {
  [ -n "$ct_carried" ] || return 0
  ct_from=$ct_cache/.condafleet-carried-$(id -u)
  # shellcheck disable=SC3067 # dash, bash and busybox know it
  if [ -L "$ct_from" ] || ! [ -d "$ct_from" ] || ! [ -O "$ct_from" ]; then
    echo 'What was carried here is not there any more.'
    return 0
  fi
  # Before 2.6 all archives lay side by side; a cache that has channels' folders is of a later one.
  ct_flat=1
  for ct_d in https http file; do [ ! -d "$ct_cache/$ct_d" ] || ct_flat=; done
  printf '%s' "$ct_carried" | while IFS=' ' read -r ct_s ct_f ct_d ct_u; do
    if ! [ -f "$ct_from/$ct_s" ] || [ -L "$ct_from/$ct_s" ]; then continue; fi
    # As the tool makes its files: by the account's own umask.
    chmod '=rw' "$ct_from/$ct_s"
    if [ "$ct_layout" = mamba ]; then
      mkdir -p -- "$ct_cache/$ct_d" || continue
      if [ -n "$ct_flat" ] && ! [ -e "$ct_cache/$ct_f" ]; then
        ln -- "$ct_from/$ct_s" "$ct_cache/$ct_f" 2>/dev/null
      fi
      ct_to=$ct_cache/$ct_d/$ct_f
    else
      ct_to=$ct_cache/$ct_f
      [ -z "$(tail -c 1 "$ct_cache/urls.txt" 2>/dev/null)" ] || echo >>"$ct_cache/urls.txt"
      printf '%s\n' "$ct_u" >>"$ct_cache/urls.txt"
    fi
    # A directory of that name is none of ours; what is there under the name of an archive was not what is wanted.
    [ -d "$ct_to" ] || mv -f -- "$ct_from/$ct_s" "$ct_to"
  done
  rmdir "$ct_from" 2>/dev/null
  return 0
}
