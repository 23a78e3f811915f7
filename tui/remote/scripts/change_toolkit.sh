#!/bin/sh
# What a change by a package manager is made of, after change_guard.sh and change_trash.sh.
# shellcheck shell=sh disable=SC2034,SC2154  # what change_guard.sh sets, and change_tool.sh
ct_begun='' ct_aside='' ct_bad=''

# What this task is read from holds the lists as well.
ct_forget() { [ -z "$ct_explicit$ct_needs" ] || [ -n "${CONDAFLEET_AS:-}" ] || rm -f "$CONDAFLEET_SPOOL/program"; }

# ct_undisturbed: nobody else's conda is at work on the install; else all is as before, and decided anew when it has ended
ct_undisturbed() {
  ta_busy || return 0
  [ -z "$ct_stop" ] || ct_end 130
  if [ -n "$ct_aside" ]; then
    ct_bring_back
    [ -d "$cg_real" ] || ct_end 1
  fi
  [ -z "$ct_lists" ] || rm -rf "$ct_lists"
  [ -z "${CONDAFLEET_AS:-}" ] || rmdir "${ct_lists%/lists}" 2>/dev/null
  cg_again
}

ct_end() { # CODE
  trap '' INT TERM HUP QUIT
  [ -z "$ct_lists" ] || rm -rf "$ct_lists"
  [ -z "${CONDAFLEET_AS:-}" ] || [ -z "$ct_lists" ] || rmdir "${ct_lists%/lists}" 2>/dev/null
  exit "$1"
}

# ct_program PATH: nothing of somebody else's is run. What it is called by, and what runs it, count as well.
ct_program() {
  if ! [ -f "$1" ] || ! [ -x "$1" ]; then
    cg_concern no_tool "$1"
    return 1
  fi
  ct_places=$(readlink -f "$1" 2>/dev/null) || ct_places=$1
  for ct_u in $(stat -L -c %u -- "$1" "${1%/*}" "$ct_places" "${ct_places%/*}" 2>/dev/null || echo nobody); do
    if [ "$ct_u" != 0 ] && [ "$ct_u" != "$cg_uid" ]; then
      cg_concern foreign_owner "$1" "$ct_u"
      return 1
    fi
  done
}

# The place of something new: nothing there, and a directory above that is ours to write.
ct_new() {
  cg_absent
  if ! cg_split; then
    cg_concern missing "${cg_prefix%/*}"
    return 1
  fi
  cg_new_place
  cg_mounts
  if [ -n "$cg_fs_ro" ]; then cg_concern read_only "$cg_prefix" "$cg_fs_at"; fi
  [ -w . ] || cg_concern not_writable "$cg_prefix" parent 1 "$cg_parent"
  cg_stat .
  if [ "$cg_uid" = 0 ] && [ "$cg_owner" != 0 ]; then cg_concern foreign_owner "$cg_prefix" "$cg_owner"; fi
}

ct_source() {
  if ! [ -d "$ct_source" ]; then
    cg_concern missing "$ct_source"
  elif ! [ -f "$ct_source/conda-meta/history" ]; then
    cg_concern not_an_environment "$ct_source"
  fi
}

# Where packages change in a standing environment, base may be meant: that is advised against before. And that nobody
# can say whether it is used is no hindrance: nothing goes but what is asked for.
ct_lessen() {
  case $ct_kind in install | update | uninstall) ;; *) return 0 ;; esac
  for ct_k in base use_unknown; do
    case $cg_found in *" $ct_k "*) cg_found="${cg_found%% "$ct_k" *} ${cg_found#* "$ct_k" }" ;; esac
  done
}

# What is to be changed where it stands.
ct_standing() {
  cg_open || return 1
  cg_check place frozen
  # As an account that root became we see less than root did just now. Who uses an environment uses no base.
  [ -n "${CONDAFLEET_AS:-}" ] || cg_check use
  ct_lessen
  if [ "$cg_uid" = 0 ] && [ "$cg_owner" != 0 ]; then cg_concern foreign_owner "$cg_prefix" "$cg_owner"; fi
  { [ -w . ] && [ -w conda-meta ]; } || cg_concern not_writable "$cg_prefix" prefix 1 "$cg_prefix"
}

