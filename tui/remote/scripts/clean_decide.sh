#!/bin/sh
# shellcheck disable=SC2034,SC2154 # set in one part of the text and read in another, or by eval
# Cleaning, second part: what goes, decided from one look at everything. It goes on in the text of change_clean.sh and
# disk_parts.sh.

# The entries of a cache that belong to the chosen parts, as lines for awk, and with "tops" of a directory for find.
cl_units() { # CACHE FOLDER LEVEL
  [ "$3" != 0 ] || dk_top=$2
  for cl_e in "$2"/* "$2"/.[!.]* "$2"/..?*; do
    [ -e "$cl_e" ] || [ -L "$cl_e" ] || continue
    part "$cl_e" "$3"
    case $dk_u in
      0) cl_l=t cl_k=tarballs ;;
      1) cl_l=p cl_k=packages ;;
      2) cl_l=i cl_k=index ;;
      3) cl_l=m cl_k=temp ;;
      4) cl_l=l cl_k=logs ;;
      level)
        printf 'v %s %s\0' "$1" "$cl_e"
        cl_units "$1" "$cl_e" $(($3 + 1))
        continue
        ;;
      *) continue ;;
    esac
    case $cl_c in *$cl_l*) ;; *) continue ;; esac
    # Such names no tool makes, and lines cannot hold them.
    case $cl_e in *"$cl_nl"* | *"$cl_soh"*)
      printf 'k %s %s\0' "$1" "$cl_k"
      continue
      ;;
    esac
    printf 'u %s %s %s\0' "$1" "$cl_k" "$cl_e"
  done
}
# find, whose words on what it could not read become "z", and whose death "Z": what it did not say is then unknown.
cl_find() {
  cl_x=$({ find "$@" >&3 || [ $? -lt 128 ] || echo killed; } 2>&1 |
    grep -v -e ': No such file or directory$' -e ': Not a directory$')
  case $cl_nl$cl_x$cl_nl in
    "$cl_nl$cl_nl") ;;
    *"${cl_nl}killed$cl_nl"*) printf 'Z\0' ;;
    *) printf 'z\0' ;;
  esac
} 3>&1
cl_list() { # CACHE PATH...: what lies there
  cl_l=$1
  shift
  cl_find "$@" -xdev '(' -path '*/conda-meta/history' -printf "x $cl_l %p\0" -o \
    -name pyvenv.cfg -printf "X $cl_l %p\0" -o -true ')' \
    -printf "e $cl_l %D:%i %n %b %y %T@ %p\0"
}

