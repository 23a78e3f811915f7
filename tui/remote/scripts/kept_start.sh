# Begin a kept pass, after task_common.sh and kept_common.sh. Arguments: its id, how many seconds it outlives whoever asks
# for its answer, the id of one that is not wanted any more (empty: none), the text of the script, then that script's
# own arguments. Answer: `=started`, or `=cannot TEXT` when nothing was begun and nothing is left.
# shellcheck shell=sh disable=SC2154  # what the scripts before set
ke_cannot() {
  printf '%s\0' =cannot 1 "$1"
  exit 0
}
ke_place || ke_cannot 'the account has no home directory'
umask 077
IFS= read -r ta_l 2>/dev/null </proc/self/stat || ke_cannot 'there is no /proc'
[ -z "$3" ] || ke_forget "$ke_base/$3"
ta_me
# What others of this account left: killed with all who looked after it, or of another boot.
for ke_dir in "$ke_base"/*; do
  [ -d "$ke_dir" ] || continue
  ke_who=
  { read -r ke_who <"$ke_dir/keeper"; } 2>/dev/null
  if [ -n "$ke_who" ]; then
    ta_alive "$ke_who" own && continue
  else
    # One that begins this moment has nobody yet.
    [ -n "$(find "$ke_dir" -prune -mmin +60 2>/dev/null)" ] || continue
  fi
  ke_forget "$ke_dir"
done
ke_dir=$ke_base/$1
ke_said=$(mkdir -p -- "$ke_base" 2>&1) || ke_cannot "$ke_said"
# shellcheck disable=SC3067 # dash, bash and busybox know it
if [ -L "$ke_base" ] || ! [ -O "$ke_base" ]; then ke_cannot "$ke_base belongs to another account"; fi
ke_said=$(mkdir -- "$ke_dir" 2>&1) || ke_cannot "$ke_said"
ke_full() {
  ke_forget "$ke_dir"
  ke_cannot "$ke_dir could not be written"
}
# shellcheck disable=SC2129 # each is a file of its own
{
  printf '%-40s\n' begun >"$ke_dir/heard" && printf '%-40s\n' open >"$ke_dir/state" &&
    printf '%-500s\n' . >"$ke_dir/keeper" && : >"$ke_dir/out"
} 2>/dev/null || ke_full
# Nothing kept means that nothing was said either.
[ "$(cat "$ke_dir/heard" "$ke_dir/state" "$ke_dir/keeper" 2>/dev/null | wc -c | tr -d ' ')" = 583 ] || ke_full
ke_grace=$2
ke_text=$4
shift 4

# Who keeps the pass, and somebody who looks after it: should one of both be killed, the other ends everything. What the
# pass says goes through $ke_cat: it ends within about a second when nobody takes that.
ke_keep() {
  trap '' HUP
  cd "$ke_dir" || exit 1
  IFS= read -r ta_l </proc/self/stat
  ke_me=${ta_l%% *}
  ta_self "$ke_me"
  ke_begun=$ta_start
  printf '%-500.500s\n' "$ta_mine" 1<>keeper
  (eval "$ke_text") </dev/null 2>/dev/null | cat >>out 2>/dev/null &
  ke_cat=$!
  ta_stat "$ke_cat" && ke_cat_begun=$ta_start
  ke_look_after &
  ke_guard=$!
  ta_stat "$ke_guard" && ke_guard_begun=$ta_start
  ke_last=
  ke_quiet=0
  ke_over=
  while sleep 1 && [ -e out ] && [ "$ke_quiet" -lt "$ke_grace" ] && ke_same "$ke_guard" "$ke_guard_begun"; do
    ke_now=
    { IFS= read -r ke_now <heard; } 2>/dev/null
    ke_quiet=$((ke_quiet + 1))
    if [ "$ke_now" != "$ke_last" ]; then
      ke_last=$ke_now
      ke_quiet=0
    fi
    if [ -z "$ke_over" ] && ! ke_same "$ke_cat" "$ke_cat_begun"; then
      wait "$ke_cat"
      case $? in 0 | 12[89] | 1[3-9]?) ke_over=ended ;; *) ke_over=full ;; esac
      [ ! -e state ] || printf '%-40s\n' "$ke_over" 1<>state
    fi
  done
  ke_end
}
ke_look_after() {
  while sleep 1 && ke_same "$ke_me" "$ke_begun"; do :; done
  ke_end
}
ke_end() {
  ke_same "$ke_cat" "$ke_cat_begun" && kill -s KILL "$ke_cat"
  cd /
  ke_forget "$ke_dir"
  exit 0
}
ke_keep "$@" </dev/null >/dev/null 2>&1 &
printf '=started\0000\000'