# What is to go.
ct_check_all() {
  cg_check place frozen writable links contents same
  [ -n "${CONDAFLEET_AS:-}" ] || cg_check use
}

# ct_ours: 0 when the history tells of our command line, 1 when it tells of others: then it is not our own, or not ours
# alone; 2 when it tells of none.
ct_ours() {
  ct_h=$(grep -a '^# cmd:' "$cg_real/conda-meta/history" 2>/dev/null)
  [ -n "$ct_h" ] || return 2
  ! printf '%s\n' "$ct_h" | grep -aqvF -e " -p $cg_prefix"
}

# ct_hide PLACE AS: the environment there out of sight in one step, as AS (env: it can come back, gone: it goes) in a slot
# of the trash. False when that cannot be: nothing has happened then.
ct_hide() {
  cg_stat "$1" && cg_find_place || { cg_at=$cg_parent && cg_usable "$cg_at"; } || return 1
  cg_stat "$1"
  cg_want_dev=$cg_dev cg_want_ino=$cg_ino
  cg_only_look=1
  cg_unlist "$cg_prefix" "$1"
  cg_only_look=
  if cg_make_place "$ct_id" && cg_meta "$ct_json" "$ct_until" 0 && cg_rename "$1" "$cg_slot/$2"; then
    cg_unlist "$cg_prefix" "$1" || :
    return 0
  fi
  [ -z "${cg_slot:-}" ] || cg_leave_place
  return 1
}

# What a new environment's failure left: out of sight, so that nobody takes it for whole, and then away.
ct_undo() {
  [ -n "$ct_begun" ] || return 0
  [ -e "$cg_real" ] || [ -L "$cg_real" ] || return 0
  ct_ours
  if [ $? = 1 ] || [ -L "$cg_real" ] || ! [ -d "$cg_real" ]; then
    printf '%s was made by somebody else meanwhile, and was left alone.\n' "$cg_prefix"
    cg_say left "$cg_prefix"
    return 1
  fi
  ct_until=0
  if ct_hide "$cg_real" gone; then
    cg_take_away
    return
  fi
  # Not by a rename: without this directory it is no environment.
  if cd -P -- "$cg_real" && cg_rename ./conda-meta ./.condafleet-gone; then
    cg_unlist "$cg_prefix" "$cg_real" || :
  fi
  if [ "$PWD" = "$cg_real" ] && cg_empty && cd -P -- "$cg_parent" && rmdir "./$cg_name"; then return 0; fi
  cg_say left "$cg_prefix"
  return 1
}

# ct_fail CODE WORDS: the end of what did not work
ct_fail() {
  trap '' INT TERM HUP QUIT
  [ -z "$2" ] || printf '%s\n' "$2"
  case $ct_kind in
    create | clone | rename) ct_undo ;;
    recreate) ct_bring_back ;;
  esac
  ct_end "$1"
}

# ct_watch: in the background of a command. What does not end when it is told to is ended before all of us are killed:
# what it leaves half must go out of sight. USR1: the command has ended.
ct_watch() {
  ct_t='' ct_s=
  trap 'ct_t=1' TERM
  trap '[ -z "$ct_s" ] || kill "$ct_s" 2>/dev/null; exit 0' USR1
  trap '' INT HUP QUIT
  while [ -z "$ct_t" ]; do
    sleep 60 &
    ct_s=$!
    wait "$ct_s"
  done
  sleep 4 &
  ct_s=$!
  wait "$ct_s"
  IFS= read -r ct_l </proc/self/stat
  ct_me=${ct_l%% *}
  for ct_f in /proc/[0-9]*/stat; do
    ct_l=
    { IFS= read -r ct_l <"$ct_f"; } 2>/dev/null
    ct_p=${ct_l%% *}
    # shellcheck disable=SC2086 # words are wanted
    set -- ${ct_l##*) }
    if [ "$2" = "$$" ] && [ "$ct_p" != "$ct_me" ]; then kill -s KILL "$ct_p"; fi
  done 2>/dev/null
  exit 0
}

# ct_run COMMAND...: its status as ct_c
ct_run() {
  ct_watch </dev/null >/dev/null 2>&1 &
  ct_w=$!
  "$@" </dev/null
  ct_c=$?
  kill -s USR1 "$ct_w" 2>/dev/null
  wait "$ct_w" 2>/dev/null
  return 0
}

# ct_ran CODE WHO: goes on after 0 alone
ct_ran() {
  cg_say "$2" "$1"
  if [ -n "$ct_stop" ]; then ct_fail 130 ''; fi
  case $1 in 0) ;; 3) ct_fail 1 '' ;; *) ct_fail "$1" '' ;; esac
}

