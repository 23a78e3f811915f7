# Cancel a task, after task_common.sh. Arguments: id, who cancels it (one line), seconds to wait after an interrupt, and
# after a terminate. Answer: `=cancel WORD`: `asked` (it goes on on the host by itself), `ended`, `lost`, `gone`,
# `unknown` (it cannot be told who its processes are), `refused TEXT`.
# shellcheck shell=sh disable=SC2034,SC2154  # what task_common.sh sets, and is set for it
ta_say() {
  printf '%s\0' =cancel 2 "$1" "$2"
  exit 0
}
ta_place || ta_say gone ''
ta_dir=$ta_base/$1
ta_task=$1
[ -d "$ta_dir" ] || ta_say gone ''
[ -e "$ta_dir/exit" ] && ta_say ended ''
ta_me
ta_read() {
  ta_v=
  { read -r ta_v <"$ta_dir/$1"; } 2>/dev/null
}
ta_read born
ta_here "${ta_v#* }" || ta_say unknown ''
ta_born=${ta_v#* }
ta_read outer
ta_outer=$ta_v
ta_read pid
ta_pid=$ta_v
# Nobody is signalled of whom it is not known that he is the one.
if ! ta_alive "${ta_pid:-${ta_outer:-$ta_born}}" own; then
  [ -e "$ta_dir/exit" ] && ta_say ended ''
  if [ -z "$ta_outer" ] || ! ta_alive "$ta_outer" own; then ta_say lost ''; fi
elif [ -z "$ta_known" ]; then
  ta_say unknown ''
fi
ta_said=$(ta_put "$ta_dir/cancel" "$(date +%s) $2" 2>&1) || ta_say refused "$ta_said"
(
  # Its death is not the task's: until it has said its word, the task is not lost.
  IFS= read -r ta_l </proc/self/stat
  ta_self "${ta_l%% *}"
  ta_put "$ta_dir/canceller" "$ta_mine"
  ta_naps=0
  while ! [ -e "$ta_dir/pid" ] && ! [ -e "$ta_dir/exit" ] && [ "$ta_naps" -lt 60 ]; do ta_nap; done
  ta_read pid
  ta_pid=$ta_v
  # A task that began after we asked sees it by itself.
  for ta_sig in INT TERM KILL; do
    if [ -z "$ta_pid" ] || [ -e "$ta_dir/exit" ] || ! ta_alive "$ta_pid" own || [ -z "$ta_known" ]; then break; fi
    : >"$ta_dir/signalled"
    kill -s "$ta_sig" -- "-$ta_ip" 2>/dev/null
    case $ta_sig in INT) ta_wait=$3 ;; TERM) ta_wait=$4 ;; *) ta_wait=10 ;; esac
    ta_until=$(($(date +%s) + ta_wait))
    ta_naps=0
    while ta_alive "$ta_pid" own && ! [ -e "$ta_dir/exit" ] && [ "$(date +%s)" -lt "$ta_until" ]; do ta_nap; done
  done
  # Its keeper has the last word, unless somebody has killed that.
  ta_read outer
  if [ -z "$ta_v" ] || ! ta_alive "$ta_v" own; then ta_finish; fi
) </dev/null >/dev/null 2>&1 &
ta_say asked ''
