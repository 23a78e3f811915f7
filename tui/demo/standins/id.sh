#!/bin/sh
# Who one is on a demo host: its own account, by name. All numbers are this machine's.
case $* in
  -un | -nu | "-u -n" | "-n -u") printf '%s\n' "$LOGNAME" ;;
  *) command -p id "$@" ;;
esac
