#!/bin/sh
# Logins for the servers of channels, after change_toolkit.sh: from the environment into a file without a name, in memory,
# which conda, mamba, micromamba and pip read as NETRC. It has lost its name before a byte is in it, and is gone with the
# last of our processes.
# shellcheck shell=sh disable=SC2154  # what change_tool.sh sets
ct_logins() {
  [ -n "${CONDAFLEET_NETRC:-}" ] || return 0
  ct_x=$CONDAFLEET_NETRC
  unset CONDAFLEET_NETRC
  for ct_d in /dev/shm "${XDG_RUNTIME_DIR:-/nonexistent}" "/run/user/$(id -u)"; do
    if [ "$(stat -f -c %T -- "$ct_d" 2>/dev/null)" != tmpfs ] || ! [ -w "$ct_d" ]; then continue; fi
    ct_f=$(umask 077 && mktemp "$ct_d/condafleet.XXXXXX") || continue
    exec 9<>"$ct_f"
    rm -f "$ct_f"
    printf '%s' "$ct_x" >&9
    NETRC=/proc/self/fd/9
    export NETRC
    # It is read anew by its name, by whatever program.
    [ "$(wc -l <"$NETRC")" -gt 0 ] && return 0
  done
  echo 'There is no place in memory for the logins; nothing was changed.'
  ct_end 1
}
