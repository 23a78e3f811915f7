#!/bin/sh
# Remove for good what was put aside, and what interrupted removals left, after change_guard.sh and change_trash.sh.
#
# Arguments: kinds of concerns that were accepted, PLAYED as for cg_args, "due" (only what has had its time) or "any";
# then ID, FOLDER and PREFIX of each. It says `freed PREFIX BYTES` and `left PATH`. It ends with 3 when nothing was
# changed because all of it was refused.
# shellcheck shell=sh disable=SC2034,SC2154  # what change_guard.sh sets, and is set for it
cg_accepted=$1 cg_played=$2 pg_when=$3
shift 3
cg_roots=0 cg_dirs=0
cg_catch
pg_failed=0 pg_refused=0 pg_done=0
# Run in a shell of its own for each: 0 removed, or nothing there; 3 refused; 1 failed
pg_one() {
  cg_slot=$2
  [ -e "$2" ] || [ -L "$2" ] || return 0
  cg_own_slot "$1" || cg_refuse_unless ''
  if [ -d env ] && ! [ -L env ]; then
    if [ "$pg_when" = due ] && [ "$(date +%s)" -lt "${cg_meta_until:-0}" ]; then
      printf '%s is kept longer. Nothing was changed.\n' "$cg_slot"
      exit 3
    fi
    cg_prefix=$cg_slot/env cg_real=$cg_slot/env
    cd -P -- ./env || exit 1
    cg_mounts
    cg_mounted_in
    [ -n "${CONDAFLEET_AS:-}" ] || cg_use
    # What is mounted there would move along.
    [ -z "$cg_mounted" ] || cg_refuse_unless ''
    cg_refuse_unless "$cg_accepted"
    cd ..
  fi
  if [ -n "$cg_slot_as" ]; then
    CONDAFLEET_ONLY=$1
    export CONDAFLEET_ONLY
    cg_become "$cg_slot_as"
    return
  fi
  if [ -d env ] && ! [ -L env ]; then
    if ! cg_rename "$cg_slot/env" "$cg_slot/gone"; then
      printf '%s cannot be removed. Nothing was changed.\n' "$cg_slot"
      exit 3
    fi
  elif [ -d gone ] && ! [ -L gone ]; then
    :
  else
    cd /
    cg_leave_place
    return
  fi
  [ -e "$3" ] || [ -L "$3" ] || cg_unlist "$3" "$3"
  cd -P -- "$cg_slot/gone" || exit 1
  cg_weigh
  pg_bytes=$cg_bytes pg_at=${cg_slot%/*/*}
  cg_settle
  pg_free=$(cg_free)
  cg_take_away || exit 1
  cd -P -- "${pg_at:-/}" || exit 1
  cg_settle
  pg_now=$(cg_free)
  if [ -n "$pg_free" ] && [ -n "$pg_now" ]; then cg_say freed "$3" "$(awk "BEGIN { printf \"%.0f\", $pg_now - $pg_free }")"; fi
  cg_say unlinked "$3" "$pg_bytes"
  printf 'Removed for good: %s, which was at %s.\n' "$cg_slot" "$3"
}
while [ $# -gt 2 ] && [ -z "$cg_stop" ]; do
  # Root becomes the owner of one of them after another.
  if [ -n "${CONDAFLEET_AS:-}" ] && [ "$1" != "${CONDAFLEET_ONLY:-}" ]; then
    shift 3
    continue
  fi
  (
    cg_catch
    pg_one "$1" "$2" "$3"
  )
  case $? in
    0) pg_done=$((pg_done + 1)) ;;
    3) pg_refused=$((pg_refused + 1)) ;;
    *) pg_failed=$((pg_failed + 1)) ;;
  esac
  shift 3
done
cg_sweep
[ -n "$cg_stop" ] && exit 130
[ $pg_failed = 0 ] && [ $pg_refused = 0 ] && exit 0
[ $pg_failed = 0 ] && [ $pg_done = 0 ] && exit 3
exit 1
