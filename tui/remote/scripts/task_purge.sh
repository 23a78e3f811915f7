# Remove what is kept of tasks that ended, after task_common.sh. Arguments: how many seconds ago at least, then ids
# (none: all). Answer: `=purged ID` for each. A task that may still live stays.
# shellcheck shell=sh disable=SC2154  # what task_common.sh sets
ta_age=$1
shift
ta_me
ta_now=$(date +%s)
ta_read() {
  ta_v=
  { read -r ta_v <"$ta_dir/$1"; } 2>/dev/null
}
ta_one() {
  ta_read born
  ta_born=$ta_v
  if [ -n "$ta_born" ]; then
    ta_here "${ta_born#* }" || return 0
    ta_when=${ta_born%% *}
  else
    # Nothing was ever started in it.
    ta_when=$(stat -c %Y -- "$ta_dir" 2>/dev/null)
    [ "${ta_when:-$ta_now}" -le $((ta_now - 3600)) ] || return 0
  fi
  ta_read exit
  if [ -n "$ta_v" ]; then
    ta_when=${ta_v#* }
    ta_when=${ta_when%% *}
  else
    for ta_f in pid outer; do
      ta_read $ta_f
      if [ -n "$ta_v" ] && ta_alive "$ta_v" own; then return 0; fi
    done
    if [ -n "$ta_born" ] && ta_alive "${ta_born#* }" own; then return 0; fi
    ta_release
  fi
  case $ta_when in '' | *[!0-9]*) return 0 ;; esac
  [ "$ta_when" -le $((ta_now - ta_age)) ] || return 0
  rm -rf -- "$ta_dir" && printf '%s\0' =purged 1 "${ta_dir##*/}"
}
ta_place && cd -- "$ta_base" 2>/dev/null || exit 0
[ $# -gt 0 ] || set -- [0-9]*-[0-9]*-*
for ta_d do
  ta_dir=$ta_base/$ta_d
  [ -d "$ta_dir" ] && ! [ -L "$ta_dir" ] && ta_one
done
exit 0
