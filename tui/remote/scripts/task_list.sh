# The tasks of this account on this machine, the newest first, after task_common.sh. Arguments: how many at most, `all`
# or `living` (those without an end alone, and the ids), then ids (with `all`, none: all). Answer: `=now EPOCH`, for each
# task its `=spec`, then `=waiting`, `=fault` and `=said HEX` (what its program reported, the first 64 KiB) if there are
# any, then `=task ID LOG-SIZE BORN OUTER PID STARTED STATUS CANCEL EXIT LIFE`, lines of the files of those names; LIFE is
# `here` (seen living), `maybe` (not proved dead), `gone`, `boot` (of another boot). At its end `=end`.
# shellcheck shell=sh disable=SC2154  # what task_common.sh sets
ta_most=$1
ta_which=$2
shift 2
printf '%s\0' =now 1 "$(date +%s)"
ta_me
ta_line() {
  ta_v=
  { read -r ta_v <"$ta_dir/$1"; } 2>/dev/null
  return 0
}
# ta_lives IDENTITY
ta_lives() {
  if ! ta_alive "$1" own; then
    ta_life=gone
    [ "$ta_ib" = "$ta_boot" ] || ta_life=boot
  elif [ -n "$ta_known" ]; then
    ta_life=here
  else
    ta_life=maybe
  fi
}
ta_one() {
  ta_line born
  ta_born=$ta_v
  # A folder that is being made, or one of another machine that shares this home.
  [ -n "$ta_born" ] && ta_here "${ta_born#* }" || return 0
  # The end is read first: what is read after it is final.
  ta_line exit && ta_exit=$ta_v
  ta_line status && ta_status=$ta_v
  ta_line outer && ta_outer=$ta_v
  ta_line pid && ta_pid=$ta_v
  ta_line started && ta_started=$ta_v
  ta_line cancel && ta_cancel=$ta_v
  ta_life=gone
  if [ -z "$ta_exit" ]; then
    ta_lives "${ta_pid:-${ta_outer:-${ta_born#* }}}"
    # Its keeper, or who cancels it, may still have a word to say.
    for ta_f in outer canceller; do
      if [ "$ta_life" = gone ] && ta_line $ta_f && [ -n "$ta_v" ]; then ta_lives "$ta_v"; fi
    done
    # It may have ended just now.
    case $ta_life in gone | boot) ta_line exit && ta_exit=$ta_v ;; esac
    [ -n "$ta_exit" ] && ta_line status && ta_status=$ta_v
  fi
  set --
  for ta_f in spec waiting fault; do
    case $ta_f in waiting) [ -z "$ta_exit" ] || continue ;; esac
    [ -s "$ta_dir/$ta_f" ] && set -- "$@" "$ta_dir/$ta_f"
  done
  [ $# = 0 ] || cat -- "$@" 2>/dev/null
  # As one field: its last record may be half written, which must not spoil what follows.
  [ -s "$ta_dir/said" ] && printf '%s\0' =said 1 "$(head -c 65536 <"$ta_dir/said" | od -An -v -tx1 | tr -d ' \n')"
  ta_size=$(wc -c <"$ta_dir/log" 2>/dev/null)
  printf '%s\0' =task 10 "${ta_dir##*/}" "$ta_size" "$ta_born" "$ta_outer" "$ta_pid" "$ta_started" "$ta_status" \
    "$ta_cancel" "$ta_exit" "$ta_life"
}
if ta_place && cd -- "$ta_base" 2>/dev/null; then
  if [ "$ta_which" = living ]; then
    for ta_d do
      shift
      [ -e "$ta_d/exit" ] && set -- "$@" "$ta_d"
    done
  fi
  if [ $# = 0 ] || [ "$ta_which" = living ]; then
    # shellcheck disable=SC2046 # words are wanted, our own ids
    set -- "$@" $(for ta_d in [0-9]*-[0-9]*-*; do
      [ "$ta_which" = living ] && [ -e "$ta_d/exit" ] || printf '%s\n' "$ta_d"
    done | sort -r | head -n "$ta_most")
  fi
  for ta_d do
    ta_exit='' ta_status='' ta_outer='' ta_pid='' ta_started='' ta_cancel=''
    ta_dir=$ta_base/$ta_d
    [ -d "$ta_dir" ] && ta_one
  done
fi
printf '=end\0000\000'
