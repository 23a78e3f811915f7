#!/bin/sh
# The user database of a demo host: the account that its programs run as has the name of the host's own account.
# Everything else is this machine's.
if [ "${1:-}" != passwd ] || [ $# -lt 2 ]; then
  command -p getent "$@"
  exit
fi
shift
uid=$(command -p id -u)
missing=0
for key; do
  case $key in
    "$uid" | "$LOGNAME") printf '%s:x:%s:%s::%s:%s\n' "$LOGNAME" "$uid" "$(command -p id -g)" "$HOME" "$SHELL" ;;
    *) command -p getent passwd "$key" || missing=2 ;;
  esac
done
exit "$missing"
