# A part of what a kept pass said, after task_common.sh and kept_common.sh. Arguments: its id, offset in bytes, how many
# bytes at most, a text that is another one each time. Answer: `=part SIZE STATE`, with STATE `open`, `ended` when nothing
# more will be said, or `full` when not all could be written, and right behind it the bytes, to the end of the answer;
# or `=gone`.
# shellcheck shell=sh disable=SC2154  # what the scripts before set
ke_gone() {
  printf '=gone\0000\000'
  exit 0
}
ke_place || ke_gone
cd "$ke_base/$1" 2>/dev/null || ke_gone
[ -f heard ] && { printf '%-40.40s\n' "$4" 1<>heard; } 2>/dev/null
ke_state=
{ read -r ke_state <state; } 2>/dev/null
ke_size=$(wc -c <out) 2>/dev/null || ke_gone
ke_size=$((ke_size))
if [ "$ke_state" = open ] && [ "$ke_size" -le "$2" ]; then
  ta_me
  ke_who=
  { read -r ke_who <keeper; } 2>/dev/null
  # Before it has a name it begins.
  [ "$ke_who" = . ] || ta_alive "$ke_who" own || ke_gone
fi
printf '%s\0' =part 2 "$ke_size" "$ke_state"
[ "$2" -lt "$ke_size" ] && tail -c +$(($2 + 1)) out | head -c "$3"
exit 0