ct_run_pip() {
  ct_python=$cg_real/bin/python
  if ! ct_program "$ct_python"; then ct_fail 1 "There is no Python in $cg_prefix that could be run."; fi
  if ! "$ct_python" -m pip --version </dev/null >/dev/null 2>&1; then
    [ "$ct_kind" = clone ] && return 0
    ct_fail 1 "There is no pip in $cg_prefix."
  fi
  if [ "$ct_kind" = uninstall ]; then
    # shellcheck disable=SC2046 # names are wanted
    ct_run "$ct_python" -m pip uninstall -y $(cat "$ct_lists/requirements.txt")
  else
    ct_run "$ct_python" -m pip install ${ct_how:+"$ct_how"} -r "$ct_lists/requirements.txt"
  fi
  if [ "$ct_c" != 0 ] && [ "$ct_kind" = clone ] && [ -z "$ct_stop" ]; then
    # One that cannot be had takes no other along; what is lacking is told at the end.
    while IFS= read -r ct_n <&3; do
      [ -n "$ct_stop" ] || ct_run "$ct_python" -m pip install ${ct_how:+"$ct_how"} "$ct_n"
    done 3<"$ct_lists/requirements.txt"
    ct_c=0
  fi
  ct_ran "$ct_c" pip
}

# ct_rest: what belongs to a copy beside its packages; false when not all of it is there. Of a rename that is the end.
ct_rest() {
  case $ct_kind in
    rename)
      cw_between "$ct_old_real" "$ct_old" "$cg_real"
      cw_whole "$ct_old_real" "$cg_real" || ct_fail 1 ''
      ct_compare "$ct_old_real" || ct_fail 1 ''
      ;;
    recreate)
      cw_between "$cg_real" "$cg_prefix" "$cg_real"
      cw_meta "$ct_aside/env" "$cg_real" state pinned frozen || ct_fail 1 ''
      ct_compare '' || ct_fail 1 ''
      ;;
    clone)
      if [ -n "$ct_source" ]; then
        cg_real_of "$ct_source"
        cw_between "$cg_r" "$ct_source" "$cg_real"
        if ct_has_others "$cg_r"; then cw_meta "$cg_r" "$cg_real" state pinned; else cw_whole "$cg_r" "$cg_real"; fi
        ct_c=$?
      else
        [ -z "$ct_pins" ] || (umask 022 && printf '%s' "$ct_pins" >"$cg_real/conda-meta/pinned")
        ct_c=$?
      fi
      ct_compare "$ct_source" && return $ct_c
      ;;
  esac
}

# ct_has_others PREFIX: whether other things than its own are kept in it: an install has environments and a cache
ct_has_others() { [ -e "$1/envs" ] || [ -e "$1/pkgs" ] || [ -e "$1/condabin/conda" ]; }

# A rename looks at both places, and goes on with the new one as cg_prefix.
ct_look_at_both() {
  if ! cg_open; then return 1; fi
  ct_check_all
  # What lies in it beside its own is no part of it that a copy could have.
  for ct_k in mounted nested; do
    case " $cg_accepted " in *" $ct_k "*) cg_accepted="${cg_accepted%%"$ct_k"*}${cg_accepted#*"$ct_k"}" ;; esac
  done
  ct_old=$cg_prefix ct_old_real=$cg_real ct_old_dev=$cg_want_dev ct_old_ino=$cg_want_ino
  if cg_stat "$cg_real"; then ct_old_dev=$cg_dev ct_old_ino=$cg_ino; fi
  cg_prefix=$ct_new_prefix
  ct_source=$ct_old
  ct_new || return 0
  if cg_stat . && [ "$cg_dev" != "$ct_old_dev" ]; then cg_concern bad_place "$cg_prefix" device "$ct_old"; fi
}

