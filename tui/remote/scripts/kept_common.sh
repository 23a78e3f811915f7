# What the scripts of kept passes share, after task_common.sh. A kept pass is a script that goes on without the
# connection that began it, and looks only: its answer lies in a folder of its own until it was fetched.
# shellcheck shell=sh disable=SC2034,SC2154  # what scripts set for each other
#
#   out     what the pass says       state   open; ended; full, when not all of it could be written
#   heard   another text whenever somebody asked for the answer        keeper  the identity of who keeps it
ke_place() {
  ta_place || return 1
  ke_base=${ta_base%/*}/counts
}

# ke_same PID START: whether the process that began then lives
ke_same() { ta_stat "$1" && [ "$ta_start" = "$2" ]; }

# ke_forget FOLDER: remove one pass's files; who keeps it sees that, and ends the pass.
ke_forget() {
  case ${1##*/} in
    '' | .* | *[!0-9a-f]*) return 1 ;;
  esac
  [ -L "$1" ] || rm -rf -- "$1"
  rmdir -- "$ke_base" 2>/dev/null
}
