# Start a task, after task_common.sh. Arguments: id, spec, owner (one line each), then the texts of the files `run`,
# `program`, `places` and `roots`, then what goes into no file: logins, for the environment of the task. Answer: `=started`, `=exists` (it was started before) or `=refused KIND TEXT`, when
# nothing was run and nothing is left.
# shellcheck shell=sh disable=SC2154  # what task_common.sh and lane.sh set
ta_dir=
ta_no() {
  [ -n "$ta_dir" ] && rm -rf -- "$ta_dir"
  printf '%s\0' =refused 2 "$1" "$2"
  exit 0
}
ta_place || ta_no place 'the account has no home directory'
umask 077
command -v setsid >/dev/null 2>&1 || ta_no missing setsid
[ -r /proc/self/stat ] || ta_no missing /proc
ta_said=$(mkdir -p -- "$ta_base" 2>&1) || ta_no place "$ta_said"
# shellcheck disable=SC3067 # dash, bash and busybox know it
[ -O "$ta_base" ] || ta_no place "$ta_base belongs to another account"
ta_exists() {
  printf '=exists\0000\000'
  exit 0
}
[ -e "$ta_base/$1" ] && ta_exists
ta_free=$(df -kP -- "$ta_base" 2>/dev/null | awk 'END { print $(NF - 2) }')
case $ta_free in
  '' | *[!0-9]*) ;;
  *) [ "$ta_free" -ge 256 ] || ta_no full "$ta_base: $ta_free KB are free" ;;
esac
if ! ta_said=$(mkdir -- "$ta_base/$1" 2>&1); then
  # Another connection of the same client was a moment faster.
  [ -d "$ta_base/$1" ] && ta_exists
  ta_no place "$ta_said"
fi
ta_dir=$ta_base/$1
ta_me
# Who makes the folder: until the task has begun, its life is the task's.
IFS= read -r ta_l </proc/self/stat
ta_self "${ta_l%% *}"
{
  printf '%s\0' =spec 1 "$2" >"$ta_dir/spec" &&
    printf '%s\n' "$3" >"$ta_dir/owner" &&
    printf '%s' "$4" >"$ta_dir/run" &&
    printf '%s' "$5" >"$ta_dir/program" &&
    printf '%s' "$6" >"$ta_dir/places" &&
    printf '%s' "$7" >"$ta_dir/roots" &&
    printf '%s\n' "${cf_umask:-022}" >"$ta_dir/umask" &&
    : >"$ta_dir/log" &&
    for ta_f in outer pid started status cancel fault waiting exit; do ta_room "$ta_dir/$ta_f" || exit; done &&
    printf '%s\n' "$(date +%s) $ta_mine" >"$ta_dir/born"
} 2>/dev/null || ta_no full "$ta_dir could not be written"
# Every byte is there: a shell that ran half of a file would do half of something.
ta_size=$(cat "$ta_dir/run" "$ta_dir/program" "$ta_dir/places" "$ta_dir/roots" "$ta_dir/owner" | wc -c)
[ "$((ta_size))" = $((${#4} + ${#5} + ${#6} + ${#7} + ${#3} + 1)) ] || ta_no full "$ta_dir could not be written"
# Somebody may have started all of this with interrupts ignored, which no shell can undo.
ta_env=
env --default-signal=INT,QUIT true 2>/dev/null && ta_env='env --default-signal=INT,QUIT'
# ta_logind WHAT NAME...: what logind says of it; it is not waited for long
ta_logind() { timeout 5 loginctl "$@" </dev/null 2>/dev/null; }
# ta_has KEY WORD: whether a list that logind gave holds the word
ta_has() {
  case " $(printf '%s\n' "$ta_said" | sed -n "s/^$1=//p") " in *" $2 "*) return 0 ;; esac
  return 1
}
# Where a logout ends what a login left running, the task gets a scope of its own; without linger that ends with the
# last login of the account.
ta_scope=
if [ -n "${XDG_SESSION_ID:-}" ] && command -v loginctl >/dev/null 2>&1; then
  ta_said=$(ta_logind show-session -p KillUserProcesses -p KillOnlyUsers -p KillExcludeUsers)
  ta_user=$(id -un)
  ta_whose=--user
  if [ -n "${CONDAFLEET_LOGIN:-}" ]; then
    # Root's shell within the session of the login that asked for it.
    ta_user=$(ta_logind show-session -p Name | sed -n 's/^Name=//p')
    ta_whose=
  fi
  if ta_has KillUserProcesses yes && ! ta_has KillExcludeUsers "$ta_user" &&
    { ta_has KillOnlyUsers '' || ta_has KillOnlyUsers "$ta_user"; }; then
    ta_note=session
    # shellcheck disable=SC2086 # a word or none
    if timeout 10 systemd-run $ta_whose --scope --quiet --collect -- true </dev/null >/dev/null 2>&1; then
      ta_scope="systemd-run $ta_whose --scope --quiet --collect --"
      ta_note=scope
      [ -n "$ta_whose" ] || ta_note=
      case $(ta_logind show-user "$ta_user" -p Linger) in *Linger=yes*) ta_note='' ;; esac
    fi
    [ -z "$ta_note" ] || printf '%s\0' =said 3 note logout "$ta_note" >>"$ta_dir/said"
  fi
fi
# Only now: nothing that was started before needs it.
if [ -n "${8:-}" ]; then
  CONDAFLEET_NETRC=$8
  export CONDAFLEET_NETRC
fi
# The starter waits in the foreground: what a shell starts in the background ignores interrupts for ever. It is
# ended by what it started.
(
  # shellcheck disable=SC2016,SC2086 # expanded by the inner shell; words are wanted
  $ta_scope $ta_env /bin/sh -c 'IFS= read -r l </proc/$$/stat; l=${l##*) }; set -- "$1" $l; setsid /bin/sh "$1/run" outer "$1" "$$" "${21}"; :' \
    sh "$ta_dir" </dev/null >/dev/null 2>&1
  :
) 2>/dev/null
[ -e "$ta_dir/outer" ] || ta_no start 'the task did not begin'
printf '=started\0000\000'
