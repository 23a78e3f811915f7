#!/bin/sh
# Remove an environment, or put it aside, after change_guard.sh and change_trash.sh.
#
# Arguments: those of cg_args; then the id, the client's line for `meta`, and for how many seconds it is to be kept (0:
# removed at once). It says `freed PREFIX BYTES` (what the file system has more of), `unlinked PREFIX BYTES` (of files
# whose last link went), `aside ID PATH`, `left PATH`. Until the rename nothing has happened; after it the environment is
# out of sight, whatever becomes of this.
# shellcheck shell=sh disable=SC2034,SC2154  # what change_guard.sh sets, and is set for it
cg_args "$@"
shift "$cg_used"
cg_id=$1 cg_json=$2 cg_keep=$3
cg_catch
rm_stopped() {
  [ -n "$cg_stop" ] || return 0
  [ -z "${cg_slot:-}" ] || cg_leave_place
  echo 'Interrupted; nothing was changed.'
  exit 130
}
# Who uses it is asked last: no answer is older. Root sees all processes, and then becomes the owner for all the rest.
if cg_open; then
  if [ "$cg_uid" = 0 ] && [ "$cg_owner" != 0 ] && cg_can_become "$cg_owner"; then
    cg_check use
    cg_refuse_unless "$cg_accepted"
    rm_stopped
    if ta_busy; then cg_again; fi
    cg_become "$cg_owner"
    exit
  fi
  cg_check place frozen removable links contents same
  [ -n "${CONDAFLEET_AS:-}" ] || cg_check use
fi
rm_stopped
cg_refuse_unless "$cg_accepted"
rm_dev=$cg_dev rm_ino=$cg_ino rm_real=$cg_real
cg_want_dev=$cg_dev cg_want_ino=$cg_ino
rm_how=rename
[ -n "$cg_mounted" ] && rm_how=place
rm_refuse() {
  printf '%s Nothing was changed.\n' "$1"
  exit 3
}
# The last look, when all that takes its time is done: what came to it since the first, who uses it, and whether somebody
# changes the install. What is written into it while that looks, and in the milliseconds up to the rename, goes along.
rm_look_again() {
  cg_told=$cg_found
  cg_found=' '
  cg_want_dev=$rm_dev cg_want_ino=$rm_ino
  if cg_open; then
    # What is put aside can come back, with all that it holds.
    [ -z "$cg_stamp" ] || cg_check contents
    [ -n "${CONDAFLEET_AS:-}" ] || cg_check use
    cg_check same
  fi
  cg_ok=$(cg_refuse_unless "$cg_accepted") || [ -z "${cg_slot:-}" ] || cg_leave_place
  cg_refuse_unless "$cg_accepted"
  rm_stopped
  if ta_busy; then
    [ -z "${cg_slot:-}" ] || cg_leave_place
    cg_again
  fi
}
if [ "$cg_keep" -gt 0 ]; then
  [ "$rm_how" = rename ] || rm_refuse 'It cannot be put aside: another file system is mounted in it.'
  if ! cg_find_place; then
    cg_say no_place "$cg_prefix" "$cg_fs_at"
    rm_refuse "It cannot be put aside: on $cg_fs_at this account has no place for it outside the directories of environments."
  fi
elif [ "$rm_how" = rename ]; then
  # At the worst beside it: a folder whose name begins with a dot is no environment.
  cg_find_place || { cg_at=$cg_parent && cg_usable "$cg_at"; } || rm_how=place
fi
cd -P -- "$rm_real" || rm_refuse "$cg_prefix cannot be entered any more."
cg_weigh
rm_bytes=$cg_bytes
rm_files=$cg_files
cg_only_look=1
cg_unlist "$cg_prefix" "$rm_real"
cg_only_look=
if [ "$cg_keep" = 0 ]; then
  # Before anything of ours lies there.
  cg_settle
  rm_free=$(cg_free)
fi
rm_stopped