# Everything that decides, as NUL-ended lines.
cl_facts() {
  cl_whole=
  cl_at=0
  while [ $cl_at -lt "$cl_n" ]; do
    cl_at=$((cl_at + 1))
    eval "cl_r=\$cl_r$cl_at cl_d=\$cl_d$cl_at cl_c=\$cl_c$cl_at cl_t=\$cl_t$cl_at"
    [ -n "$cl_r" ] || continue
    cl_net=0
    case $(stat -f -c %T "$cl_r" 2>/dev/null) in
      nfs* | smb* | cifs | lustre | ceph | gpfs | fuse* | v9fs | afs) cl_net=1 ;;
    esac
    printf 'r %s %s %s %s\0' $cl_at "${cl_d%:*}" $cl_net "$cl_r"
    case $cl_t/$cl_c in cache/*p*) cl_whole=1 ;; esac
  done
  if [ -n "$cl_whole" ]; then
    while IFS= read -r cl_l; do cl_listed "${cl_l:-/nonexistent}/.conda/environments.txt"; done <<END
$cl_homes
END
  fi
  # What processes have open or mapped, are in or run, and what is locked.
  find /proc/[0-9]*/fd /proc/[0-9]*/cwd /proc/[0-9]*/exe -maxdepth 1 -type l -printf 'f %l\0' 2>/dev/null
  # shellcheck disable=SC2016 # awk's own dollars
  cat /proc/[0-9]*/maps 2>/dev/null | awk '$5 && !s[$4, $5]++ {
    p = $0
    for (i = 0; i < 5; i++) sub(/^[^ ]* +/, "", p)
    gsub(/\\012/, "\001", p)
    print "m " $4 ":" $5
    print "o " p
  } END { print "y" }' | tr '\n\001' '\000\n'
  while read -r _ _ _ _ _ cl_x _; do printf 'm %s\0' "$cl_x"; done 2>/dev/null </proc/locks
  # Sockets that somebody listens at: no process has them open by their names.
  while read -r _ _ _ _ _ _ _ cl_x; do
    case $cl_x in /*) printf 'o %s\0' "$cl_x" ;; esac
  done 2>/dev/null </proc/net/unix
  printf '%s\n' "$cl_mounts" | sed 's/^/b /' | tr '\n\001' '\000\n'
  set --
  cl_at=0
  while [ $cl_at -lt "$cl_places" ]; do
    cl_at=$((cl_at + 1))
    eval "cl_p=\$cl_w$cl_at"
    cl_p=$(cd -P -- "$cl_p" 2>/dev/null && pwd -P && printf x) || continue
    cl_p=${cl_p%?x}
    printf 'w %s\0' "$cl_p"
  done
  cl_at=0
  while [ $cl_at -lt "$cl_n" ]; do
    cl_at=$((cl_at + 1))
    eval "cl_r=\$cl_r$cl_at cl_c=\$cl_c$cl_at cl_t=\$cl_t$cl_at cl_p=\$cl_p$cl_at"
    if [ -z "$cl_r" ] || ! cd -P -- "$cl_r" 2>/dev/null; then continue; fi
    if [ "$cl_t" != cache ]; then
      cl_e=./${cl_p##*/}
      case $cl_e in
        *"$cl_nl"* | *"$cl_soh"*) printf 'k %s %s\0' $cl_at "$cl_t" ;;
        *)
          printf 'u %s %s %s\0' $cl_at "$cl_t" "$cl_e"
          cl_list $cl_at "$cl_e"
          ;;
      esac
      continue
    fi
    find . -maxdepth 1 -name '*.lock' -type f -printf "l $cl_at %D:%i\0" 2>/dev/null
    if [ -n "$cl_c" ]; then cl_units $cl_at . 0; fi
    if [ -n "$cl_whole" ]; then
      cl_list $cl_at .
    elif [ -n "$cl_c" ]; then
      # Of all parts but packages the entries alone, some at a time.
      cl_units $cl_at . 0 | tr '\n\000' '\001\n' | {
        set --
        while IFS= read -r cl_l; do
          case $cl_l in u\ *) ;; *) continue ;; esac
          set -- "$@" "./${cl_l#*./}"
          [ $# -lt 200 ] && continue
          cl_list $cl_at "$@"
          set --
        done
        [ $# -eq 0 ] || cl_list $cl_at "$@"
      }
    fi
  done
  if [ -n "$cl_whole" ]; then cl_soft; fi
  printf 'E\0'
}

