#!/bin/sh
# The packages of environments: no whole record is read, only the end (or the beginning) of each.
#
# Arguments: NONCE, BYTES (above 0: so much of each record's end, below: of its beginning), prefixes. One
# record for each environment, and one with all distinct packages before the first that needs it:
#   =pk 1  lines: "U" address; "P" file stem, TAB, number of the address (0: none); "D" dist-info name, TAB,
#          Name, TAB, Version, TAB, installer. The n-th P or D line is package n, counted together.
#          "E" number of the prefix, then the packages as differences from the one before, each with the
#          letters r (asked for by a person) and b (broken record); then "X" and what could not be read.
# Package records and dist-info directories with a line break in their names are counted as unreadable.
LC_ALL=C
export LC_ALL
PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}:/usr/bin:/bin:/usr/sbin:/sbin
export PATH
unset CDPATH
set +f
iv_nonce=$1
iv_bytes=$2
shift 2
iv_most=5000
iv_nl='
'

# Keeps of "$@" what is a plain file with a name that fits on a line. Nobody is made to wait on a pipe.
plain() {
  iv_bad=0
  for iv_f; do
    case $iv_f in *"$iv_nl"*) iv_bad=1 ;; *) [ -f "$iv_f" ] && [ -r "$iv_f" ] || iv_bad=1 ;; esac
  done
}

