# Somebody's conda, after task_common.sh: for who runs a task, and for its program right before each first change.
# shellcheck shell=sh disable=SC2034,SC2154  # what scripts set for each other

# ta_busy: whether one changes an install of this task now, as ta_found. What begins after it looked is not seen: it is to
# be asked milliseconds before what must not meet another.
ta_busy() {
  ta_stat "$$" || ta_session=-
  ta_ours=$ta_session
  ta_found=$(
    eval "${CONDAFLEET_ROOTS:-set --}"
    [ $# = 0 ] || ta_tools "$@"
  )
  [ -n "$ta_found" ]
}

# ta_wait KIND PLACE ENTRY FILE: say whom we wait for, when that has changed
ta_wait() {
  [ "$ta_told" = "$1$2$3" ] && return 0
  ta_told=$1$2$3
  ta_words=
  [ -n "$4" ] && ta_words=$(head -c 4000 -- "$4" 2>/dev/null | tr '\000' ' ')
  ta_record "$ta_dir/waiting" =waiting 4 "$1" "$2" "$3" "$ta_words"
}

# ta_maybe: the pids of those that have a conda, mamba or micromamba among their words, a line each. On a server where all
# training runs live below some conda's directory hundreds of others name it: all are looked at by a few programs together.
# shellcheck disable=SC2016 # awk's own dollars
ta_maybe() {
  # shellcheck disable=SC2046 # no name under /proc holds a space
  set -- $(grep -ls -e conda -e mamba /proc/[0-9]*/cmdline 2>/dev/null)
  [ $# -gt 0 ] || return 0
  head -v -c 8000 "$@" 2>/dev/null | tr '\n\000' '\001\n' | awk '
function word(text) {
  sub(/\001$/, "", text)
  sub(/.*\//, "", text)
  if (pid != "" && text ~ /^(conda|conda-env|mamba|micromamba)$/) { print pid; pid = "" }
}
{
  text = $0
  while (match(text, /==> \/proc\/[0-9]+\/cmdline <==\001/)) {
    seen = 1
    word(substr(text, 1, RSTART - 1))
    pid = substr(text, RSTART + 10, RLENGTH - 23)
    text = substr(text, RSTART + RLENGTH)
  }
  word(text)
}
END { exit !seen }' || for ta_f; do
    ta_p=${ta_f#/proc/}
    printf '%s\n' "${ta_p%/cmdline}"
  done
}

# ta_tools ROOT...: a conda, mamba or micromamba that changes one of these installs now: its pid and of its command line
# the tool, what it does and to which environment, each word ended by \1; what else stands there may be a secret.
# Reading commands and `conda run` change nothing.
ta_tools() {
  # shellcheck disable=SC2013 # a pid has no blank
  for ta_p in $(ta_maybe); do
    ta_stat "$ta_p" || continue
    [ "$ta_session" = "$ta_ours" ] && continue
    printf '\002%s\n' "$ta_p"
    tr '\n\002\004\000' '   \n' 2>/dev/null <"/proc/$ta_p/environ" | grep -e '^HOME=' -e '^MAMBA_ROOT_PREFIX='
    printf '\004\n'
    head -c 8000 "/proc/$ta_p/cmdline" 2>/dev/null | tr '\n\001\002\004\000' '    \n'
    echo
  done | awk '
BEGIN { for (i = 1; i < ARGC; i++) { root[i] = ARGV[i]; gsub(/[\n\001\002\004]/, " ", root[i]); ARGV[i] = "" } roots = ARGC - 1 }
function under(path,  i) {
  for (i = 1; i <= roots; i++) if (path == root[i] || index(path, root[i] "/") == 1) return 1
  return 0
}
function base(path) { sub(/.*\//, "", path); return path }
function judge(  at, i, tool, mine, named, verb, part, out) {
  if (words && word[words] == "") words--
  at = 1
  while (at <= words && base(word[at]) ~ /^(python[0-9.]*|pypy[0-9.]*|sh|bash|dash|ash|zsh|busybox)$/) {
    mine = mine || under(word[at])
    for (at++; at <= words && word[at] ~ /^-/; at++) if (word[at] == "-m") { at++; break } else if (word[at] == "-c") return
  }
  tool = base(word[at])
  if (tool !~ /^(conda|conda-env|mamba|micromamba)$/) return
  mine = mine || under(word[at])
  if (tool == "conda-env") verb = "env"
  out = word[at] "\001"
  for (i = at + 1; i <= words; i++) {
    if (word[i] ~ /^(-p|--prefix|-r|--root-prefix)$/) { named = 1; i++; mine = mine || under(word[i]); out = out word[i - 1] "\001" word[i] "\001" }
    else if (word[i] ~ /^(-n|--name)$/) { i++; out = out word[i - 1] "\001" word[i] "\001" }
    else if (word[i] ~ /^(-c|--channel|-f|--file)$/) i++
    else if (word[i] ~ /^--(root-)?prefix=/) { part = word[i]; sub(/^[^=]*=/, "", part); named = 1; mine = mine || under(part); out = out word[i] "\001" }
    else if (word[i] ~ /^--name=/) out = out word[i] "\001"
    else if (word[i] ~ /^-/) continue
    else if (verb == "" || verb == "env") { verb = verb (verb == "" ? "" : " ") word[i]; out = out word[i] "\001" }
  }
  if (!named && !mine && tool ~ /mamba/) mine = mamba != "" ? under(mamba) : under(home "/micromamba") || under(home "/.local/share/mamba")
  if (!mine || verb !~ /^(create|install|update|upgrade|remove|uninstall|clean|rename|env (create|update|remove))$/) return
  print pid " " substr(out, 1, 1000)
  found = 1
  exit
}
substr($0, 1, 1) == "\002" { judge(); pid = substr($0, 2); words = 0; mamba = home = ""; about = 1; next }
$0 == "\004" { about = 0; next }
about { if (index($0, "HOME=") == 1) home = substr($0, 6); else mamba = substr($0, 19); next }
{ word[++words] = $0 }
END { if (!found) judge() }' "$@"
}
