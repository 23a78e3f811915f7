#!/bin/sh
# What speaks against changing an environment: the look before a change and every program that makes one find it with
# these functions, so that both say the same. cg_uses (inventory_uses.sh), change_use.sh, change_contents.sh and
# change_become.sh belong to it; no check writes anything.
#
# All checks look at the current directory, once cg_open made the prefix that; cg_args reads the arguments that they
# have in common. What is found is said as `=said N concern KIND PLACE DETAIL...`, where figures are fields:
#   soft_link TARGET              changed DEVICE INODE          home HOME               mount_point, base, install_root,
#   missing, exists, not_an_environment, incomplete             read_only MOUNT         mounted MOUNT...
#   not_writable WHY COUNT PATH...     WHY: parent, sticky, prefix, enter, inside, immutable
#   foreign_owner OWNER           frozen WORDS                  in_use PID USER WAYS SESSION PROGRAM, once for each
#   use_unknown WHY COUNT|TYPE    WHY: unseen, hidepid, proc, network, many
#   unowned FILES BYTES NEWEST (PLACE FILES BYTES)...           empty figures: it could not be read; FILES+: at least
#   outdated (WAS IS)...          of packages, unowned files, their bytes, the newest; empty: not known
#   bad_place WHY PLACE           WHY: cache, environment, install, device
#   editable SOURCE...            nested COUNT PREFIX...        linked_from COUNT (LINK TARGET)...
# shellcheck disable=SC2034,SC2154  # what programs read, and what is set by eval
LC_ALL=C
export LC_ALL
PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}:/usr/bin:/bin:/usr/sbin:/sbin
export PATH
# What a start-up file activated is not handed on: what we start uses nothing.
unset CDPATH ENV BASH_ENV CONDA_PREFIX TMUX_PANE
set +f
cg_nl='
'
cg_found=' '
cg_uid=$(id -u)

# cg_say WORD FIELD...: for clients; a task's own record of it (a file that root opened, for one that became an owner),
# else the answer.
cg_say() {
  if [ -n "${CONDAFLEET_AS:-}" ]; then
    printf '%s\0' =said $# "$@" >&3
  elif [ -n "${CONDAFLEET_SPOOL:-}" ]; then
    printf '%s\0' =said $# "$@" 2>/dev/null >>"$CONDAFLEET_SPOOL/said" || :
  else
    printf '%s\0' =said $# "$@"
  fi
}

# cg_concern KIND PLACE DETAIL...
cg_concern() {
  case $cg_found in *" $1 "*) ;; *) cg_found="$cg_found$1 " ;; esac
  # At the second look of a program.
  case ${cg_told:-} in *" $1 "*) return 0 ;; esac
  cg_say concern "$@"
  if [ -n "${CONDAFLEET_SPOOL:-}" ]; then cg_tell "$@"; fi
}

# The same in plain words, for the log.
cg_tell() { # KIND PLACE DETAIL...
  cg_k=$1
  cg_w=$2
  shift 2
  case $cg_k in
    base) cg_w="$cg_w is the base of an install." ;;
    install_root) cg_w="$cg_w is the root of an install, or holds one." ;;
    home) cg_w="$cg_w is a home, or another directory that is never an environment." ;;
    mount_point) cg_w="$cg_w is a mount point." ;;
    exists) cg_w="There is something at $cg_w already." ;;
    missing) cg_w="There is no directory $cg_w." ;;
    not_an_environment) cg_w="$cg_w is no environment: it has no conda-meta/history." ;;
    incomplete) cg_w="$cg_w has no conda-meta/history: it is what is left of an environment, or something else." ;;
    soft_link) cg_w="$cg_w is a soft link to $1." ;;
    changed) cg_w="$cg_w is not the directory that was looked at before." ;;
    outdated) cg_w="$cg_w changed since it was looked at: $1 packages then, $2 now; own files $3 and $4, bytes $5 and $6. Look again." ;;
    not_writable) cg_w="$cg_w may not be changed by this account ($1)." ;;
    foreign_owner) cg_w="$cg_w belongs to $1." ;;
    bad_place) cg_w="Nothing new may be made at $cg_w ($1): $2" ;;
    read_only) cg_w="$cg_w is on a file system that is read-only." ;;
    in_use) cg_w="$cg_w is used by process $1 of $2 ($3): $5" ;;
    use_unknown) cg_w="Whether $cg_w is used cannot be known ($1 $2)." ;;
    frozen) cg_w="$cg_w is frozen: $1" ;;
    unowned) cg_w="$cg_w holds ${1:-unknown} files (${2:-unknown} bytes) of no package." ;;
    editable) cg_w="$cg_w holds sources that are installed in place: $1" ;;
    nested) cg_w="$cg_w holds $1 other environments: $2" ;;
    mounted) cg_w="Another file system is mounted in $cg_w: $1" ;;
    linked_from) cg_w="${1:-It is not known how many} soft links lead into $cg_w${2:+: $2}" ;;
    *) cg_w="$cg_w: $cg_k $*" ;;
  esac
  printf '%s\n' "$cg_w"
}