# Called in the prefix.
records() {
  iv_bad=1
  set -- conda-meta/*.json
  if [ $# -gt $iv_most ]; then
    printf '%s X many\n' "$iv_nonce"
    return
  fi
  [ $# -eq 1 ] && ! [ -e "$1" ] && return
  plain "$@"
  if [ $iv_bad -ne 0 ]; then
    set --
    for iv_f in conda-meta/*.json; do
      case $iv_f in *"$iv_nl"*) printf '%s X name\n' "$iv_nonce" && continue ;; esac
      if [ -f "$iv_f" ] && [ -r "$iv_f" ]; then
        set -- "$@" "$iv_f"
      else
        printf '%s B %s\n' "$iv_nonce" "$iv_f"
      fi
    done
    [ $# -eq 0 ] && return
  fi
  # /dev/null at the end: a heading stands before each file, even before a single one.
  if [ "$iv_bytes" -gt 0 ]; then
    tail -c "$iv_bytes" -- "$@" /dev/null 2>/dev/null
  else
    head -c "${iv_bytes#-}" -- "$@" /dev/null 2>/dev/null
  fi | grep -a -E '"(url|channel|requested_specs?)"|^==> |^[[:space:]]*("[^"]*",?|[]}].*)$'
}

distributions() {
  [ "$iv_bytes" -gt 0 ] || return 0
  for iv_sp in lib/python[23].[0-9]*/site-packages; do
    [ -d "$iv_sp" ] || continue
    case $iv_sp in *"$iv_nl"*) continue ;; esac
    set --
    iv_k=0
    for iv_d in "$iv_sp"/*.dist-info "$iv_sp"/*.egg-info "$iv_sp"/*.egg-link; do
      case $iv_d in *"$iv_nl"*) printf '%s X name\n' "$iv_nonce" && continue ;; esac
      [ -e "$iv_d" ] || continue
      iv_k=$((iv_k + 1))
      [ $iv_k -gt $iv_most ] && printf '%s X many\n' "$iv_nonce" && break
      printf '%s D %s\n' "$iv_nonce" "$iv_d"
      for iv_f in "$iv_d/INSTALLER" "$iv_d/METADATA" "$iv_d/PKG-INFO"; do
        [ -f "$iv_f" ] && [ -r "$iv_f" ] && set -- "$@" "$iv_f"
      done
      if [ -f "$iv_d" ] && [ -r "$iv_d" ]; then set -- "$@" "$iv_d"; fi
    done
    [ $# -gt 0 ] && head -c 300 -- "$@" /dev/null 2>/dev/null
    printf '\n'
  done
}

# Distributions that name no installer: those in the files of a package record are conda's.
owned() {
  [ "$iv_bytes" -gt 0 ] || return 0
  set --
  iv_k=0
  for iv_d in lib/python[23].[0-9]*/site-packages/*.dist-info lib/python[23].[0-9]*/site-packages/*.egg-info; do
    case $iv_d in *"$iv_nl"*) continue ;; esac
    if ! [ -e "$iv_d" ] || [ -e "$iv_d/INSTALLER" ]; then continue; fi
    set -- "$@" -e "$iv_d"
    iv_k=$((iv_k + 1))
    [ $iv_k -ge 300 ] && break
  done
  [ $# -gt 0 ] && [ "$iv_bad" = 0 ] || return 0
  cat conda-meta/*.json 2>/dev/null | grep -a -o -F "$@" | sort -u | while IFS= read -r iv_d; do
    printf '%s C %s\n' "$iv_nonce" "$iv_d"
  done
}

everything() {
  iv_i=0
  for iv_p; do
    iv_i=$((iv_i + 1))
    printf '\n%s E %s\n' "$iv_nonce" $iv_i
    if cd -P -- "$iv_p" 2>/dev/null; then
      records
      printf '\n%s S\n' "$iv_nonce"
      distributions
      owned
      cd /
    else
      printf '%s X prefix\n' "$iv_nonce"
    fi
  done
  printf '\n%s Z\n' "$iv_nonce"
}

printf '=pk\0001\000'
# shellcheck disable=SC2016 # awk's own dollars
everything "$@" | tr -d '\000' | awk -v N="$iv_nonce" '
function value(line, key,  at) {
  at = index(line, "\"" key "\"")
  if (!at) return ""
  line = substr(line, at + length(key) + 2)
  if (!match(line, /^[ \t]*:[ \t]*"/)) return ""
  line = substr(line, RLENGTH + 1)
  at = index(line, "\"")
  return at ? substr(line, 1, at - 1) : ""
}
function add(key, letters) {
  if (!(key in id)) {
    id[key] = ++count
    print key
  }
  out = out " " (id[key] - last) letters
  last = id[key]
}
function record(  key, letters, at, base) {
  if (stem == "") return
  base = url != "" ? url : channel
  if (url != "") { at = match(base, /\/[^\/]*$/); if (at) base = substr(base, 1, at - 1) }
  gsub(/[\t\r]/, "", base)
  if (base != "" && !(base in address)) {
    address[base] = ++addresses
    print "U" base
  }
  key = "P" stem "\t" (base != "" ? address[base] : 0)
  letters = (asked ? "r" : "") (ended ? "" : "b")
  add(key, letters)
  stem = ""
}
function distribution(  i, k) {
  for (i = 1; i <= dists; i++) {
    k = dist[i]
    if (tolower(installer[k]) == "conda" || k in conda) continue
    key = k
    sub(/.*\//, "", key)
    gsub(/\t/, "", key)
    add("D" key "\t" name[k] "\t" version[k] "\t" installer[k], "")
  }
  split("", dist); split("", installer); split("", name); split("", version)
  split("", conda)
  dists = 0
}
function finish() {
  record()
  distribution()
  if (now != "") print "E" now out troubles
  out = ""; troubles = ""; last = 0; now = ""; stem = ""; part = ""
}
index($0, N " ") == 1 {
  rest = substr($0, length(N) + 2)
  kind = substr(rest, 1, 1)
  rest = substr(rest, 3)
  if (kind == "E") { finish(); now = rest; section = "json" }
  else if (kind == "Z") finish()
  else if (kind == "S") { record(); section = "dist" }
  else if (kind == "D") { dist[++dists] = rest }
  else if (kind == "C") conda[rest] = 1
  else if (kind == "X") troubles = troubles " X" rest
  else if (kind == "B") { sub(/^conda-meta\//, "", rest); sub(/\.json$/, "", rest); gsub(/\t/, "", rest); add("P" rest "\t0", "b") }
  next
}
/^==> .* <==$/ {
  record()
  path = substr($0, 5, length($0) - 8)
  if (section == "json") {
    if (path ~ /^conda-meta\/.*\.json$/) {
      stem = substr(path, 12, length(path) - 16)
      gsub(/\t/, "", stem)
      url = channel = ""; asked = ended = list = 0
    }
  } else {
    part = path
    sub(/\/[^\/]*$/, "", path)
    inner = part ~ /\/(INSTALLER|METADATA|PKG-INFO)$/
    if (!inner) path = part
    line = 0
  }
  next
}
section == "json" && stem != "" {
  if (list) { list = 0; if ($0 !~ /^[ \t]*\]/) asked = 1 }
  ended = $0 ~ /}[ \t\r]*$/
  if (index($0, "\"url\"")) url = value($0, "url")
  if (index($0, "\"channel\"")) channel = value($0, "channel")
  if (index($0, "\"requested_spec\"")) { v = value($0, "requested_spec"); if (v != "" && v != "None") asked = 1 }
  if (index($0, "\"requested_specs\"") && $0 !~ /\[[ \t]*\]/) {
    if ($0 ~ /\[[ \t]*$/) list = 1
    else if ($0 ~ /"requested_specs"[ \t]*:[ \t]*\[[ \t]*"/) asked = 1
  }
  next
}
section == "dist" && part != "" {
  line++
  gsub(/[\t\r]/, "")
  if (part ~ /\/INSTALLER$/) { if (line == 1) installer[path] = $0 }
  else if (part ~ /\.egg-link$/) { if (line == 1) installer[path] = "develop" }
  else if (substr($0, 1, 6) == "Name: " && !(path in name)) name[path] = substr($0, 7)
  else if (substr($0, 1, 9) == "Version: " && !(path in version)) version[path] = substr($0, 10)
}
'
printf '\000'
printf '=end\0000\000'