# What conda lists as an account's environments by now: those that were made since somebody looked are places, too.
cl_listed() { # FILE
  while IFS= read -r cl_l || [ -n "$cl_l" ]; do
    case $cl_l in /*) ;; *) continue ;; esac
    cl_d=$(find "$cl_l/." -maxdepth 0 -printf %D 2>/dev/null)
    [ -n "$cl_d" ] || continue
    cl_x=0
    while [ $cl_x -lt "$cl_places" ]; do
      cl_x=$((cl_x + 1))
      eval "cl_p=\$cl_w$cl_x"
      case $cl_l/ in "$cl_p"/*) ;; *) continue ;; esac
      if [ "$(find "$cl_p/." -maxdepth 0 -printf %D 2>/dev/null)" = "$cl_d" ]; then continue 2; fi
    done
    cl_places=$((cl_places + 1))
    eval "cl_q$cl_places=place cl_w$cl_places=\$cl_l"
  done
} 2>/dev/null <"$1"

# The soft links of environments that may lead to a package. One place that cannot be read whole, and nothing is told.
cl_soft() {
  cd / || return
  cl_at=0
  while [ $cl_at -lt "$cl_places" ]; do
    cl_at=$((cl_at + 1))
    eval "cl_q=\$cl_q$cl_at cl_p=\$cl_w$cl_at"
    cl_p=$(cd -P -- "$cl_p" 2>/dev/null && pwd -P && printf x)
    cl_p=${cl_p%?x}
    if [ -z "$cl_p" ]; then
      # What is gone uses nothing; what is closed may.
      eval "cl_p=\$cl_w$cl_at"
      cl_up=$cl_p
      while [ -n "$cl_up" ] && ! [ -e "$cl_up" ]; do cl_up=${cl_up%/*}; done
      if [ "$cl_q" = place ] && { [ "$cl_up" = "$cl_p" ] || ! [ -x "${cl_up:-/}" ]; }; then printf 'z\0'; fi
      continue
    fi
    set -- "$cl_p" -xdev '(' -false
    cl_x=0
    while [ $cl_x -lt "$cl_n" ]; do
      cl_x=$((cl_x + 1))
      eval "cl_r=\$cl_r$cl_x cl_t=\$cl_t$cl_x"
      if [ "$cl_t" = cache ] && [ -d "$cl_r" ]; then set -- "$@" -o -samefile "$cl_r"; fi
    done
    set -- "$@" ')' -prune -o -type l -lname '*/*-*-*' -printf 's %l\0'
    # What others have, and nobody but we get into the cache, may be closed to us.
    if [ "$cl_q" = maybe ]; then find "$@" 2>/dev/null; else cl_find "$@"; fi
  done
}

