#!/bin/sh
# What one environment can be made again from, read as files: neither its Python nor conda is run.
#
# Runs between inventory_packages.sh and history.sh, in one shell with them: the first says which packages there are,
# this what they came from. Argument left: the prefix. Names with a line break are left out: the inventory says so.
# Records:
#   =ex 1       y: read, n: no conda-meta, g: there is no such prefix, x: not allowed
#   =meta 1     lines: "R" file stem of a package record, then for it "J" one wanted key with its value, as JSON, or
#               "C" the whole record as JSON, where it is written on one line, without its lists of files
#   =places 1   the lines of all direct_url.json, *.egg-link and *.pth, each behind its path and a colon
#   =file 4     KIND PATH STATE TEXT: pinned, frozen, state, condarc; y, x (not allowed, or no plain file), m (too much)
LC_ALL=C
export LC_ALL
# Root, asked by a login, looks where that login's things are.
[ -z "${CONDAFLEET_LOGIN:-}" ] || HOME=${CONDAFLEET_LOGIN#*:}
set +f
ex_prefix=$1
ex_most=65536
ex_nl='
'

# KIND PATH: the file, where there is one.
file() {
  [ -e "$2" ] || [ -L "$2" ] || return 0
  printf '=file\0004\000%s\000%s\000' "$1" "$2"
  if ! [ -f "$2" ] || ! [ -r "$2" ]; then
    printf 'x\000\000'
  elif [ "$(head -c $((ex_most + 1)) -- "$2" 2>/dev/null | wc -c)" -gt $ex_most ]; then
    printf 'm\000\000'
  else
    printf 'y\000'
    head -c $ex_most -- "$2" 2>/dev/null | tr -d '\000'
    printf '\000'
  fi
}

meta() {
  set -- conda-meta/*.json
  ex_k=0
  for ex_f; do
    shift
    case $ex_f in *"$ex_nl"*) continue ;; esac
    if ! [ -f "$ex_f" ] || ! [ -r "$ex_f" ]; then continue; fi
    ex_k=$((ex_k + 1))
    [ $ex_k -gt 5000 ] && continue
    set -- "$@" "$ex_f"
  done
  [ $# -gt 0 ] || return 0
  # Of records of many megabytes grep leaves what awk is quick with: outer keys, and strings that stand alone.
  grep -a -H -E '^[[:space:]]{1,4}"[a-z0-9_]+"[[:space:]]*:|^[[:space:]]+("[^"]*",?|\],?)[[:space:]]*$|^\{.' \
    -- "$@" 2>/dev/null | tr -d '\000' | awk '
function cut(line, key,  at, end) {
  if (!match(line, "\"" key "\"[ \t]*:[ \t]*[[]")) return line
  at = RSTART + RLENGTH
  end = index(substr(line, at), "]")
  return end ? substr(line, 1, at - 1) substr(line, at + end - 1) : line
}
BEGIN {
  n = split("name version build channel url md5 sha256 subdir fn depends requested_spec requested_specs", keys, " ")
  for (i = 1; i <= n; i++) want[keys[i]] = 1
}
{
  at = index($0, ".json:")
  if (!at) next
  path = substr($0, 12, at - 12)
  line = substr($0, at + 6)
  if (path != now || NR == 1) { now = path; indent = -1; list = ""; print "R" path }
  if (substr(line, 1, 1) == "{") {
    line = cut(cut(line, "files"), "paths")
    if (length(line) <= 65536) print "C" line
    next
  }
  if (length(line) > 8192) next
  if (list != "") {
    if (line ~ /^[ \t]*]/) { print "J" list "]"; list = "" }
    else if (length(list) < 65536) list = list line
    next
  }
  if (!match(line, /^[ \t]*"[a-z0-9_]+"[ \t]*:/)) next
  key = substr(line, 1, RLENGTH)
  rest = substr(line, RLENGTH + 1)
  match(key, /^[ \t]*/)
  if (indent < 0) indent = RLENGTH
  if (RLENGTH != indent) next
  gsub(/[" \t:]/, "", key)
  if (!(key in want)) next
  if (rest ~ /^[ \t]*[[][ \t\r]*$/) list = "\"" key "\": ["
  else print "J" line
}'
}

places() {
  set --
  for ex_f in lib/python[23].[0-9]*/site-packages/*.dist-info/direct_url.json \
    lib/python[23].[0-9]*/site-packages/*.egg-link lib/python[23].[0-9]*/site-packages/*.pth; do
    case $ex_f in *"$ex_nl"*) continue ;; esac
    if ! [ -f "$ex_f" ] || ! [ -r "$ex_f" ]; then continue; fi
    set -- "$@" "$ex_f"
    [ $# -lt 5000 ] || break
  done
  [ $# -gt 0 ] && grep -a -H '' -- "$@" 2>/dev/null | head -c 2097152 | tr -d '\000'
}

# The root of the install: above the place of environments, or where the program that made this one lies.
root_of() {
  case $ex_prefix in
    */envs/*) ex_root=${ex_prefix%/envs/*} ;;
    *)
      ex_root=
      [ -f conda-meta/history ] && ex_root=$(head -c 4096 conda-meta/history 2>/dev/null |
        sed -n -e 's|^# cmd: \(/.*\)/bin/conda .*|\1|p' -e 's|^# cmd: \(/.*\)/condabin/conda .*|\1|p' \
          -e 's|^# cmd: \(/.*\)/bin/mamba .*|\1|p' -e 's|^# cmd: \(/.*\)/bin/conda-env .*|\1|p' | head -n 1)
      ;;
  esac
  case $ex_root in /*) ;; *) ex_root=$ex_prefix ;; esac
}

ex_above=${ex_prefix%/*}
if ! cd -P -- "$ex_prefix" 2>/dev/null; then
  ex_state=x
  if ! [ -e "$ex_prefix" ] && ! [ -L "$ex_prefix" ] && [ -x "${ex_above:-/}" ]; then ex_state=g; fi
elif ! [ -d conda-meta ]; then
  ex_state=n
elif ! [ -x conda-meta ] || ! [ -r conda-meta ]; then
  ex_state=x
else
  ex_state=y
fi
printf '=ex\0001\000%s\000' $ex_state
if [ $ex_state = y ]; then
  printf '=meta\0001\000'
  meta
  printf '\000=places\0001\000'
  places
  printf '\000'
  file pinned conda-meta/pinned
  file frozen conda-meta/frozen
  file state conda-meta/state
  root_of
  set -- "$ex_prefix/condarc" "$ex_prefix/.condarc"
  case $HOME in
    /*)
      set -- "$@" "$HOME/.condarc" "$HOME/.conda/condarc" "$HOME/.conda/.condarc" "$HOME/.config/conda/condarc" \
        "$HOME/.config/conda/.condarc" "$HOME/.mambarc"
      ;;
  esac
  [ "$ex_root" = "$ex_prefix" ] || set -- "$@" "$ex_root/condarc" "$ex_root/.condarc"
  for ex_f; do file condarc "$ex_f"; done
fi
set -- "$ex_prefix" 262144
