#!/bin/sh
# Whether a host reaches the servers of some packages. Arguments: the root of its install, then addresses. Records:
#   =reach 2  number of the address from 0; yes (it answered, whatever it said), no, unknown
#   =end 0
# conda may go through a proxy of its own configuration, and so may pip: where there is one, we do not know.
# shellcheck shell=sh
cy_root=$1
shift
cy_proxy=
for cy_f in "${CONDARC:-}" "$cy_root/.condarc" "${HOME:-/nonexistent}/.condarc" "${HOME:-/nonexistent}/.conda/.condarc" \
  "${HOME:-/nonexistent}/.mambarc" "${HOME:-/nonexistent}/.config/conda/.condarc" /etc/conda/.condarc; do
  if [ -n "$cy_f" ] && grep -qs '^[[:space:]]*proxy_servers[[:space:]]*:' "$cy_f"; then cy_proxy=1; fi
done
cy_ask() {
  case $1 in
    file://*)
      cy_p=${1#file://}
      # What is written with % may lie there by another name.
      case $cy_p in *%*) return 2 ;; esac
      [ -r "$cy_p" ]
      return
      ;;
    http://* | https://*) ;;
    *) return 2 ;;
  esac
  [ -z "$cy_proxy" ] || return 2
  if command -v curl >/dev/null 2>&1; then
    curl -q -s -o /dev/null -I -L -g --proto =http,https --connect-timeout 5 --max-time 8 -- "$1"
    # What it could not resolve, connect to, wait for, or talk to in safety; all else is an answer.
    case $? in 0 | 22 | 52) return 0 ;; 5 | 6 | 7 | 28 | 35 | 55 | 56) return 1 ;; *) return 2 ;; esac
  fi
  for cy_py in "$cy_root/bin/python3" python3; do
    command -v "$cy_py" >/dev/null 2>&1 || continue
    [ "$cy_py" = python3 ] || [ "$(stat -L -c %u -- "$cy_py")" = 0 ] || [ "$(stat -L -c %u -- "$cy_py")" = "$(id -u)" ] || continue
    "$cy_py" -I -c '
import sys, urllib.request, urllib.error
try:
    urllib.request.urlopen(urllib.request.Request(sys.argv[1], method="HEAD"), timeout=6)
except urllib.error.HTTPError:
    pass
except OSError:
    sys.exit(1)
except Exception:
    sys.exit(2)
' "$1" 2>/dev/null
    return
  done
  return 2
}
cy_number=0
for cy_u do
  (
    cy_ask "$cy_u" </dev/null >/dev/null 2>&1
    case $? in 0) cy_how=yes ;; 1) cy_how=no ;; *) cy_how=unknown ;; esac
    printf '%s\0' =reach 2 $cy_number $cy_how
  ) &
  cy_number=$((cy_number + 1))
done
wait
printf '=end\0000\000'
