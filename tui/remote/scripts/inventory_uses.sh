#!/bin/sh
# Which processes use which environments now: after proc_links.sh.
#
# Arguments: 1 where a demo device may be believed (0 on any other host), then prefixes, without soft links in them
# where that is known. Records:
#   =use 6    pid, uid, number of the prefix (from 1), how it was seen (exe, cwd, maps, CONDA_PREFIX; more than
#             one separated by spaces), T when it runs in a tmux pane, command line with \1 between arguments
#   =unseen 1 how many processes could not be looked at; "hidepid" when /proc shows only the account's own
#   =user 2   uid, name
LC_ALL=C
export LC_ALL
PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}:/usr/bin:/bin:/usr/sbin:/sbin
export PATH
set +f
iv_demo=$1
shift
iv_most=500
rec() { # TAG COUNT FIELD...
  iv_t=$1
  shift
  printf '%s\0' "=$iv_t" "$@"
}

if ! [ -r /proc/self/stat ]; then
  rec missing 1 /proc
  rec end 0
  exit 0
fi

# This shell and what it starts use nothing. Its children are gone when their turn would come.
IFS= read -r iv_me </proc/self/stat
iv_me=${iv_me%% *}
# Nor do the other shells of the connection use what they inherited from it: they have the same parent, above the sudo
# of those that are root's.
iv_parent=$$
while :; do
  iv_l=
  { IFS= read -r iv_l <"/proc/$iv_parent/stat"; } 2>/dev/null
  iv_l=${iv_l##*) }
  iv_l=${iv_l#* }
  iv_parent=${iv_l%% *}
  case $(cat "/proc/$iv_parent/comm" 2>/dev/null) in sudo) ;; *) break ;; esac
done

environs() {
  grep -Hzs -E '^(CONDA_PREFIX|TMUX_PANE)=' /proc/[0-9]*/environ /dev/null 2>/dev/null | tr '\n\000' '\001\n'
}
maps() {
  # shellcheck disable=SC2016 # awk's own dollars
  awk 'BEGIN { for (i = 1; i < ARGC; i++) { p = ARGV[i]; gsub(/\\/, "\\\\134", p); gsub(/\n/, "\\012", p); print p "/" } exit }' "$@" |
    grep -Fs -H -f /dev/stdin /proc/[0-9]*/maps 2>/dev/null
}

