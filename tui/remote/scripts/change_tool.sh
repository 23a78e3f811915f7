#!/bin/sh
# A change that a package manager makes, after change_guard.sh, change_newplace.sh, change_trash.sh, change_env.sh,
# change_toolkit.sh, change_proof.sh, change_whole.sh, change_unload.sh, change_beside.sh and change_logins.sh.
# Arguments: those of cg_args, then
#   KIND       create, clone, install, update, uninstall, rename (a copy is made, looked at, and the old one removed),
#              recreate (the old one goes aside first, and comes back when anything fails)
#   OTHER      of a clone the prefix to be copied, of a rename the new prefix
#   CONDA      packages whose records must be there afterwards (of an uninstall: gone), between spaces: NAME, =RECORD, or
#              NAME:VERSIONS:BUILD, either empty or as a spec has it; +RECORD, -RECORD: there, or gone, by the dry run
#   PIP        the same of pip's: NAME, NAME==VERSION (of a copy: that very one) or NAME:VERSIONS:, the name in canonical
#              spelling
#   EXPLICIT   text of an explicit list, put behind the command line as a file
#   NEEDS      text of requirements for pip; of an uninstall names, a line each
#   HOW        one more option for pip, or nothing
#   MISSING    what cannot be made again, a line each: it is said at the end, and the task fails
#   PINS       lines of conda-meta/pinned for what is new
#   ID JSON    under which id something goes aside, and what the client wants to know of it again
#   KEEP       for how many seconds what was made anew stays aside
#   CACHE LAYOUT CARRIED   the package cache that packages were carried to, conda or mamba, and a line for each of
#              them, see change_unload.sh; nothing where none were
#   ARGV...    the command line of the package manager; none: conda has no part in it
# Exit status: 0 done, and seen on the disk; 3 refused, nothing was changed; 4 the environment was made, but not all is
# as it was to be; 130 stopped; else the tool's own. Says `tool CODE`, `pip CODE`, `made PREFIX`, `left PATH`,
# `lacks NAME...`, `unproven PREFIX`, `missing LINES`, `aside ID PATH`, `restored PREFIX`,
# `beside PREFIX absent|there COMMAND`.
# shellcheck shell=sh disable=SC2034,SC2154  # what change_guard.sh sets
ct_stop=
trap 'ct_stop=1' INT TERM HUP QUIT
cg_args "$@"
shift "$cg_used"
ct_kind=$1 ct_source='' ct_new_prefix='' ct_conda=$3 ct_pip=$4 ct_explicit=$5 ct_needs=$6 ct_how=$7 ct_missing=$8
case $1 in clone) ct_source=$2 ;; rename) ct_new_prefix=$2 ;; esac
ct_pins=$9
shift 9
ct_id=$1 ct_json=$2 ct_keep=$3 ct_cache=$4 ct_layout=$5 ct_carried=$6
shift 6
ct_tool=$#

# Root changes what is another account's as that account, or not at all. Before, it looks at who uses it: it sees all.
if [ "$cg_uid" = 0 ]; then
  cg_actor "$cg_prefix"
  ct_o=$cg_as
  if [ "${ct_o:-0}" != 0 ] && cg_can_become "$ct_o"; then
    case $ct_kind in
      create | clone) ;;
      *)
        if cg_open; then cg_check place use; fi
        ct_lessen
        ;;
    esac
    cg_refuse_unless "$cg_accepted"
    cg_become "$ct_o"
    ct_c=$?
    [ $ct_c = 75 ] || rm -f "$CONDAFLEET_SPOOL/program"
    exit "$ct_c"
  fi
fi
if [ -n "${CONDAFLEET_AS:-}" ]; then
  # The task's folder is not ours.
  unset MAMBA_ROOT_PREFIX CONDARC XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME
  ct_lists=
else
  trap ct_forget EXIT
  ct_lists=$CONDAFLEET_SPOOL/lists
fi

case $ct_kind in
  create | clone)
    ct_new
    [ -z "$ct_source" ] || ct_source
    ;;
  rename) ct_look_at_both ;;
  recreate) if cg_open; then ct_check_all; fi ;;
  *) ct_standing ;;
esac
[ "$ct_tool" = 0 ] || ct_program "$1"
cg_refuse_unless "$cg_accepted"
# micromamba ends with 0 after removing what was not there.
if [ "$ct_kind" = uninstall ]; then
  ct_kind=present
  if ! ct_look; then ct_end 1; fi
  ct_kind=uninstall
fi
cd -- "${HOME:-/}" 2>/dev/null || cd /
[ -z "$ct_stop" ] || ct_end 130
if [ -z "$ct_lists" ]; then
  ct_lists=$(mktemp -d "${TMPDIR:-/tmp}/condafleet-lists.XXXXXX")
  ct_lists=${ct_lists:-/nonexistent}/lists
fi
if ! (
  umask 077
  mkdir "$ct_lists" && printf '%s' "$ct_explicit" >"$ct_lists/explicit.txt" &&
    printf '%s' "$ct_needs" >"$ct_lists/requirements.txt"
); then
  echo 'The lists for it could not be written; nothing was changed.'
  ct_end 1
fi
if [ -n "$ct_explicit" ]; then set -- "$@" --file "$ct_lists/explicit.txt"; fi
ct_logins
# From here to the tool's own start milliseconds pass in which somebody's conda could begin unseen.
ct_undisturbed
if [ "$ct_tool" -gt 0 ] && [ "$ct_kind" = recreate ]; then
  ct_put_aside
  ct_undisturbed
fi
ct_forget
if [ "$ct_tool" -gt 0 ]; then
  ct_begun=1
  ct_unload
  case $ct_kind in
    create | clone | rename | recreate) ct_make "$@" ;;
    *) ct_run "$@" ;;
  esac
  ct_ran "$ct_c" tool
fi
case $ct_kind in
  create | clone | rename | recreate)
    if ! [ -f "$cg_real/conda-meta/history" ]; then
      cg_say unproven "$cg_prefix"
      ct_fail 1 "There is no environment at $cg_prefix."
    fi
    ct_ours
    if [ $? = 1 ]; then
      cg_say unproven "$cg_prefix"
      ct_fail 1 ''
    fi
    ;;
esac
[ -z "$ct_needs" ] || ct_run_pip
if ! ct_look; then
  # A copy that lacks something is still one; but nothing is removed for it.
  [ "$ct_kind" = clone ] || ct_fail 1 ''
  ct_bad=1
fi
ct_rest || ct_bad=1
if [ -n "$ct_stop" ]; then ct_fail 130 ''; fi
trap '' INT TERM HUP QUIT
ct_code=0
[ -z "$ct_bad" ] || ct_code=4
ct_as_planned || ct_code=4
case $ct_kind in
  create | clone) cg_say made "$cg_prefix" ;;
  recreate)
    cg_say made "$cg_prefix"
    if ! cw_history "$ct_aside/env" "$cg_real" || ! ct_drop_aside; then ct_code=4; fi
    ;;
  rename)
    cg_say made "$cg_prefix"
    ct_remove_old || ct_code=4
    ;;
esac
if [ -n "$ct_missing" ]; then
  printf 'What cannot be made again:\n%s\n' "$ct_missing"
  cg_say missing "$ct_missing"
  ct_code=4
fi
ct_end $ct_code
