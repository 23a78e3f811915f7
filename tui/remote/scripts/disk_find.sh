#!/bin/sh
# The disk table, third part: counting. It goes on in the text of disk_places.sh, which says what is asked and answered,
# and of disk_parts.sh.
#
# shellcheck disable=SC2154 # the first part assigns
pattern() { # PATH: as a pattern of find, in $dk_g
  dk_g=$1
  case $dk_g in *[][*?\\]*)
    dk_g=$(printf '%sx' "$dk_g" | sed 's/[][*?\\]/\\&/g')
    dk_g=${dk_g%x}
    ;;
  esac
}

# Other places in the place $dk_at become the patterns $dk_l1, …, and mounts in it $dk_b1, …: all are left out.
leave_out() {
  dk_left=0
  dk_mounted=0
  dk_inner=
  eval "dk_r=\$dk_r$dk_at"
  for dk_x in $dk_yes; do
    eval "dk_p=\$dk_r$dk_x"
    case $dk_p in "$dk_r/"*) ;; *) continue ;; esac
    pattern "$dk_p"
    dk_left=$((dk_left + 1))
    eval "dk_l$dk_left=\$dk_g"
    dk_inner="$dk_inner $dk_x"
  done
  dk_x=0
  while [ $dk_x -lt "$dk_mounts" ]; do
    dk_x=$((dk_x + 1))
    eval "dk_m=\$dk_m$dk_x"
    case $dk_m in "$dk_r/"*) ;; *) continue ;; esac
    for dk_e in $dk_inner; do
      eval "dk_p=\$dk_r$dk_e"
      case $dk_m/ in "$dk_p/"*) continue 2 ;; esac
    done
    pattern "$dk_m"
    dk_mounted=$((dk_mounted + 1))
    eval "dk_b$dk_mounted=\$dk_g"
    [ $dk_mounted -le 20 ] && rec mounted 2 "$dk_at" "$dk_m" >&3
  done
  [ $dk_mounted -gt 0 ] && rec noticed 4 "$dk_at" 0 0 $dk_mounted >&3
}