# The old place of what was renamed: what uses it is looked at once more, for copying took its time.
ct_remove_old() {
  ct_made=$cg_real
  cg_prefix=$ct_old cg_want_dev=$ct_old_dev cg_want_ino=$ct_old_ino cg_found=' '
  if cg_open; then
    cg_mounts
    cg_use
  fi
  # Nobody else's conda may be at work there either.
  if ta_busy; then cg_found="$cg_found tool_runs "; fi
  cg_no=
  for cg_k in $cg_found; do
    case " $cg_accepted ${CONDAFLEET_AS:+use_unknown} " in *" $cg_k "*) ;; *) cg_no=1 ;; esac
  done
  cd / || :
  if [ -z "$cg_no" ] && [ -z "$cg_mounted" ] && ! cw_check "$cg_real" "$ct_made"; then
    printf '%s changed while it was copied. It stays, and the copy goes.\n' "$ct_old"
    cw_names lacks "$ct_lists/whole"
    cg_say changed "$ct_old"
    cg_prefix=$ct_new_prefix cg_real=$ct_made cg_parent=${ct_made%/*} cg_name=${ct_made##*/}
    ct_fail 1 ''
  fi
  # Nothing of ours is taken back from here on.
  [ -n "$cg_no$cg_mounted" ] || cw_history "$cg_real" "$ct_made" || return 1
  ct_until=$(($(date +%s) + 604800))
  if [ -z "$cg_no" ] && [ -z "$cg_mounted" ] && ct_hide "$cg_real" env; then
    ct_aside=$cg_slot
    # Nobody finds it any more: what was written up to now is seen once more.
    if ! cw_check "$ct_aside/env" "$ct_made"; then
      printf '%s changed at the last moment.\n' "$ct_old"
      cg_say changed "$ct_old"
      if cg_rename "$ct_aside/env" "$cg_real"; then
        [ "$cg_listed" != 1 ] || cg_list "$ct_old"
        cg_leave_place
        cg_say left "$ct_old"
      else
        cg_say aside "$ct_id" "$ct_aside"
      fi
      return 1
    fi
    [ "$ct_keep" -le 0 ] || cg_say aside "$ct_id" "$ct_aside"
    ct_drop_aside
    return
  fi
  printf '%s is copied, and still there.\n' "$ct_old"
  cg_say left "$ct_old"
  return 1
}

# What is to be made anew goes aside, where a client that finds it later can restore it.
ct_put_aside() {
  ct_until=$(($(date +%s) + 604800))
  cd / || :
  if [ -n "$cg_mounted" ] || ! ct_hide "$cg_real" env; then
    printf '%s cannot be put aside, so nothing was changed.\n' "$cg_prefix"
    ct_end 3
  fi
  ct_aside=$cg_slot
  ct_was_listed=$cg_listed
  cg_say aside "$ct_id" "$cg_slot"
}

ct_bring_back() {
  [ -n "$ct_aside" ] || return 0
  # The slot is taken: what was begun goes into one of its own.
  ct_id=$(date +%Y%m%d-%H%M%S)-${ct_id##*-}
  ct_undo || :
  if cg_rename "$ct_aside/env" "$cg_real"; then
    [ "$ct_was_listed" = 1 ] && cg_list "$cg_prefix"
    cg_slot=$ct_aside
    cd / || :
    cg_leave_place
    cg_say restored "$cg_prefix"
    printf '%s is as it was.\n' "$cg_prefix"
  else
    printf 'What was at %s is in %s, and can be restored from there.\n' "$cg_prefix" "$ct_aside"
  fi
}

# After it was made anew: what was there goes, or stays aside for the time that was asked for.
ct_drop_aside() {
  cg_slot=$ct_aside
  if [ "$ct_keep" -gt 0 ]; then
    cg_meta "$ct_json" "$(($(date +%s) + ct_keep))" 0 || :
    return 0
  fi
  cg_rename "$cg_slot/env" "$cg_slot/gone" && cg_take_away
}
