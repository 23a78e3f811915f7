#!/bin/sh
# What is in an environment that nothing can make again: part of change_guard.sh, in the same text.
# shellcheck disable=SC2154  # what change_guard.sh sets

# What package records own: their "files", whether a record is one line or many, and what RECORDs of pip name.
# From names then: those that nobody owns. A line break in a name is \1 here.
# shellcheck disable=SC2016 # awk's own dollars
cg_owned='
  function utf(c) {
    if (c < 128) return sprintf("%c", c)
    if (c < 2048) return sprintf("%c%c", 192 + int(c / 64), 128 + c % 64)
    if (c < 65536) return sprintf("%c%c%c", 224 + int(c / 4096), 128 + int(c / 64) % 64, 128 + c % 64)
    return sprintf("%c%c%c%c", 240 + int(c / 262144), 128 + int(c / 4096) % 64, 128 + int(c / 64) % 64, 128 + c % 64)
  }
  function hex(s,  i, n) {
    s = tolower(s)
    for (i = 1; i <= length(s); i++) n = n * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1
    return n
  }
  function unescaped(s,  out, at, c, d) {
    out = ""
    while ((at = index(s, "\\"))) {
      out = out substr(s, 1, at - 1)
      c = substr(s, at + 1, 1)
      s = substr(s, at + 2)
      if (c == "n") out = out "\001"
      else if (c == "t") out = out "\t"
      else if (c == "r") out = out "\r"
      else if (c == "b") out = out "\b"
      else if (c == "f") out = out "\f"
      else if (c == "u") {
        d = hex(substr(s, 1, 4))
        s = substr(s, 5)
        if (d >= 55296 && d < 56320 && s ~ /^\\u[dD][c-fC-F]/) {
          d = 65536 + (d - 55296) * 1024 + hex(substr(s, 3, 4)) - 56320
          s = substr(s, 7)
        }
        # conda writes a byte that is no UTF-8 as half of a pair.
        out = out (d >= 56448 && d < 56576 ? sprintf("%c", d - 56320) : d == 10 ? "\001" : utf(d))
      }
      else out = out c
    }
    return out s
  }
  function own(s) { owned[index(s, "\\") ? unescaped(s) : s] = 1 }
  function array(s,  i, n, part, at) {
    if (match(s, /^[ \t]*\]/)) return
    if (match(s, /"[ \t]*\]/)) s = substr(s, 1, RSTART - 1)
    else { inside = 1; sub(/"?[ \t\r,]*$/, "", s) }
    sub(/^[ \t]*"/, "", s)
    n = split(s, part, /"[ \t]*,[ \t]*"/)
    for (i = 1; i <= n; i++) own(part[i])
  }
  function record(s,  at) {
    if (inside) {
      if (s ~ /^[ \t]*\]/) { inside = 0; return }
      sub(/^[ \t]*"/, "", s)
      if (sub(/"[ \t]*\].*$/, "", s)) inside = 0
      else sub(/"[ \t\r]*,?[ \t\r]*$/, "", s)
      if (index(s, "\"")) { n = split(s, many, /"[ \t]*,[ \t]*"/); for (i = 1; i <= n; i++) own(many[i]) }
      else if (s != "") own(s)
      return
    }
    at = index(s, "\"files\"")
    if (!at) return
    s = substr(s, at + 7)
    if (match(s, /^[ \t]*:[ \t]*\[/)) array(substr(s, RLENGTH + 1))
  }
  function listed(s) {
    if (s ~ /^"/) { s = substr(s, 2); sub(/",[^"]*$/, "", s); gsub(/""/, "\"", s) }
    else sub(/,[^,]*,[^,]*$/, "", s)
    if (s == "") return
    if (substr(s, 1, 1) != "/") s = base "/" s
    else if (index(s, P "/") == 1) s = substr(s, length(P) + 2)
    else if (index(s, Q "/") == 1) s = substr(s, length(Q) + 2)
    else return
    while (sub(/\/\.\//, "/", s));
    while (match(s, /[^\/]+\/\.\.\//)) s = substr(s, 1, RSTART - 1) substr(s, RSTART + RLENGTH)
    owned[s] = 1
  }
  function module(s,  dir, name) {
    if (match(s, /__pycache__\/[^\/]*$/)) {
      dir = substr(s, 1, RSTART - 1)
      name = substr(s, RSTART + 12)
      sub(/\.(cpython|pypy|graalpy)[^\/]*$/, "", name)
      return (dir name ".py") in owned
    }
    sub(/[co]$/, "", s)
    return s in owned
  }
  BEGIN { P = ENVIRON["CG_P"]; Q = ENVIRON["CG_Q"] }
  $0 == "\001R" || $0 == "\001F" { section = substr($0, 2); next }
  section == "" { if (/^==> .* <==$/) inside = 0; else record($0); next }
  section == "R" {
    if (/^==> .* <==$/) {
      base = substr($0, 5, length($0) - 8)
      if (base ~ /\/installed-files\.txt$/) sub(/\/[^\/]*$/, "", base)
      else sub(/\/[^\/]*\/[^\/]*$/, "", base)
    }
    else if ($0 != "") listed($0)
    next
  }
  {
    s = substr($0, 3)
    if (s in owned) next
    # What pip keeps of a distribution beside its list.
    if (s ~ /^lib\/[^\/]*\/site-packages\/[^\/]*\.(dist|egg)-info\//) next
    if (s ~ /\.py[co]$/ && module(s)) next
    # Of more than can be looked at in time the number alone counts, and what would be another environment.
    if (++count > 300000 && s !~ /\/conda-meta\/[^\/]*$/) { if (count < 10000000) next; exit }
    print
  }
  END { if (count > 300000) print "over " count | "cat >&4" }'

# shellcheck disable=SC2016 # awk's own dollars
cg_summed='
  /^[0-9]+ [0-9]+ \.\// {
    n = index($0, " ./")
    s = substr($0, n + 3)
    if (match(s, /\/conda-meta\/[^\/]*$/)) nest[substr(s, 1, RSTART - 1)] = 1
    files++
    bytes += $1 * 512
    if ($2 > newest) newest = $2
    if (match(s, /^lib\/[^\/]*\/site-packages\/[^\/]*/)) s = substr(s, 1, RLENGTH)
    else sub(/\/.*/, "", s)
    F[s]++
    B[s] += $1 * 512
  }
  END {
    for (s in nest) print "N" s
    if (!files) exit
    printf "C%d %.0f %d\n", files, bytes, newest
    for (k = 0; k < 8; k++) {
      top = ""
      for (s in F) if (top == "" || B[s] > B[top] || (B[s] == B[top] && s < top)) top = s
      if (top == "") break
      printf "T%d %.0f %s\n", F[top], B[top], top
      delete F[top]
    }
  }'

cg_glob() { # PATH: as a pattern of find, in cg_g
  cg_g=$1
  case $cg_g in *[][*?\\]*)
    cg_g=$(printf '%sx' "$cg_g" | sed 's/[][*?\\]/\\&/g')
    cg_g=${cg_g%x}
    ;;
  esac
}

# cg_spare: sets "$@" of find's words that leave out the mounts in here, as cg_m1, ... and cg_ms of them
cg_spare() {
  cg_ms=0
  IFS=$cg_nl
  set -f
  for cg_l in $cg_mounted; do
    unset IFS
    cg_line
    cg_glob ".${cg_l#"$cg_real"}"
    cg_ms=$((cg_ms + 1))
    eval "cg_m$cg_ms=\$cg_g"
  done
  set +f
  unset IFS
}

# cg_contents: files of nobody, sources installed in place, other environments, mounts
cg_contents() {
  [ -n "${cg_fs:-}" ] || cg_mounts
  cg_spare
  set -- . -xdev
  cg_i=0
  while [ "$cg_i" -lt "$cg_ms" ]; do
    cg_i=$((cg_i + 1))
    eval "set -- \"\$@\" -path \"\$cg_m$cg_i\" -prune -o"
  done
  # Complaints of find go straight into the answer.
  cg_seen=$(
    exec 4>&1
    {
      find conda-meta -maxdepth 1 -name '*.json' -type f -exec tail -n +1 /dev/null '{}' + 2>/dev/null | tr -d '\001'
      printf '\n\001R\n'
      find lib/python*/site-packages -maxdepth 2 '(' -path '*.dist-info/RECORD' -o -path '*.egg-info/installed-files.txt' ')' \
        -type f -exec tail -n +1 /dev/null '{}' + 2>/dev/null | tr -d '\001'
      printf '\n\001F\n'
      find "$@" -path ./conda-meta -prune -o ! -type d -print0 2>&4 | tr '\n\000' '\001\n'
    } | { CG_P=$cg_real CG_Q=$cg_prefix awk "$cg_owned" || echo 'find: awk failed' >&4; } | tr '\n\001' '\000\n' |
      xargs -0 stat -c '%b %Y %n' -- 2>/dev/null | { awk "$cg_summed" || echo 'find: awk failed' >&4; }
  )
  set --
  cg_sum=
  cg_over=
  cg_blind=
  cg_nests=0
  IFS=$cg_nl
  set -f
  for cg_l in $cg_seen; do
    unset IFS
    case $cg_l in
      N*)
        cg_nests=$((cg_nests + 1))
        [ "$cg_nests" -gt 10 ] || eval "cg_nest$cg_nests=\$cg_prefix/\${cg_l#N}"
        ;;
      C*) cg_sum=${cg_l#C} ;;
      over\ *) cg_over=${cg_l#over } ;;
      T*)
        cg_l=${cg_l#T}
        cg_f=${cg_l%% *} cg_l=${cg_l#* }
        set -- "$@" "${cg_l#* }" "$cg_f" "${cg_l%% *}"
        ;;
      find:*) cg_blind=1 ;;
    esac
  done
  unset IFS
  if [ -n "$cg_blind" ]; then cg_concern unowned "$cg_prefix" '' '' ''; fi
  if [ -n "$cg_over" ]; then
    cg_sum=${cg_sum:-0 0 0}
    cg_sum="$cg_over+ ${cg_sum#* }"
  fi
  if [ -n "$cg_sum" ]; then
    # shellcheck disable=SC2086 # words are wanted
    cg_concern unowned "$cg_prefix" $cg_sum "$@"
  fi
  set +f
  if [ "$cg_nests" -gt 0 ]; then
    set --
    cg_i=0
    while [ "$cg_i" -lt "$cg_nests" ] && [ "$cg_i" -lt 10 ]; do
      cg_i=$((cg_i + 1))
      eval "set -- \"\$@\" \"\$cg_nest$cg_i\""
    done
    cg_concern nested "$cg_prefix" "$cg_nests" "$@"
  fi
  cg_mounted_in
  cg_editable
}

# cg_records: cg_digest of names, sizes and times of what tells of packages in here, cg_packages their number. Locks tell
# nothing.
cg_records() {
  cg_digest=$(
    {
      {
        find conda-meta -maxdepth 1 -type f ! -name '*.lock' -print0
        find lib/python*/site-packages -maxdepth 2 '(' -path '*-info/RECORD' -o -path '*-info/direct_url.json' -o \
          -path '*-info/installed-files.txt' -o -name '*.egg-link' ')' -type f -print0
      } | xargs -0 stat -c '%n %s %Y' --
      find lib/python*/site-packages -maxdepth 1 -name '*-info' -print
    } 2>/dev/null | sort | sha256sum
  )
  cg_digest=${cg_digest%% *}
  cg_packages=$(
    {
      find conda-meta -maxdepth 1 -name '*.json' -type f -print
      find lib/python*/site-packages -maxdepth 2 -path '*.dist-info/INSTALLER' -type f -exec grep -l -x -e pip '{}' +
    } 2>/dev/null | wc -l
  )
  cg_packages=$((cg_packages))
}

# cg_same: whether it is still what was archived and accepted, by cg_stamp: the records as they were, and no more, nor
# anything newer, that nobody owns than cg_contents has just counted. What is written while that counts is not seen.
cg_same() {
  [ -n "$cg_stamp" ] || return 0
  cg_records
  # shellcheck disable=SC2086 # words are wanted
  set -- $cg_stamp ${cg_sum:-0 0 0}
  cg_w=
  [ "$1" = "$cg_digest" ] || cg_w=1
  cg_x=${6%+}
  if [ "$3" = - ]; then
    # It could not be counted then, which was said.
    set -- "$1" "$2" '' '' '' '' '' ''
    cg_x=
  elif [ -n "$cg_blind" ]; then
    cg_w=1
    cg_x=
  elif [ "$cg_x" -gt "$3" ] || [ "$7" -gt "$4" ] || [ "$8" -gt "$5" ]; then
    cg_w=1
  fi
  [ -z "$cg_w" ] || cg_concern outdated "$cg_prefix" "$2" "$cg_packages" "$3" "$cg_x" "$4" "$7" "$5" "$8"
}

# cg_again: a conda of somebody's began on this install before our first change: the task waits for its end, and this
# program decides anew. Nothing may have been changed.
cg_again() {
  trap - EXIT
  echo 'Somebody began to change this install meanwhile. Nothing was changed; it is waited for, and looked at anew.'
  cg_say again
  exit 75
}

cg_mounted_in() {
  [ -n "$cg_mounted" ] || return 0
  set --
  IFS=$cg_nl
  set -f
  for cg_l in $cg_mounted; do
    unset IFS
    cg_line
    [ $# -ge 10 ] || set -- "$@" "$cg_l"
  done
  set +f
  unset IFS
  cg_concern mounted "$cg_prefix" "$@"
}

# Where pip or setuptools say that the sources of an installed project are, when that is in here.
# shellcheck disable=SC2016 # awk's own dollars
cg_editable() {
  cg_seen=$(find lib/python*/site-packages -maxdepth 2 '(' -path '*.dist-info/direct_url.json' -o -name '*.egg-link' -o -name '*.pth' ')' \
    -type f -exec tail -n +1 /dev/null '{}' + 2>/dev/null | CG_P=$cg_real CG_Q=$cg_prefix awk '
    function code(s,  i) { s = tolower(s); return (index("0123456789abcdef", substr(s, 1, 1)) - 1) * 16 + index("0123456789abcdef", substr(s, 2, 1)) - 1 }
    function plain(s,  out) {
      out = ""
      while (match(s, /%[0-9a-fA-F][0-9a-fA-F]/)) {
        out = out substr(s, 1, RSTART - 1) sprintf("%c", code(substr(s, RSTART + 1, 2)))
        s = substr(s, RSTART + 3)
      }
      return out s
    }
    function source(s) {
      sub(/[\/\r]+$/, "", s)
      if (index(s, P "/") != 1 && index(s, Q "/") != 1) return
      if (s ~ /\/lib\/[^\/]*\/site-packages(\/|$)/ || s in had) return
      had[s] = 1
      print s
    }
    function whole() {
      if (text ~ /"editable"[ \t]*:[ \t]*true/ && match(text, /"url"[ \t]*:[ \t]*"file:\/\/[^"]*"/)) {
        s = substr(text, RSTART, RLENGTH - 1)
        sub(/^"url"[ \t]*:[ \t]*"file:\/\//, "", s)
        source(plain(s))
      }
      text = ""
    }
    BEGIN { P = ENVIRON["CG_P"]; Q = ENVIRON["CG_Q"] }
    /^==> .* <==$/ { whole(); json = /\.json <==$/; next }
    json { text = text $0; next }
    /^\// { source($0) }
    END { whole() }' | head -n 10)
  [ -n "$cg_seen" ] || return 0
  IFS=$cg_nl
  set -f
  # shellcheck disable=SC2086 # lines are wanted
  set -- $cg_seen
  set +f
  unset IFS
  cg_concern editable "$cg_prefix" "$@"
}

# cg_links: soft links in the directories of environments that lead in here: other names of it, programs of others.
# Bounded: a few levels, some seconds.
cg_links() {
  [ "$cg_dirs" -gt 0 ] || return 0
  cg_glob "$cg_name"
  set --
  cg_i=0
  while [ "$cg_i" -lt "$cg_dirs" ]; do
    cg_i=$((cg_i + 1))
    eval "cg_p=\$cg_dir$cg_i"
    case $cg_p in /*) set -- "$@" "${cg_p%/}/" ;; esac
  done
  # Not from in here: busybox leaves a timer behind for a while.
  cg_limit=
  (cd / && timeout 15 true) 2>/dev/null && cg_limit='timeout 15'
  cg_lname=
  find /dev/null -lname x 2>/dev/null && cg_lname=1
  cg_seen=$(
    exec 4>&1
    cd /
    # shellcheck disable=SC2086 # words are wanted
    {
      if [ -n "$cg_lname" ]; then
        $cg_limit find "$@" -xdev -maxdepth 4 -type l -lname "*$cg_g*" -print0
      else
        $cg_limit find "$@" -xdev -maxdepth 3 -type l -print0
      fi 2>/dev/null
      # Out of time: nobody knows of the rest.
      case $? in 124 | 137 | 143) printf '+\n' >&4 ;; esac
    } | CG_P=$cg_real CG_Q=$cg_prefix xargs -0 sh -c '
      [ $# -gt 0 ] || exit 0
      for l; do
        case $l in "$CG_P"/* | "$CG_Q"/*) continue ;; esac
        t=$(readlink -f "$l" 2>/dev/null && printf x)
        t=${t%x}
        t=${t%?}
        case $t in "$CG_P" | "$CG_P"/*) printf "%s\0%s\0" "$l" "$t" ;; esac
      done' sh | tr '\n\000' '\001\n'
  )
  [ -n "$cg_seen" ] || return 0
  set --
  cg_n=0
  cg_late=
  IFS=$cg_nl
  set -f
  for cg_l in $cg_seen; do
    unset IFS
    if [ "$cg_l" = + ]; then
      cg_late=+
      continue
    fi
    cg_n=$((cg_n + 1))
    cg_line
    [ $# -ge 20 ] || set -- "$@" "$cg_l"
  done
  set +f
  unset IFS
  cg_n=$((cg_n / 2))
  [ "$cg_n$cg_late" != 0+ ] || cg_n='' cg_late=
  cg_concern linked_from "$cg_prefix" "$cg_n$cg_late" "$@"
}

# cg_check WORD...: place, frozen, writable or removable (root may act as the owner), use, contents, same (after that),
# links; after cg_open.
# What is no environment at all is not read through.
cg_check() {
  # Whoever cannot look has found nothing, and must not say so.
  for cg_x in awk find grep head id readlink sed sha256sum sort stat tail tr wc xargs; do
    command -v "$cg_x" >/dev/null 2>&1 && continue
    cg_concern no_tool "$cg_prefix" "$cg_x"
    return 0
  done
  for cg_word do
    case $cg_found in *' base '* | *' install_root '* | *' home '* | *' mount_point '* | *' not_an_environment '*) return 0 ;; esac
    case $cg_word in
      place) cg_place ;;
      frozen) cg_frozen ;;
      writable) cg_writable ;;
      removable) cg_writable owner ;;
      use) cg_use ;;
      contents) cg_contents ;;
      same) cg_same ;;
      links) cg_links ;;
    esac
  done
}