# A line for each entry: "BLOCKS" of a file with one link, "BLOCKS DEVICE" of a directory, "INODE LINKS BLOCKS" of other
# files; before it "c" for one that changed since we began. With p, "dDEPTH BLOCKS DEVICE NAME" for directories; with
# e, "lTARGET" for soft links that may lead to a package.
look() { # KIND (e, p, c, or t for the tops alone) PATH...
  dk_k=$1
  shift
  [ $# -gt 0 ] || return
  if [ "$dk_k" = t ]; then set -- "$@" -maxdepth 0; fi
  set -- "$@" -xdev
  if [ "$dk_left" -gt 0 ]; then
    set -- "$@" -type d '('
    dk_x=0
    while [ $dk_x -lt "$dk_left" ]; do
      dk_x=$((dk_x + 1))
      eval "set -- \"\$@\" -path \"\$dk_l$dk_x\" -o"
    done
    set -- "$@" -false ')' -prune -o
  fi
  dk_x=0
  while [ $dk_x -lt "$dk_mounted" ]; do
    dk_x=$((dk_x + 1))
    eval "set -- \"\$@\" -path \"\$dk_b$dk_x\" -prune -o"
  done
  if [ "$dk_k" = e ]; then set -- "$@" '(' -type l -lname '*/*-*-*' -printf 'l%l\0' -o -true ')'; fi
  dk_g='%b %D\0'
  if [ "$dk_k" = p ]; then dk_g='d%d %b %D %f\0'; fi
  set -- "$@" '(' -newerct "@$dk_now" -printf 'c\0' -o -true ')' \
    '(' -type d -printf "$dk_g" -o -links 1 -printf '%b\0' -o -printf '%i %n %b\0' ')'
  find "$@" 2>&9 &
  dk_find=$!
  wait "$dk_find"
  # What a signal ended did not count everything.
  if [ $? -gt 127 ]; then exit 1; fi
}

left_out() { # PATH
  for dk_x in $dk_inner; do
    eval "[ \"\$dk_r$dk_x\" = \"\$1\" ]" && return
  done
  dk_x=0
  while [ $dk_x -lt "$dk_mounts" ]; do
    dk_x=$((dk_x + 1))
    eval "[ \"\$dk_m$dk_x\" = \"\$1\" ]" && return
  done
  return 1
}

# Counts one part of a cache, some paths at a time; with "names" says the names of its packages.
units() { # PART FOLDER LEVEL
  # shellcheck disable=SC2034 # disk_parts.sh reads it
  [ "$3" != 0 ] || dk_top=$2
  if [ "$1" = 5 ]; then look t "$2"; fi
  for dk_q in "$2"/* "$2"/.[!.]* "$2"/..?*; do
    [ -e "$dk_q" ] || [ -L "$dk_q" ] || continue
    # The paths gathered follow PART, FOLDER and LEVEL.
    part "$dk_q" "$3"
    if [ "$dk_u" = level ]; then
      left_out "$dk_q" || units "$1" "$dk_q" $(($3 + 1))
    elif [ "$1" = names ]; then
      [ "$dk_u" = 1 ] && printf 'n%s\0' "${dk_q##*/}"
    elif [ "$dk_u" = "$1" ]; then
      set -- "$@" "$dk_q"
      if [ $# -gt 200 ]; then
        gathered "$@"
        set -- "$1" "$2" "$3"
      fi
    fi
  done
  [ "$1" = names ] || gathered "$@"
}
gathered() { # PART FOLDER LEVEL PATH...
  dk_k=c
  [ "$1" = 1 ] && dk_k=p
  shift 3
  look $dk_k "$@"
}

# Says which environments conda changed meanwhile.
changed() {
  for dk_at in $dk_yes; do
    eval "dk_r=\$dk_r$dk_at dk_c=\$dk_c$dk_at"
    [ "$dk_c" = e ] || continue
    [ -n "$(find "$dk_r/conda-meta" -maxdepth 0 -newerct "@$dk_now" 2>/dev/null)" ] || continue
    rec noticed 4 "$dk_at" 0 1 0 >&3
  done
}

scan() {
  dk_find=
  trap 'kill "$dk_find" 2>/dev/null; exit 1' TERM
  dk_left=0
  dk_mounted=0
  dk_inner=
  for dk_at in $dk_yes; do
    eval "[ \"\$dk_c$dk_at\" = c ] && units names \"\$dk_r$dk_at\" 0"
  done
  for dk_d in $dk_devices; do
    for dk_at in $dk_yes; do
      eval "dk_i=\$dk_i$dk_at dk_c=\$dk_c$dk_at dk_r=\$dk_r$dk_at dk_o=\$dk_o$dk_at"
      [ "${dk_i%:*}" = "$dk_d" ] || continue
      printf '@%s\n' "$dk_at" >&9
      leave_out
      eval "dk_r=\$dk_r$dk_at"
      if [ "$dk_c" = c ]; then
        for dk_y in 0 1 2 3 4 5; do
          printf '@ %s %s %s\0' $((dk_o + dk_y)) "$dk_at" "$dk_d"
          units $dk_y "$dk_r" 0
        done
      else
        printf '@ %s %s %s\0' "$dk_o" "$dk_at" "$dk_d"
        look e "$dk_r"
      fi
    done
  done
  # conda touches this directory in every change that it makes.
  set --
  for dk_at in $dk_yes; do
    eval "[ \"\$dk_c$dk_at\" = e ] && set -- \"\$@\" \"\$dk_r$dk_at/conda-meta\""
  done
  [ $# -gt 0 ] && [ -n "$(find "$@" -maxdepth 0 -newerct "@$dk_now" -printf x 2>/dev/null)" ] && changed
  printf 'E\0'
}

# Errors of find by their place: "noticed PLACE DENIED CHANGED CROSSED".
# shellcheck disable=SC2016 # awk's own dollars
dk_errors='
  /^@/ { p = substr($0, 2); next }
  /: (No such file or directory|Not a directory)$/ { C[p]++; A[p] = 1; next }
  { D[p]++; A[p] = 1 }
  END { for (p in A) print "noticed", p, D[p] + 0, C[p] + 0, 0 }'

# The rows, once the line "E" said that nothing is missing. An atom is an owner or, beyond these, one package; a set of
# atoms is the set PA before it and the atom OW added. V holds, for an inode, its set so far times 2^32 and the links
# left, K its blocks; what is in V is never 0.
# shellcheck disable=SC2016 # awk's own dollars
dk_program='
  BEGIN {
    N = owners + 0
    last = N
    H = 4294967296
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_."
    n = split(caches, a, " ")
    for (i = 1; i <= n; i++) cache[a[i]] = 1
  }
  function close_atom() {
    if (files) { PB[cur] += blocks; PF[cur] += files }
    blocks = files = 0
    memo = -1
    seen()
  }
  function seen() {
    print "seen", NR >"/dev/stderr"
    fflush("/dev/stderr")
  }
  function close_device(  i, s) {
    for (i in V) {
      s = int(V[i] / H)
      XB[s] += K[i]
      XF[s]++
    }
    split("", V)
    split("", K)
  }
  function package(name) {
    close_atom()
    cur = ++last
    PO[cur] = owner
    names[name] = names[name] " " cur
  }
  function members(s) {
    m = 0
    for (; s; s = PA[s]) M[++m] = OW[s]
  }
  function use(outside,  i, j) {
    for (i = 1; i <= m; i++) if (M[i] > N) {
      if (outside) US[M[i], 0] = 1
      for (j = 1; j <= m; j++) if (M[j] <= N && !(M[j] in cache)) US[M[i], M[j]] = 1
    }
  }
  function row(outside, b, f,  i, j, t, held, more, w, v) {
    split("", G)
    split("", W)
    if (outside) G[0] = 1
    w = 0
    for (i = 1; i <= m; i++) if (M[i] > N) { G[PO[M[i]]] = 1; w = 1 } else G[M[i]] = 1
    held = more = ""
    for (i = 0; i <= N; i += 6) {
      t = v = 0
      for (j = 5; j >= 0; j--) {
        t *= 2
        v *= 2
        if ((i + j) in G) t++
        else if (w) for (k = 1; k <= m; k++) if ((M[k], i + j) in US) { v++; break }
      }
      held = held substr(digits, t + 1, 1)
      more = more substr(digits, v + 1, 1)
    }
    sub(/0+$/, "", held)
    sub(/0+$/, "", more)
    t = held " " (more == "" ? "-" : more)
    RB[t] += b
    RF[t] += f
  }
  NF == 3 && $1 + 0 {
    v = V[$1]
    if (!v) {
      s = 0
      left = $2 - 1
      K[$1] = $3
    }
    else {
      s = int(v / H)
      left = v - s * H - 1
    }
    if (s == memo) s = next_set
    else if (OW[s] != cur) {
      memo = s
      if ((s, cur) in T) s = T[s, cur]
      else {
        PA[++sets] = s
        OW[sets] = cur
        s = T[s, cur] = sets
      }
      next_set = s
    }
    if (left > 0) V[$1] = s * H + left
    else {
      SB[s] += K[$1]
      SF[s]++
      delete V[$1]
      delete K[$1]
    }
    next
  }
  /^[^0-9]/ {
    t = substr($0, 1, 1)
    if (t == "c") changed[place]++
    else if (t == "d") {
      if ($3 != device) crossed[place]++
      else {
        if ($1 == "d0") {
          name = $0
          sub(/^[^ ]* [^ ]* [^ ]* /, "", name)
          package(name)
        }
        blocks += $2
        files++
      }
    }
    else if (t == "l") {
      n = split($0, a, "/")
      for (i = 1; i <= n; i++) if (a[i] in names) soft[owner, a[i]] = 1
    }
    else if (t == "@") {
      close_atom()
      if ($4 != device) close_device()
      cur = owner = $2 + 0
      place = $3
      device = $4
    }
    else if (t == "n") names[substr($0, 2)] = ""
    else if (t == "E") whole = 1
    next
  }
  NF == 2 {
    if (++folders % 2000 == 0) seen()
    if ($2 != device) {
      crossed[place]++
      next
    }
  }
  { blocks += $1; files++ }
  END {
    if (!whole) exit 1
    close_atom()
    close_device()
    for (p in changed) print "noticed", p, 0, changed[p], 0 >"/dev/stderr"
    for (p in crossed) print "noticed", p, 0, 0, crossed[p] >"/dev/stderr"
    for (s = 1; s <= sets; s++) {
      members(s)
      if (s in SF) use(0)
      if (s in XF) use(1)
    }
    for (t in soft) {
      split(t, b, SUBSEP)
      n = split(names[b[2]], a, " ")
      for (i = 1; i <= n; i++) US[a[i], b[1]] = 1
    }
    for (s = 1; s <= sets; s++) {
      members(s)
      if (s in SF) row(0, SB[s], SF[s])
      if (s in XF) row(1, XB[s], XF[s])
    }
    m = 1
    for (p in PF) {
      M[1] = p + 0
      row(0, PB[p], PF[p])
    }
    unit = 8
    for (t in RB) if (RB[t] % 8) unit = 1
    print N, unit
    for (t in RB) printf "%s %.0f %d\n", t, RB[t] / unit, RF[t]
  }'

say() { # lines "seen N" and "noticed PLACE DENIED CHANGED CROSSED" as records
  while read -r dk_t dk_a dk_b dk_x dk_y; do
    case $dk_t in
      seen) rec seen 1 "$dk_a" ;;
      noticed) rec noticed 4 "$dk_a" "$dk_b" "$dk_x" "$dk_y" ;;
    esac
  done
}

exec 3>&1
dk_table=$(
  {
    {
      {
        {
          scan &
          dk_scan=$!
          (
            trap '' PIPE
            # Not longer than the scan, should nobody be left to end this.
            while sleep 1 3>&- && kill -0 "$dk_scan" && printf '=alive\0000\000' >&3; do :; done
            kill "$dk_scan"
          ) >/dev/null 2>&1 6>&- 8>&- 9>&- &
          dk_watch=$!
          wait "$dk_scan"
          kill "$dk_watch"
        } 9>&1 1>&8 2>/dev/null | $dk_awk "$dk_errors" | say >&3
      } 8>&1 | tr '\n\000' '\001\n' |
        $dk_awk -v "owners=$((dk_owners - 1))" -v "caches=$dk_caches" "$dk_program" 2>&1 1>&6 | say >&3
    } 6>&1
  }
)
if [ -n "$dk_table" ]; then
  dk_x=$(printf '%s' "$dk_table" | gzip -9 2>/dev/null | base64 2>/dev/null | tr -d '\n')
  if [ -n "$dk_x" ]; then rec table 2 g "$dk_x"; else rec table 2 p "$dk_table"; fi
  rec end 0
fi
