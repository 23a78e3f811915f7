#!/bin/sh
# Bring back an environment that was put aside, after change_guard.sh and change_trash.sh.
#
# Arguments: those of cg_args, the prefix being where it was; then the id, and the folder that it lies in. Nothing may
# stand at the old place. One rename does it; environments.txt lists it again if it did before.
# shellcheck shell=sh disable=SC2034,SC2154  # what change_guard.sh sets, and is set for it
cg_args "$@"
shift "$cg_used"
cg_id=$1 cg_slot=$2
cg_catch
rs_refuse() {
  printf '%s Nothing was changed.\n' "$1"
  exit 3
}
cg_own_slot "$cg_id" || cg_refuse_unless ''
if [ -n "$cg_slot_as" ]; then
  cg_become "$cg_slot_as"
  exit
fi
rs_listed=$cg_meta_listed
if [ -L env ] || ! [ -d env ]; then
  cg_concern missing "$cg_slot/env"
fi
cg_stat ./env
rs_id=$cg_dev:$cg_ino
if [ -n "$cg_meta_ino" ] && [ "$cg_meta_ino" != "$rs_id" ]; then cg_concern changed "$cg_slot/env" "$cg_dev" "$cg_ino"; fi
if ! cg_split; then
  cg_concern missing "${cg_prefix%/*}"
else
  cg_absent
  [ -w "$cg_parent" ] || cg_concern not_writable "$cg_prefix" parent 1 "$cg_parent"
fi
cg_refuse_unless "$cg_accepted"
[ -z "$cg_stop" ] || rs_refuse 'Interrupted.'
cg_rename "$cg_slot/env" "${cg_parent%/}/$cg_name"
cg_stat "${cg_parent%/}/$cg_name"
[ "$cg_dev:$cg_ino" = "$rs_id" ] || rs_refuse "It cannot be brought back to $cg_prefix by a rename."
[ "$rs_listed" = 1 ] && cg_list "$cg_prefix"
cd /
cg_leave_place
[ -f "$cg_prefix/conda-meta/history" ] || printf 'It is back without conda-meta/history, as it was put aside.\n'
printf '%s is back.\n' "$cg_prefix"
exit 0