if [ "$rm_how" = rename ]; then
  rm_to=gone
  rm_since=$(date +%s)
  rm_until=0
  if [ "$cg_keep" -gt 0 ]; then
    rm_to='env'
    rm_until=$((rm_since + cg_keep))
  fi
  if ! cg_make_place "$cg_id" || ! cg_meta "$cg_json" "$rm_until" "$rm_bytes" "$rm_since"; then
    [ -z "${cg_slot:-}" ] || cg_leave_place
    rm_refuse "Nothing can be put into $cg_at."
  fi
  rm_look_again
  cg_rename "$rm_real" "$cg_slot/$rm_to"
  # Only what was looked at may go: what is there now, under whichever name?
  cg_stat "$cg_slot/$rm_to"
  if [ -n "$cg_ino" ] && [ "$cg_dev:$cg_ino" != "$rm_dev:$rm_ino" ]; then
    cg_x=$cg_dev:$cg_ino
    if cg_stat . && [ "$cg_dev:$cg_ino" = "$rm_dev:$rm_ino" ] && cg_stat "$rm_real" && [ "$cg_dev:$cg_ino" = "$rm_dev:$rm_ino" ]; then
      # A copy that mv began and could not write.
      rm -rf -- "${cg_slot:?}/$rm_to"
    else
      cg_rename "$cg_slot/$rm_to" "$rm_real"
      cg_concern changed "$cg_prefix" "${cg_x%:*}" "${cg_x#*:}"
    fi
    cg_ino=
  fi
  if [ -z "$cg_ino" ]; then
    cg_leave_place
    cg_refuse_unless "$cg_accepted"
    rm_stopped
    [ "$cg_keep" -gt 0 ] && rm_refuse "It cannot be put aside: a rename to $cg_at is not possible."
    # The file system renames no such directories (overlayfs, for one).
    cg_stat "$rm_real"
    [ "$cg_dev:$cg_ino" = "$rm_dev:$rm_ino" ] || rm_refuse "$cg_prefix is not what it was."
    rm_how=place
  fi
fi
if [ "$rm_how" = rename ]; then
  cg_unlist "$cg_prefix" "$rm_real" || printf 'Its line could not be taken out of %s.\n' "$cg_txt"
  if [ "$cg_keep" -gt 0 ]; then
    if [ -e "$rm_real" ]; then
      printf '%s was put aside, but there is something there again.\n' "$cg_prefix"
      cg_say aside "$cg_id" "$cg_slot"
      exit 1
    fi
    cg_say aside "$cg_id" "$cg_slot"
    printf '%s was put aside in %s: the nearest place on the same file system outside the directories of environments.\n' \
      "$cg_prefix" "$cg_slot"
    exit 0
  fi
  cd -P -- "$cg_slot/gone" || exit 1
fi
printf 'Removing %s: %s entries, %s bytes with no link elsewhere.\n' "$cg_prefix" "$rm_files" "$rm_bytes"
rm_code=0
if [ "$rm_how" = rename ]; then
  cg_take_away || rm_code=1
else
  rm_look_again
  # Without this directory nobody takes it for an environment.
  cg_rename ./conda-meta ./.condafleet-gone
  cg_unlist "$cg_prefix" "$rm_real" || printf 'Its line could not be taken out of %s.\n' "$cg_txt"
  cg_empty || rm_code=1
  rm_mounts=$cg_mounted
  cd -P -- "$cg_parent" || exit 1
  if [ -z "$rm_mounts" ]; then
    rmdir "./$cg_name" || rm_code=1
    [ $rm_code = 0 ] || cg_say left "$cg_prefix"
  else
    cg_say left "$cg_prefix"
    printf 'What is mounted in it was left as it is, and so were the directories that lead there.\n'
  fi
fi
cd -P -- "$cg_parent" && cg_settle
rm_now=$(cg_free)
if [ -n "$rm_free" ] && [ -n "$rm_now" ]; then cg_say freed "$cg_prefix" "$(awk "BEGIN { printf \"%.0f\", $rm_now - $rm_free }")"; fi
[ $rm_code = 0 ] && cg_say unlinked "$cg_prefix" "$rm_bytes"
# The last word is the disk's.
if [ "$rm_how" = rename ] || [ -z "$rm_mounts" ]; then
  if [ -e "$rm_real" ] || [ -L "$rm_real" ]; then
    printf '%s is there again, or still.\n' "$cg_prefix"
    rm_code=1
  fi
elif [ -e "$rm_real/conda-meta" ]; then
  rm_code=1
fi
if [ -n "$cg_stop" ] && [ $rm_code != 0 ]; then
  echo 'Interrupted: the environment is out of sight, and not all of it is removed.'
  exit 130
fi
cg_sweep
[ $rm_code = 0 ] && echo 'Removed.'
exit $rm_code