# Decides what goes. Says: "P KIND CACHE FILES BYTES UNITS" of each part, "K WHY KIND CACHE COUNT" of what stays,
# "R KIND CACHE ./PATH" of what goes, and "L CACHE" of a cache that a tool has locked.
# shellcheck disable=SC2016 # awk's own dollars
cl_program='
  BEGIN { oldest = older < 0 ? 1e300 : now - older }
  function unit(c, p,  at, part, name) {
    if (c == mc && substr(p "/", 1, length(mp)) == mp) return mu
    for (;;) {
      at = index(substr(p, length(name) + 1), "/")
      part = at ? substr(p, 1, length(name) + at - 1) : p
      if ((c, part) in U) {
        mc = c
        mp = part "/"
        return mu = U[c, part]
      }
      if (!at || !((c, part) in V)) return 0
      name = part "/"
    }
  }
  function tail(word) { return substr($0, index($0, word) + length(word)) }
  function hex(d) {
    if (!(d in H)) H[d] = sprintf("%02x:%02x", int(d / 256) % 4096, d % 256 + int(d / 1048576) * 256)
    return H[d]
  }
  function places(list, mark,  i, c, root, p) {
    for (i in list) for (c in R) {
      root = R[c] "/"
      if (substr(i, 1, length(root)) == root) {
        p = substr(i, length(root) + 1)
        if (unit(c, p)) keep(unit(c, p), mark)
      }
    }
  }
  function keep(u, why) { if (!(u in W)) W[u] = why }
  $1 == "e" {
    at = index($0, "./")
    if (!at) next
    c = $2
    u = unit(c, substr($0, at + 2))
    split($3, id, ":")
    if (id[1] != D[c]) {
      if (u) keep(u, "mounted")
      next
    }
    if (u) {
      if ((hex(id[1]) ":" id[2]) in O) keep(u, "in_use")
      if (K[u] != "packages" || substr($0, at) == "./" P[u]) if ($7 + 0 > T[u]) T[u] = $7 + 0
      if ($6 == "d" || $4 == 1) {
        B[u] += $5
        F[u]++
        next
      }
    }
    if ($6 == "d" || $4 == 1) next
    if ($3 in X) {
      X[$3] = X[$3] " " u
      XL[$3]--
    }
    else {
      X[$3] = u
      XL[$3] = $4 - 1
      XB[$3] = $5
    }
    next
  }
  $1 == "y" { mapped = 1; next }
  $1 == "Z" { broken = 1; next }
  $1 == "f" { opened = A[substr($0, 3)] = 1; next }
  $1 == "o" { A[substr($0, 3)] = 1; next }
  $1 == "m" { O[$2] = 1; next }
  $1 == "b" { M[substr($0, 3)] = 1; next }
  $1 == "w" { E[substr($0, 3)] = 1; next }
  $1 == "l" { split($3, id, ":"); if ((hex(id[1]) ":" id[2]) in O) print "L " $2; next }
  $1 == "r" {
    D[$2] = $3
    N[$2] = $4
    match($0, /^r [0-9]+ [0-9]+ [01] /)
    R[$2] = substr($0, RLENGTH + 1)
    next
  }
  $1 == "v" { V[$2, tail(" ./")] = 1; next }
  $1 == "u" {
    P[++n] = tail(" ./")
    U[$2, P[n]] = n
    C[n] = $2
    K[n] = $3
    if ($3 == "packages") { name = P[n]; sub(/.*\//, "", name); S[name] = S[name] " " n }
    next
  }
  $1 == "k" { count["odd " $3 " " $2]++; next }
  $1 == "x" { u = unit($2, tail(" ./")); if (u) keep(u, "environment"); next }
  # Environments of venv and virtualenv; uv keeps some of its own in its cache, and makes them again.
  $1 == "X" { u = unit($2, tail(" ./")); if (u && K[u] == "other") keep(u, "environment"); next }
  $1 == "s" {
    m = split(substr($0, 3), a, "/")
    for (i = 1; i <= m; i++) if (a[i] in S) {
      q = split(S[a[i]], b, " ")
      for (j = 1; j <= q; j++) keep(b[j], "used")
    }
    next
  }
  $1 == "z" { blind = 1; next }
  $1 == "E" { whole = 1 }
  END {
    # Our own files are open, and mapped: a look that saw none of them saw nothing.
    if (!whole || !mapped || !opened || broken) exit 1
    places(M, "mounted")
    places(E, "environment")
    places(A, "in_use")
    for (i in X) if (XL[i] > 0) {
      m = split(X[i], a, " ")
      for (j = 1; j <= m; j++) if (K[a[j]] == "packages") W[a[j]] = "used"
    }
    for (u = 1; u <= n; u++) {
      if (K[u] == "packages" && blind) keep(u, "unknown")
      # Somebody may be at what looks left behind; what we put aside ourselves we hold the lock of, but for other hosts.
      fresh = K[u] == "temp" && T[u] > now - 3600 && (N[C[u]] || P[u] !~ /^\.tmp-condafleet-/)
      if (T[u] > oldest || fresh) keep(u, "young")
      part = K[u] " " C[u]
      if (u in W) count[W[u] " " part]++
      else {
        units[part]++
        bytes[part] += B[u]
        files[part] += F[u]
      }
    }
    for (i in X) if (XL[i] == 0) {
      m = split(X[i], a, " ")
      for (j = 1; j <= m; j++) if (!a[j] || (a[j] in W)) break
      if (j <= m) continue
      part = K[a[m]] " " C[a[m]]
      bytes[part] += XB[i]
      files[part]++
    }
    for (part in units) printf "P %s %d %.0f %d\n", part, files[part], bytes[part] * 512, units[part]
    for (i in count) print "K", i, count[i]
    for (u = 1; u <= n; u++) if (!(u in W)) print "R", K[u], C[u], "./" P[u]
    print "."
  }'
cl_decide() {
  cl_facts | tr '\n\000' '\001\n' | awk -v "now=$(date +%s)" -v "older=$cl_older" "$cl_program"
}