# cg_refuse_unless KINDS: ends with 3 when something was found that is not among KINDS, or that nothing can excuse.
# To be called before the first change.
cg_refuse_unless() {
  cg_no=
  for cg_k in $cg_found; do
    case $cg_k in
      in_use | use_unknown | frozen | unowned | editable | nested | mounted | incomplete | linked_from)
        case " $1 " in *" $cg_k "*) continue ;; esac
        ;;
    esac
    cg_no="$cg_no $cg_k"
  done
  [ -z "$cg_no" ] && return 0
  # shellcheck disable=SC2086 # words are wanted
  cg_say refused $cg_no
  printf 'Refused, and nothing was changed:%s.\n' "$cg_no"
  exit 3
}

# cg_args PREFIX DEVICE INODE STAMP KINDS PLAYED N ROOT... N ENVS_DIR... [MORE...]: takes them; `shift "$cg_used"` leaves
# MORE. DEVICE, INODE and STAMP as the look gave them (empty: not compared), KINDS what was accepted, separated by spaces;
# PLAYED: 1 for a demo's host.
cg_args() {
  cg_prefix=$1 cg_want_dev=$2 cg_want_ino=$3 cg_stamp=$4 cg_accepted=$5 cg_played=$6
  cg_used=$(($7 + 7))
  cg_roots=$7
  shift 7
  cg_i=0
  while [ "$cg_i" -lt "$cg_roots" ]; do
    cg_i=$((cg_i + 1))
    eval "cg_root$cg_i=\$1"
    shift
  done
  cg_dirs=$1
  cg_used=$((cg_used + cg_dirs + 1))
  shift
  cg_i=0
  while [ "$cg_i" -lt "$cg_dirs" ]; do
    cg_i=$((cg_i + 1))
    eval "cg_dir$cg_i=\$1"
    shift
  done
}

# cg_stat PATH: cg_dev cg_ino cg_owner cg_group cg_mode of it, itself a link or not
cg_stat() {
  cg_st=$(stat -c '%d %i %u %g %a' -- "$1" 2>/dev/null) || cg_st=
  # shellcheck disable=SC2086 # words are wanted
  set -- $cg_st
  cg_dev=${1:-} cg_ino=${2:-} cg_owner=${3:-} cg_group=${4:-} cg_mode=${5:-}
  [ -n "$cg_ino" ]
}

