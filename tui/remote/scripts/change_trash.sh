#!/bin/sh
# Taking an environment out of sight, and away: what removing, restoring and purging share, after change_guard.sh.
#
# What is put aside lies in PLACE/.condafleet-trash/ID/: `meta`, and the environment as `env` (it can come back) or as
# `gone` (it is being removed, or what is left of it). PLACE is on the same mount, so that a rename does it. `meta` is
# two lines of text: what the client wrote (JSON), then "SINCE UNTIL BYTES LISTED DEVICE INODE UID". Soft links to all
# of an account's are in its own state folder.
# shellcheck disable=SC2034,SC2154  # what change_guard.sh sets, and programs read
cg_trash=.condafleet-trash
cg_stop=

# cg_catch: from here on an interrupt is seen between two steps; what a step started is interrupted by the same signal.
cg_catch() { trap 'cg_stop=1' INT TERM HUP; }

# cg_index_at: where the account's folder of soft links is; false when there can be none
cg_index_at() {
  case ${XDG_STATE_HOME:-} in
    /*) cg_ix=$XDG_STATE_HOME ;;
    *) case ${HOME:-} in /*) cg_ix=$HOME/.local/state ;; *) return 1 ;; esac ;;
  esac
  cg_ix=$cg_ix/condafleet/trash
}

# cg_index: the same, made; cg_ix_new: how many folders, from it upwards, were not there before
cg_ix_new=0
cg_index() {
  cg_index_at || return 1
  cg_ixn=0
  cg_ixd=$cg_ix
  while [ -n "$cg_ixd" ] && ! [ -d "$cg_ixd" ]; do
    cg_ixn=$((cg_ixn + 1))
    cg_ixd=${cg_ixd%/*}
  done
  [ "$cg_ixn" -le "$cg_ix_new" ] || cg_ix_new=$cg_ixn
  (umask 077 && mkdir -p -- "$cg_ix") 2>/dev/null
}

# cg_known_root PATH: whether it is one of the installs named
cg_known_root() {
  cg_i=0
  while [ "$cg_i" -lt "$cg_roots" ]; do
    cg_i=$((cg_i + 1))
    eval "cg_p=\$cg_root$cg_i"
    cg_real_of "$cg_p"
    [ "$cg_r" = "$1" ] && return 0
  done
  return 1
}

# cg_outside PATH: whether it lies in no directory of environments, nor is one
cg_outside() {
  # A directory of environments that nobody named has this name, nearly always.
  case $1/ in */envs/*) return 1 ;; esac
  cg_i=0
  while [ "$cg_i" -lt "$cg_dirs" ]; do
    cg_i=$((cg_i + 1))
    eval "cg_p=\$cg_dir$cg_i"
    cg_real_of "$cg_p"
    case $1/ in "${cg_r%/}/"*) return 1 ;; esac
  done
}

# cg_usable PATH: whether we may put things there, by a rename, and nobody else can take them away
cg_usable() {
  [ -w "$1" ] && [ -x "$1" ] || return 1
  case $1/ in "${cg_fs_at%/}/"*) ;; *) return 1 ;; esac
  cg_stat "$1" || return 1
  [ "$cg_dev" = "$cg_open_dev" ] || return 1
  cg_holder=$cg_owner
  [ -L "$1/$cg_trash" ] && return 1
  [ -e "$1/$cg_trash" ] || return 0
  [ -d "$1/$cg_trash" ] && [ -w "$1/$cg_trash" ] && [ -x "$1/$cg_trash" ] && cg_stat "$1/$cg_trash" || return 1
  [ "$cg_dev" = "$cg_open_dev" ] || return 1
  case $cg_owner in 0 | "$cg_uid" | "$cg_holder") return 0 ;; esac
  return 1
}

# cg_find_place: cg_at is where to put it aside: the nearest directory above, on the same mount, outside all directories
# of environments and all environments; the state folder if that is on the same mount. False when there is none.
cg_find_place() {
  cg_open_dev=$cg_dev
  cg_at=
  cg_d=$cg_parent
  while [ -n "$cg_d" ]; do
    if [ -d "$cg_d/conda-meta" ] && ! cg_known_root "$cg_d"; then
      cg_at=
    elif [ -z "$cg_at" ] && cg_outside "$cg_d" && cg_usable "$cg_d"; then
      cg_at=$cg_d
    fi
    cg_d=${cg_d%/*}
  done
  [ -n "$cg_at" ] && return 0
  if cg_index; then
    cg_real_of "${cg_ix%/*}"
    cg_d=$cg_r
    if cg_outside "$cg_d" && cg_usable "$cg_d"; then cg_at=$cg_d && return 0; fi
  fi
  return 1
}

# cg_make_place ID: $cg_at/.condafleet-trash/ID as cg_slot, empty and ours alone, with its soft link
cg_make_place() {
  # Whoever may write into the place may use its trash, each what is his own.
  # shellcheck disable=SC2012 # only the mode
  case $(ls -ldn "$cg_at" 2>/dev/null) in ?????w??w*) cg_mask=000 ;; ?????w*) cg_mask=002 ;; *) cg_mask=022 ;; esac
  cg_slot=
  # The folder goes with the last that lies in it, perhaps while we make ours.
  for _ in 1 2 3; do
    if ! [ -d "$cg_at/$cg_trash" ] && (umask $cg_mask && mkdir "$cg_at/$cg_trash") 2>/dev/null && [ $cg_mask = 000 ]; then
      chmod +t "$cg_at/$cg_trash"
    fi
    if (umask 077 && mkdir "$cg_at/$cg_trash/$1") 2>/dev/null; then
      cg_slot=$cg_at/$cg_trash/$1
      break
    fi
  done
  [ -n "$cg_slot" ] || return 1
  if cg_index; then ln -s "$cg_slot" "$cg_ix/$1" 2>/dev/null || :; fi
}

# cg_leave_place: takes cg_slot away, when nothing is in it any more
cg_leave_place() {
  [ -e "$cg_slot/env" ] || [ -e "$cg_slot/gone" ] && return 1
  rm -f "$cg_slot/meta" "$cg_slot/meta.new"
  rmdir "$cg_slot" 2>/dev/null
  if cg_index_at; then
    rm -f "$cg_ix/${cg_slot##*/}"
    # In the home of one that root became nothing stays that was made for this alone.
    cg_ixd=$cg_ix
    while [ -n "${CONDAFLEET_AS:-}" ] && [ "$cg_ix_new" -gt 0 ] && rmdir "$cg_ixd" 2>/dev/null; do
      cg_ix_new=$((cg_ix_new - 1))
      cg_ixd=${cg_ixd%/*}
    done
  fi
  rmdir "${cg_slot%/*}" 2>/dev/null
  [ ! -e "$cg_slot" ]
}

# cg_lives ID: whether the task that made a slot may still be at it
cg_lives() {
  cg_l=
  { IFS= read -r cg_l <"${cg_ix%/trash}/tasks/$1/pid"; } 2>/dev/null
  [ -n "$cg_l" ] || return 1
  cg_b=
  { IFS= read -r cg_b </proc/sys/kernel/random/boot_id; } 2>/dev/null
  # MACHINE_BOOT_NAMESPACE_PID_START_HOST
  cg_l=${cg_l#*_}
  [ "${cg_l%%_*}" = "$cg_b" ] || return 1
  cg_l=${cg_l#*_*_}
  cg_p=${cg_l%%_*}
  cg_y=${cg_l#*_}
  cg_l=
  { IFS= read -r cg_l <"/proc/$cg_p/stat"; } 2>/dev/null
  # shellcheck disable=SC2086 # words are wanted
  set -- ${cg_l##*) }
  [ "${20:-}" = "${cg_y%%_*}" ]
}

# cg_sweep: finishes what interrupted tasks of this account left: rests of removals, and folders an hour old that were
# prepared and never used. What can come back stays.
cg_sweep() {
  cg_index_at || return 0
  for cg_link in "$cg_ix"/*; do
    [ -n "$cg_stop" ] && return 0
    [ -L "$cg_link" ] || continue
    cg_slot=$(readlink "$cg_link" && printf x)
    cg_slot=${cg_slot%x}
    cg_slot=${cg_slot%"$cg_nl"}
    case $cg_slot in /*/"$cg_trash/${cg_link##*/}") ;; *) continue ;; esac
    if [ -L "$cg_slot" ] || ! [ -d "$cg_slot" ] || [ -e "$cg_slot/env" ] || ! cg_stat "$cg_slot"; then continue; fi
    if [ "$cg_owner" != "$cg_uid" ] || cg_lives "${cg_link##*/}"; then continue; fi
    if [ -d "$cg_slot/gone" ] && ! [ -L "$cg_slot/gone" ]; then
      printf 'Removing what an earlier removal left in %s.\n' "$cg_slot"
      cg_take_away || :
    elif [ -n "$(find "$cg_link" -maxdepth 0 -mmin +60 2>/dev/null)" ]; then
      cg_leave_place
    fi
  done
}

