# A part of a task's log, after task_common.sh. Arguments: id, offset in bytes, how many bytes at most. Answer: `=log SIZE
# STATE`, with STATE `ended` when all of the log is there, and right behind it the bytes, to the end of the answer;
# or `=gone`.
# shellcheck shell=sh disable=SC2154  # what task_common.sh sets
ta_place || ta_base=/nonexistent
ta_dir=$ta_base/$1
if ! [ -f "$ta_dir/log" ]; then
  printf '=gone\0000\000'
  exit 0
fi
ta_state=ended
if ! [ -e "$ta_dir/exit" ]; then
  ta_me
  # Over when nobody who could write to it lives: nor who was to start it.
  for ta_f in pid outer born; do
    ta_l=
    { read -r ta_l <"$ta_dir/$ta_f"; } 2>/dev/null
    if [ -n "$ta_l" ] && ta_alive "${ta_l##* }" own; then
      ta_state=open
      break
    fi
  done
fi
ta_size=$(wc -c <"$ta_dir/log") || exit 1
printf '%s\0' =log 2 "$((ta_size))" "$ta_state"
[ "$2" -lt "$ta_size" ] && tail -c +$(($2 + 1)) "$ta_dir/log" | head -c "$3"
exit 0