# cg_split: the parent of cg_prefix as cg_parent (real), its name as cg_name; false when there is none.
cg_split() {
  cg_parent='' cg_name=''
  case $cg_prefix in
    / | */ | */. | */.. | */./* | */../* | *//* | [!/]* | '') return 1 ;;
  esac
  cg_name=${cg_prefix##*/}
  cg_up=${cg_prefix%/*}
  cd -P -- "${cg_up:-/}" 2>/dev/null || return 1
  cg_parent=$PWD
}

# cg_open: makes cg_prefix the current directory, never through a soft link at its end; cg_real is its path without
# any, cg_dev cg_ino cg_owner cg_mode are its own. False, with what was found, when it is not what was looked at.
cg_open() {
  cg_real=$cg_prefix
  if [ "$cg_prefix" = / ]; then cg_concern home / / && return 1; fi
  if ! cg_split; then
    cg_concern missing "$cg_prefix"
    return 1
  fi
  cg_real=${cg_parent%/}/$cg_name
  if [ -L "./$cg_name" ]; then
    cg_concern soft_link "$cg_prefix" "$(readlink "./$cg_name")"
    return 1
  fi
  if ! [ -e "./$cg_name" ]; then
    cg_concern missing "$cg_prefix"
    return 1
  fi
  if ! [ -d "./$cg_name" ]; then
    cg_concern not_an_environment "$cg_prefix"
    return 1
  fi
  cg_stat "./$cg_name"
  cg_open_st=$cg_dev:$cg_ino
  if ! cd -P -- "./$cg_name" 2>/dev/null; then
    cg_concern not_writable "$cg_prefix" enter 1 "$cg_prefix"
    return 1
  fi
  cg_stat .
  if [ "$cg_open_st" != "$cg_dev:$cg_ino" ] || [ "$PWD" != "$cg_real" ] ||
    { [ -n "$cg_want_ino" ] && [ "$cg_want_dev:$cg_want_ino" != "$cg_dev:$cg_ino" ]; }; then
    cg_concern changed "$cg_prefix" "$cg_dev" "$cg_ino"
    return 1
  fi
}

# cg_absent: nothing may be at cg_prefix, not even a soft link that leads nowhere.
cg_absent() {
  if [ -e "$cg_prefix" ] || [ -L "$cg_prefix" ]; then cg_concern exists "$cg_prefix"; fi
}

# cg_mounts: cg_fs is the kind of file system here, cg_fs_ro whether it is read-only, cg_fs_at where it is mounted,
# cg_mounted a line for each mount in it (a line break in it as \1), cg_is_mount whether this is one itself.
cg_mounts() {
  # shellcheck disable=SC2016 # awk's own dollars
  cg_seen=$(CG_P=$cg_real awk '
    function plain(s,  out) {
      out = ""
      while (match(s, /\\[0-7][0-7][0-7]/)) {
        out = out substr(s, 1, RSTART - 1) sprintf("%c", substr(s, RSTART + 1, 1) * 64 + substr(s, RSTART + 2, 1) * 8 + substr(s, RSTART + 3, 1))
        s = substr(s, RSTART + 4)
      }
      out = out s
      gsub(/\n/, "\001", out)
      return out
    }
    BEGIN { p = ENVIRON["CG_P"]; gsub(/\n/, "\001", p); best = -1 }
    {
      m = plain($5)
      for (i = 7; i <= NF && $i != "-"; i++);
      if (m == p) self = 1
      if (index(m, p "/") == 1 && !(m in had)) { had[m] = 1; print "I" m }
      t = m == "/" ? "/" : m "/"
      if (index(p "/", t) == 1 && length(m) >= best) {
        best = length(m); at = m; kind = $(i + 1); ro = ("," $6 "," ~ /,ro,/) || ("," $(i + 3) "," ~ /,ro,/)
      }
    }
    END { if (self) print "E"; if (best >= 0) print "T" (ro ? "r" : "w") kind " " at }' /proc/self/mountinfo 2>/dev/null)
  cg_fs='' cg_fs_ro='' cg_fs_at='' cg_mounted='' cg_is_mount=
  IFS=$cg_nl
  set -f
  for cg_l in $cg_seen; do
    case $cg_l in
      I*) cg_mounted=$cg_mounted${cg_l#I}$cg_nl ;;
      E) cg_is_mount=1 ;;
      T*)
        cg_l=${cg_l#T}
        case $cg_l in r*) cg_fs_ro=1 ;; esac
        cg_l=${cg_l#?}
        cg_fs=${cg_l%% *} cg_fs_at=${cg_l#* }
        ;;
    esac
  done
  set +f
  unset IFS
}

# cg_line: a path of a line, where \1 stands for a line break, as cg_l
cg_line() {
  case $cg_l in *"$cg_one"*)
    cg_l=$(printf '%sx' "$cg_l" | tr '\001' '\n')
    cg_l=${cg_l%x}
    ;;
  esac
}
cg_one=$(printf '\001')

# cg_below PLACE: whether the current directory is PLACE or lies in it, or the other way with "holds".
cg_lies() { # is|in|holds PATH
  [ -n "$2" ] || return 1
  # shellcheck disable=SC3013 # dash, bash and busybox know it
  case $1 in
    is) [ "$2" = "$cg_real" ] || [ "$2" = "$cg_prefix" ] || [ "$2" -ef . ] 2>/dev/null ;;
    in) case $cg_real in "${2%/}/"*) return 0 ;; esac && return 1 ;;
    holds) case $2 in "$cg_real"/* | "$cg_prefix"/*) return 0 ;; esac && return 1 ;;
  esac
}

# cg_real_of PATH: PATH without soft links as cg_r, or as it is
cg_real_of() {
  cg_r=$( (cd -P -- "$1" 2>/dev/null && printf '%sx' "$PWD") || printf '%sx' "$1")
  cg_r=${cg_r%x}
}

# cg_place: is it an environment, and nothing else?
cg_place() {
  cg_bad=
  case $cg_real in
    # A file system in memory, where things may lie as anywhere.
    /dev/shm/?*) ;;
    /bin | /boot | /dev | /dev/* | /etc | /home | /lib | /lib32 | /lib64 | /media | /mnt | /opt | /proc | /proc/* | /root | \
      /run | /sbin | /srv | /sys | /sys/* | /tmp | /usr | /usr/bin | /usr/lib | /usr/local | /usr/sbin | /usr/share | /var | \
      /var/lib | /var/tmp)
      cg_bad=$cg_real
      ;;
  esac
  for cg_h in "${HOME:-}" "${CONDAFLEET_LOGIN#*:}"; do
    if [ -n "$cg_h" ] && { cg_lies is "$cg_h" || cg_lies holds "$cg_h"; }; then cg_bad=$cg_h; fi
  done
  if [ -z "$cg_bad" ]; then
    # shellcheck disable=SC2016 # awk's own dollars
    cg_bad=$(CG_P=$cg_real CG_Q=$cg_prefix awk -F: '
      BEGIN { p = ENVIRON["CG_P"]; q = ENVIRON["CG_Q"] }
      { h = $6; if (length(h) > 1) sub(/\/+$/, "", h) }
      h != "" && (h == p || h == q || index(h, p "/") == 1 || index(h, q "/") == 1) { print h; exit }' /etc/passwd 2>/dev/null)
  fi
  [ -n "$cg_bad" ] && cg_concern home "$cg_prefix" "$cg_bad"
  cg_mounts
  if [ -n "$cg_is_mount" ]; then cg_concern mount_point "$cg_prefix"; fi
  # Nobody knows what is mounted in it.
  [ -n "$cg_fs" ] || cg_concern no_tool "$cg_prefix" mountinfo
  [ -n "$cg_fs_ro" ] && cg_concern read_only "$cg_prefix" "$cg_fs_at"
  cg_i=0 cg_bad=
  while [ "$cg_i" -lt "$cg_roots" ]; do
    cg_i=$((cg_i + 1))
    eval "cg_p=\$cg_root$cg_i"
    if cg_lies is "$cg_p"; then cg_bad=is; fi
    cg_real_of "$cg_p"
    if cg_lies holds "$cg_p" || cg_lies holds "$cg_r"; then cg_bad=${cg_bad:-holds}; fi
  done
  # An install that nobody named: its package cache and its directory of environments tell it.
  if [ -z "$cg_bad" ] && { [ -e pkgs/urls.txt ] || [ -e pkgs/urls ] || [ -d pkgs/cache ]; }; then cg_bad=is; fi
  # conda brings condabin into every environment that it is a package of; only below a directory of environments is
  # such a thing an environment.
  cg_inside
  if [ -z "$cg_bad" ] && [ -z "$cg_in" ] && [ -d condabin ] && [ -d envs ]; then cg_bad=is; fi
  case $cg_bad in
    is) if [ -d conda-meta ]; then cg_concern base "$cg_prefix"; else cg_concern install_root "$cg_prefix"; fi ;;
    holds) cg_concern install_root "$cg_prefix" ;;
  esac
  if [ -L conda-meta ] || ! [ -f conda-meta/history ]; then
    if [ -n "$cg_in" ]; then cg_concern incomplete "$cg_prefix"; else cg_concern not_an_environment "$cg_prefix"; fi
  fi
}

# cg_inside: cg_in is the directory of environments that it lies in, or nothing
cg_inside() {
  cg_in=
  cg_i=0
  while [ "$cg_i" -lt "$cg_dirs" ]; do
    cg_i=$((cg_i + 1))
    eval "cg_p=\$cg_dir$cg_i"
    cg_real_of "$cg_p"
    if [ "$cg_r" != / ] && cg_lies in "$cg_r"; then cg_in=$cg_r; fi
  done
}

# cg_frozen: CEP 22's mark, with its words
cg_frozen() {
  [ -e conda-meta/frozen ] || [ -L conda-meta/frozen ] || return 0
  cg_w=
  [ -f conda-meta/frozen ] && cg_w=$(head -c 400 conda-meta/frozen 2>/dev/null | tr -d '\000')
  cg_concern frozen "$cg_prefix" "$cg_w"
}

# cg_writable [owner]: may this account (for root: its owner, too) take away the whole of it? Every directory in it that
# must be emptied counts.
cg_writable() {
  # Root could, and would change another account's install as root: only a program that becomes the owner may.
  if [ "$cg_uid" = 0 ] && [ "$cg_owner" != 0 ] && ! { [ "${1:-}" = owner ] && cg_can_become "$cg_owner"; }; then
    cg_concern foreign_owner "$cg_prefix" "$cg_owner"
  fi
  if [ "$cg_uid" != 0 ]; then
    cg_env_owner=$cg_owner
    if ! [ -w "$cg_parent" ]; then cg_concern not_writable "$cg_prefix" parent 1 "$cg_parent"; fi
    cg_stat "$cg_parent"
    if [ -k "$cg_parent" ] && [ "$cg_owner" != "$cg_uid" ] && [ "$cg_env_owner" != "$cg_uid" ]; then
      cg_concern not_writable "$cg_prefix" sticky 1 "$cg_parent"
    fi
    cg_stat .
    if ! [ -w . ] && [ "$cg_owner" != "$cg_uid" ]; then cg_concern not_writable "$cg_prefix" prefix 1 "$cg_prefix"; fi
    # What is ours can be made writable; a foreign directory that is empty goes with the one that holds it.
    cg_denied inside "$(find . -xdev -mindepth 1 -type d ! -user "$cg_uid" -exec sh -c '
      for d; do
        [ -r "$d" ] && [ -x "$d" ] && [ -w "$d" ] && ! [ -k "$d" ] && continue
        if [ -r "$d" ] && [ -x "$d" ]; then
          set -- "$d"/* "$d"/.[!.]* "$d"/..?*
          e=
          for f; do if [ -e "$f" ] || [ -L "$f" ]; then e=1 && break; fi; done
          [ -z "$e" ] && continue
        fi
        printf "%s\0" "$d"
      done' sh '{}' \; 2>/dev/null | tr '\n\000' '\001\n' | head -n 1000)"
  fi
  if lsattr -d . >/dev/null 2>&1; then
    cg_denied immutable "$(find . -xdev '(' -type f -o -type d ')' -exec lsattr -d '{}' + 2>/dev/null |
      awk '$1 ~ /^[-A-Za-z]*[ia][-A-Za-z]*$/ && length($1) > 10 { sub(/^[^ ]* /, ""); print }' | head -n 1000)"
  fi
}
cg_denied() { # WHY LINES
  [ -n "$2" ] || return 0
  cg_why=$1
  IFS=$cg_nl
  set -f
  # shellcheck disable=SC2086 # lines are wanted
  set -- $2
  set +f
  unset IFS
  cg_n=$#
  [ $# -gt 5 ] && set -- "$1" "$2" "$3" "$4" "$5"
  cg_concern not_writable "$cg_prefix" "$cg_why" "$cg_n" "$@"
}