# cg_own_slot ID: makes cg_slot the current directory: ours, of that name, and no soft link. False, with what was found,
# when it is not; cg_slot_as: the account that root has to become for it. cg_meta_until, cg_meta_listed, cg_meta_ino ("DEVICE:INODE") as its meta has them.
cg_own_slot() {
  cg_meta_until='' cg_meta_listed='' cg_meta_ino='' cg_slot_as=
  case $cg_slot in /*/"$cg_trash/$1") ;; *) cg_concern missing "$cg_slot" && return 1 ;; esac
  if [ -L "$cg_slot" ] || ! cd -P -- "$cg_slot" 2>/dev/null || [ "$PWD" != "$cg_slot" ]; then
    cg_concern missing "$cg_slot"
    return 1
  fi
  cg_stat .
  if [ "$cg_owner" != "$cg_uid" ] && cg_can_become "$cg_owner"; then
    cg_slot_as=$cg_owner
  elif [ "$cg_owner" != "$cg_uid" ]; then
    cg_concern foreign_owner "$cg_slot" "$cg_owner"
    return 1
  fi
  cg_x=
  [ -f meta ] && cg_x=$(sed -n 2p meta 2>/dev/null | tr -cd '0-9 \n')
  # shellcheck disable=SC2086 # words are wanted
  set -- $cg_x
  [ $# = 7 ] || return 0
  cg_meta_until=$2 cg_meta_listed=$4 cg_meta_ino=$5:$6
}

# cg_meta JSON UNTIL BYTES [SINCE]: written whole, or false
cg_meta() {
  cg_x=${4:-$(date +%s)}
  (
    umask 077
    printf '%s\n%s %s %s %s %s %s %s\n' "$1" "$cg_x" "$2" "$3" "$cg_listed" "$cg_want_dev" "$cg_want_ino" "$cg_uid" \
      >"$cg_slot/meta.new" && mv -f "$cg_slot/meta.new" "$cg_slot/meta"
  )
}

# cg_rename FROM TO: by nothing but a rename. mv would copy where the kernel refuses that: no file may be written then.
cg_rename() {
  [ -e "$2" ] || [ -L "$2" ] && return 1
  cg_stat "$1" || return 1
  cg_x=$cg_dev:$cg_ino
  (ulimit -f 0 && exec mv -f -- "$1" "$2") 2>/dev/null
  cg_stat "$2" && [ "$cg_dev:$cg_ino" = "$cg_x" ] && return 0
  # Into a directory that somebody made there meanwhile?
  if cg_stat "$2/${1##*/}" && [ "$cg_dev:$cg_ino" = "$cg_x" ]; then (ulimit -f 0 && mv -f -- "$2/${1##*/}" "$1"); fi
  return 1
}

