#!/bin/sh
# Somebody else's conda, mamba or micromamba that makes the same environment while ours is at work; after
# change_toolkit.sh. Every such tool looks at the place once, when it begins, and writes there minutes later, whatever
# has come there meanwhile; none can be told to look again, nor to write only into a directory of ours. One that ran
# before us was waited for. So we look for another every second, and once more when our own has begun to write: from then
# on whoever begins is asked by his own tool. The other takes longer to begin than we to look, so that ours is ended before
# either has written. What is left: both begin to write between two looks; or the other cannot be seen, on another host
# of a shared file system, or by its file alone (`env create -f`). Then the history tells of both at the end.
# shellcheck shell=sh disable=SC2034,SC2154  # what change_guard.sh sets, and change_tool.sh

# ct_others: the pid of one, and what it does to which environment: what else stands in its command line may be a secret
ct_others() {
  ct_l=
  { IFS= read -r ct_l <"/proc/$$/stat"; } 2>/dev/null
  # shellcheck disable=SC2086 # words are wanted
  set -- ${ct_l##*) }
  ct_session=${4:--}
  for ct_p in $(ta_maybe); do
    ct_l=
    { IFS= read -r ct_l <"/proc/$ct_p/stat"; } 2>/dev/null || continue
    # shellcheck disable=SC2086 # words are wanted
    set -- ${ct_l##*) }
    if [ "${4:-}" = "$ct_session" ] || [ "$1" = Z ]; then continue; fi
    printf '\002%s\n' "$ct_p"
    tr '\n\002\004\000' '   \n' 2>/dev/null <"/proc/$ct_p/environ" | grep -e '^MAMBA_ROOT_PREFIX='
    printf '\004\n'
    head -c 8000 "/proc/$ct_p/cmdline" 2>/dev/null | tr '\n\001\002\004\000' '    \n'
    echo
  done | awk -v "place=$ct_place" -v "root=$ct_own_root" '
function base(path) { sub(/.*\//, "", path); return path }
function bare(path) { sub(/\/+$/, "", path); return path }
function under(path) { return root != "" && (path == root || index(path, root "/") == 1) }
function judge(  at, i, tool, mine, verb, target, named) {
  if (words && word[words] == "") words--
  for (at = 1; at <= words && base(word[at]) ~ /^(python[0-9.]*|pypy[0-9.]*|sh|bash|dash|ash|zsh|busybox)$/; ) {
    mine = mine || under(word[at])
    for (at++; at <= words && word[at] ~ /^-/; at++) if (word[at] == "-m") { at++; break } else if (word[at] == "-c") return
  }
  tool = base(word[at])
  if (tool !~ /^(conda|conda-env|mamba|micromamba)$/) return
  mine = mine || under(word[at]) || under(mamba)
  if (tool == "conda-env") verb = "env"
  for (i = at + 1; i <= words; i++) {
    if (word[i] ~ /^(-p|--prefix)$/) target = word[++i]
    else if (word[i] ~ /^(-n|--name)$/) named = word[++i]
    else if (word[i] ~ /^(-r|--root-prefix)$/) mine = mine || under(word[++i])
    else if (word[i] ~ /^(-c|--channel|-f|--file|--clone)$/) i++
    else if (word[i] ~ /^--prefix=/) target = substr(word[i], 10)
    else if (word[i] ~ /^--name=/) named = substr(word[i], 8)
    # They write nothing: whoever looks before he begins runs them.
    else if (word[i] ~ /^(-d|--dry-run|--download-only|-h|--help)$/) return
    else if (word[i] ~ /^-/) continue
    else if (verb == "") verb = word[i]
    else if (verb == "env") verb = verb " " word[i]
  }
  if (verb !~ /^(create|install|rename|env (create|update))$/) return
  if (bare(target) != place && !(mine && named != "" && named == base(place))) return
  print pid " " tool " " verb " " substr(target != "" ? "-p " target : "-n " named, 1, 600)
  found = 1
  exit
}
substr($0, 1, 1) == "\002" { judge(); pid = substr($0, 2); words = 0; mamba = ""; about = 1; next }
$0 == "\004" { about = 0; next }
about { mamba = substr($0, 19); next }
{ word[++words] = $0 }
END { if (!found) judge() }'
}

# ct_theirs: whether what stands there now tells that it is somebody else's
ct_theirs() {
  if ! [ -e "$cg_real" ] && ! [ -L "$cg_real" ]; then return 1; fi
  [ "$(stat -c %u -- "$cg_real" 2>/dev/null)" = "$cg_uid" ] || return 0
  ct_ours
  [ $? = 1 ]
}

# ct_alone: in the background of the tool
ct_alone() {
  ct_t=
  trap 'exit 0' USR1
  trap '' INT HUP QUIT
  IFS= read -r ct_l </proc/self/stat
  ct_me=${ct_l%% *}
  ct_t=0
  while :; do
    ct_there=
    if [ -e "$cg_real" ] || [ -L "$cg_real" ]; then ct_there=there; fi
    # All processes are looked at once a second, which costs more than a look at the place.
    if [ -n "$ct_there" ] || [ "$ct_t" = 0 ]; then
      ct_seen=$(ct_others)
      if [ -n "$ct_seen" ] || ct_theirs; then break; fi
    fi
    # Ours, as far as can be seen: nobody who begins now overlooks it.
    [ -z "$ct_there" ] || exit 0
    ct_t=$(((ct_t + 1) % 5))
    sleep 0.2 2>/dev/null || { sleep 1 && ct_t=0; }
  done
  # Since we looked, theirs may have come.
  if [ -e "$cg_real" ] || [ -L "$cg_real" ]; then ct_there=there; fi
  printf '%s\n%s\n' "${ct_there:-absent}" "$ct_seen" >"$ct_lists/beside"
  for ct_how in INT TERM KILL; do
    ct_left=
    for ct_f in /proc/[0-9]*/stat; do
      ct_l=
      { IFS= read -r ct_l <"$ct_f"; } 2>/dev/null
      ct_p=${ct_l%% *}
      # shellcheck disable=SC2086 # words are wanted
      set -- ${ct_l##*) }
      if [ "${2:-}" != "$$" ] || [ "$ct_p" = "$ct_me" ] || [ "$ct_p" = "$ct_w" ] || [ "$1" = Z ]; then continue; fi
      kill -s $ct_how "$ct_p" && ct_left=1
    done 2>/dev/null
    [ -n "$ct_left" ] || exit 0
    ct_t=0
    while [ $ct_t -lt 20 ] && ! [ -e "$ct_lists/ended" ]; do
      ct_t=$((ct_t + 1))
      sleep 0.1 2>/dev/null || { sleep 1 && ct_t=$((ct_t + 9)); }
    done
    [ ! -e "$ct_lists/ended" ] || exit 0
  done
  exit 0
}

# ct_make COMMAND...: ct_run for something new. Does not come back when somebody else made the same meanwhile.
ct_make() {
  ct_place=$cg_real
  ct_own_root=${1%/*/*}
  ct_w=
  ct_watch </dev/null >/dev/null 2>&1 &
  ct_w=$!
  ct_alone </dev/null >/dev/null 2>&1 &
  ct_b=$!
  "$@" </dev/null
  ct_c=$?
  : >"$ct_lists/ended"
  kill -s USR1 "$ct_w" "$ct_b" 2>/dev/null
  wait "$ct_w" "$ct_b" 2>/dev/null
  [ -s "$ct_lists/beside" ] || return 0
  [ -z "$ct_stop" ] || return 0
  { read -r ct_there && read -r ct_seen; } <"$ct_lists/beside"
  cg_say tool "$ct_c"
  cg_say beside "$cg_prefix" "$ct_there" "${ct_seen:-}"
  printf 'Somebody else makes %s now: %s\n' "$cg_prefix" "${ct_seen:-by what stands there}"
  # Whatever is there, none of it is ours to take away.
  ct_begun=
  if [ "$ct_there" = there ]; then
    cg_say left "$cg_prefix"
    ct_fail 1 'It stood there before ours could be ended, and was left as it is: files of both may be in it.'
  fi
  ct_fail 1 'Ours was ended before it had written anything there.'
}