# shellcheck disable=SC2016 # awk's own dollars
iv_found=$(
  {
    pl_links exe cwd
    printf 'environs\n'
    environs
    printf 'maps\n'
    [ $# -gt 0 ] && maps "$@"
  } | awk -v ME="$iv_me" -v SHELL="$$" '
BEGIN {
  FS = "\t"
  for (i = 1; i < ARGC; i++) {
    p = ARGV[i]
    gsub(/\n/, "\001", p)
    prefix[p] = i
    ARGV[i] = ""
  }
  section = "links"
}
function owner(path,  whole) {
  sub(/ \(deleted\)$/, "", path)
  if (path in cache) return cache[path]
  whole = path
  while (path != "") {
    if (path in prefix) return cache[whole] = prefix[path]
    if (!sub(/\/[^\/]*$/, "", path)) break
  }
  return cache[whole] = 0
}
function use(pid, how, path,  n) {
  if (pid == ME || pid == SHELL) return
  n = owner(path)
  if (!n || ((pid, n, how) in seen)) return
  seen[pid, n, how] = 1
  if (!((pid, n) in ways)) { order[++uses] = pid SUBSEP n; ways[pid, n] = how }
  else ways[pid, n] = ways[pid, n] "," how
}
$0 == "environs" || $0 == "maps" { section = $0; next }
section == "links" {
  split($1, part, "/")
  value = substr($0, length($1) + 2)
  if (value == "") { if (part[4] == "exe") { blind = blind " " part[3]; blinds++ } }
  else use(part[3], part[4], value)
  next
}
section == "environs" {
  at = index($0, "/environ:")
  pid = substr($0, 7, at - 7)
  rest = substr($0, at + 9)
  if (substr(rest, 1, 10) == "TMUX_PANE=") tmux[pid] = 1
  else { value = substr(rest, 14); if (length(value) > 1) sub(/\/+$/, "", value); use(pid, "CONDA_PREFIX", value) }
  next
}
{
  at = index($0, "/maps:")
  pid = substr($0, 7, at - 7)
  rest = substr($0, at + 6)
  at = index(rest, " /")
  if (!at) next
  path = substr(rest, at + 1)
  gsub(/\\012/, "\001", path)
  gsub(/\\134/, "\\", path)
  use(pid, "maps", path)
}
END {
  for (i = 1; i <= uses; i++) {
    split(order[i], part, SUBSEP)
    print "U " part[1] " " part[2] " " ways[part[1], part[2]] " " (part[1] in tmux ? "T" : "-")
  }
  print "B" blind
}' "$@"
)

# All in one subshell at the end of a pipe: what is set in it is not seen outside.
printf '%s\n' "$iv_found" | {
  iv_count=0
  iv_uids=' '
  while read -r iv_k iv_pid iv_which iv_how iv_tmux; do
    case $iv_k in
      B*)
        # Kernel threads and zombies have no command line; any other process without a program was hidden from us.
        [ -n "$iv_pid" ] || continue
        iv_unseen=0
        # shellcheck disable=SC2086 # words are wanted
        for iv_x in $iv_pid $iv_which $iv_how $iv_tmux; do
          [ "$iv_x" = "$iv_me" ] && continue
          iv_l=
          IFS= read -r iv_l 2>/dev/null <"/proc/$iv_x/cmdline" || [ -n "$iv_l" ] || continue
          [ -n "$iv_l" ] && iv_unseen=$((iv_unseen + 1))
        done
        # A demo device: its host shares the machine with others, and its own processes are all ours to see. An
        # account's own word for it is not enough.
        [ "$iv_demo" = 1 ] && [ -n "${CONDAFLEET_PLAYED:-}" ] && [ -d "$CONDAFLEET_PLAYED" ] && iv_unseen=0
        rec unseen 1 "$iv_unseen"
        continue
        ;;
      U) ;;
      *) continue ;;
    esac
    iv_uid=
    iv_above=
    while read -r iv_a iv_u _; do
      case $iv_a in
        PPid:) iv_above=$iv_u ;;
        Uid:) iv_uid=$iv_u && break ;;
      esac
    done 2>/dev/null <"/proc/$iv_pid/status"
    case ,$iv_how, in
      *,exe,* | *,maps,*) ;;
      *)
        [ "$iv_above" = "$iv_parent" ] && continue
        # What sudo runs is seen for itself.
        [ "$iv_uid" = 0 ] && [ "$(cat "/proc/$iv_pid/comm" 2>/dev/null)" = sudo ] && continue
        ;;
    esac
    iv_count=$((iv_count + 1))
    if [ $iv_count -gt $iv_most ]; then
      rec many 0
      break
    fi
    case $iv_uids in *" $iv_uid "*) ;; *) iv_uids="$iv_uids$iv_uid " ;; esac
    printf '=use\0006\000%s\000%s\000%s\000%s\000%s\000' "$iv_pid" "$iv_uid" "$iv_which" "$iv_how" "$iv_tmux"
    head -c 600 "/proc/$iv_pid/cmdline" 2>/dev/null | tr '\000' '\001'
    printf '\000'
  done
  if [ "$(id -u)" != 0 ]; then
    while read -r _ iv_m iv_k iv_o _; do
      if [ "$iv_m" = /proc ] && [ "$iv_k" = proc ]; then
        case $iv_o in *hidepid=0* | *hidepid=off*) ;; *hidepid=*) rec unseen 1 hidepid ;; esac
      fi
    done </proc/mounts
  fi
  if [ "$iv_uids" != ' ' ]; then
    # shellcheck disable=SC2086 # words are wanted
    { getent passwd $iv_uids 2>/dev/null || cat /etc/passwd; } | while IFS=: read -r iv_name _ iv_u _; do
      case $iv_uids in *" $iv_u "*) rec user 2 "$iv_u" "$iv_name" ;; esac
    done
  fi
}
rec end 0