# cg_finds: "$@" of find for all of the current directory but the mounts in it, as the words cg_f1, ...; to be used
# by `eval "find $cg_fw ..."`
cg_finds() {
  cg_real=$PWD
  cg_mounts
  cg_spare
  cg_fw='. -xdev'
  cg_i=0
  while [ "$cg_i" -lt "$cg_ms" ]; do
    cg_i=$((cg_i + 1))
    cg_fw="$cg_fw -path \"\$cg_m$cg_i\" -prune -o"
  done
}

# cg_weigh: cg_bytes that go with the last links of the current directory's files, and cg_files
cg_weigh() {
  cg_finds
  # shellcheck disable=SC2016 # awk's own dollars
  cg_x=$(
    if find /dev/null -printf '' 2>/dev/null; then
      eval "find $cg_fw -printf '%n %b %i %y\\n'"
    else
      eval "find $cg_fw -print0" | xargs -0 stat -c '%h %b %i %f'
    fi 2>/dev/null | awk '
      { files++ }
      $4 == "d" || ($4 ~ /^4...$/) || $1 == 1 { blocks += $2; next }
      ++seen[$3] == $1 { blocks += $2 }
      END { printf "%.0f %d", blocks * 512, files }'
  )
  cg_bytes=${cg_x% *} cg_files=${cg_x#* }
}

# cg_free: bytes free on the file system here, once what was done is on the disk; cg_settle is best effort
cg_free() { stat -f -c '%f %S' . 2>/dev/null | awk 'NF == 2 { printf "%.0f", $1 * $2 }'; }
cg_settle() {
  case $cg_fs in
    ext[234] | xfs | btrfs | f2fs)
      (
        cg_x=$PWD
        cd / || exit
        timeout 60 sync -f -- "$cg_x" 2>/dev/null
      )
      ;;
  esac
}

# cg_empty: takes everything out of the current directory: never over a device, a mount or a soft link. False when
# something stayed, but for mounts and what leads to them.
cg_empty() {
  for _ in 1 2 3; do
    [ -n "$cg_stop" ] && return 1
    cg_finds
    # Not knowing what is mounted here, nothing may be touched.
    [ -n "$cg_fs" ] || return 1
    if [ "$cg_uid" != 0 ]; then
      eval "find $cg_fw -type d -user $cg_uid ! -perm -0700 -exec chmod u+rwx '{}' ';'" 2>/dev/null
    fi
    if [ "$cg_ms" = 0 ] && find /dev/null -printf '' 2>/dev/null; then
      # By open directories: a soft link put in its way meanwhile is not followed.
      find . -xdev -mindepth 1 -delete
    else
      # busybox crosses devices when it goes depth first.
      eval "find $cg_fw ! -type d -print0" | xargs -0 rm -f --
      eval "find $cg_fw -type d ! -path . -print0" | sort -rz | xargs -0 rmdir -- 2>/dev/null
    fi 2>&1 | awk 'NR <= 20'
    [ -n "$(eval "find $cg_fw ! -path . ! -type d -print" 2>&1 | head -n 1)" ] && continue
    [ "$cg_ms" -gt 0 ] || [ -z "$(find . -xdev -mindepth 1 -print 2>&1 | head -n 1)" ] && return 0
  done
  return 1
}

# cg_unlist PATH...: these lines out of the account's environments.txt, and nothing else; cg_listed: whether one was in
cg_unlist() {
  cg_listed=0
  cg_txt=${HOME:-}/.conda/environments.txt
  [ -f "$cg_txt" ] && [ -r "$cg_txt" ] || return 0
  for cg_p do
    case $cg_p in *"$cg_nl"*) continue ;; esac
    grep -q -a -x -F -e "$cg_p" -e "$cg_p/" -- "$cg_txt" 2>/dev/null && cg_listed=1
  done
  [ "$cg_listed" = 1 ] && [ -z "${cg_only_look:-}" ] || return 0
  cg_txt=$(readlink -f -- "$cg_txt" 2>/dev/null) || return 0
  for _ in 1 2 3 4 5; do
    cg_was=$(stat -c '%i %s %y' -- "$cg_txt" 2>/dev/null)
    cg_x=$cg_txt.condafleet.$$
    cp -p -- "$cg_txt" "$cg_x" 2>/dev/null || return 1
    # shellcheck disable=SC2016 # awk's own dollars
    if ! CG_P=$1 CG_Q=${2:-$1} awk '
      BEGIN { p = ENVIRON["CG_P"]; q = ENVIRON["CG_Q"] }
      $0 != p && $0 != q && $0 != p "/" && $0 != q "/"' "$cg_txt" >"$cg_x" 2>/dev/null; then
      rm -f -- "$cg_x"
      return 1
    fi
    # Somebody else wrote it just now: once more.
    if [ "$cg_was" = "$(stat -c '%i %s %y' -- "$cg_txt" 2>/dev/null)" ]; then
      mv -f -- "$cg_x" "$cg_txt" && return 0
    fi
    rm -f -- "$cg_x"
  done
  return 1
}

# cg_list PATH: its line into the account's environments.txt, if it is not there
cg_list() {
  case $1 in *"$cg_nl"*) return 0 ;; esac
  cg_txt=${HOME:-}/.conda/environments.txt
  [ -d "${cg_txt%/*}" ] || return 0
  grep -q -a -x -F -e "$1" -- "$cg_txt" 2>/dev/null && return 0
  # A last line that was not ended must not swallow it.
  [ -s "$cg_txt" ] && [ -n "$(tail -c 1 -- "$cg_txt" | tr -d '\n')" ] && printf '\n' >>"$cg_txt"
  printf '%s\n' "$1" >>"$cg_txt"
}

# cg_take_away: what is in $cg_slot/gone, with its slot. False when something is left, which is said.
cg_take_away() {
  if cd -P -- "$cg_slot/gone" 2>/dev/null && cg_empty && cd / && rmdir "$cg_slot/gone" 2>/dev/null && cg_leave_place; then
    return 0
  fi
  cd /
  # Another task of this account was a moment faster.
  [ -e "$cg_slot" ] || return 0
  cg_say left "$cg_slot"
  printf 'Not all of it could be removed; the rest is in %s, and goes with the next purge.\n' "$cg_slot"
  return 1
}
