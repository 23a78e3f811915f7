#!/bin/sh
# shellcheck disable=SC2154 # eval assigns
# What the other caches of accounts hold: pip, uv, Hugging Face, torch, Triton, wandb, core dumps, conda's .trash.
#
# It goes on in the text of cache_kinds.sh, which knows what can be made again: that is told by its kind, the rest as
# "kept". Arguments: pairs KIND PATH: "home" an account's home, "trash" a package cache, "cores" where dumps lie. With "home" and
# no path, our own, where the environment's variables count, too. Records, as they happen:
#   =item N     NUMBER KIND PATH OWNER   something that holds space: a part of a cache
#   =hub 2      NUMBER HEX        of a repository of the hub, in pieces: "TYPE DEVICE INODE LINKS BLOCKS USED CHANGED
#                                 PATH" NUL "TARGET" NUL for each entry and "end" NUL NUL, in hexadecimal digits
#   =denied 2   NUMBER PATH       could not be read
#   =sum 6      NUMBER BLOCKS COUNTED FREED FILES USED: blocks held; of these not in an earlier item; with all links here
#   =cut 0      there is more than is told
#   =alive 0    once a second
#   =missing 1  a tool without which nothing is counted
# Soft links in caches are never followed; a cache's own directory may be one. Every record is one short write, for two
# write them. Closing the channel ends it within a second: the word that says it is alive cannot be sent.
LC_ALL=C
export LC_ALL
PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}:/usr/bin:/bin:/usr/sbin:/sbin
export PATH
# Root, asked by a login, looks where that login's things are.
[ -z "${CONDAFLEET_LOGIN:-}" ] || HOME=${CONDAFLEET_LOGIN#*:}
rec() { # TAG COUNT FIELD...
  ch_t=$1
  shift
  printf '%s\0' "=$ch_t" "$@" >&3
}
place() { # KIND PATH: a directory that is a cache, as root number $ch_roots
  case $2 in /*) ;; *) return ;; esac
  if ! [ -d "$2" ]; then return; fi
  ch_r=$(cd -P -- "$2" 2>/dev/null && pwd -P && echo x)
  # A signal's silence is no answer.
  if [ $? -gt 127 ]; then exit 1; fi
  if [ -z "$ch_r" ]; then
    ch_n=$((ch_n + 1))
    rec item 4 $ch_n "$1" "$2" ''
    rec denied 2 $ch_n "$2"
    return
  fi
  ch_r=${ch_r%?x}
  ch_i=$(find "$ch_r/." -maxdepth 0 -printf %D:%i)
  if [ -z "$ch_i" ]; then
    if [ -d "$ch_r" ]; then exit 1; fi
    return
  fi
  case " $ch_ids " in *" $ch_i "*) return ;; esac
  ch_ids="$ch_ids $ch_i"
  ch_roots=$((ch_roots + 1))
  eval "ch_k$ch_roots=\$1 ch_r$ch_roots=\$ch_r"
}
account() { # HOME, and whether it is ours
  ch_x=$1/.cache
  if [ "$2" = own ]; then
    case ${XDG_CACHE_HOME:-} in /*) ch_x=$XDG_CACHE_HOME ;; esac
    place pip "${PIP_CACHE_DIR:-$ch_x/pip}"
    place uv "${UV_CACHE_DIR:-$ch_x/uv}"
    place hub "${HF_HUB_CACHE:-${HUGGINGFACE_HUB_CACHE:-${HF_HOME:-$ch_x/huggingface}/hub}}"
    place hf "${HF_HOME:-$ch_x/huggingface}"
    place torch "${TORCH_HOME:-$ch_x/torch}"
    place triton "${TRITON_CACHE_DIR:-${TRITON_HOME:-$1}/.triton/cache}"
    # Of late it is the directory itself.
    [ -z "${WANDB_CACHE_DIR:-}" ] || place wandb "$WANDB_CACHE_DIR"
    place wandb "${WANDB_CACHE_DIR:-$ch_x}/wandb"
    [ -z "${WANDB_DIR:-}" ] || place runs "$WANDB_DIR/wandb"
  else
    for ch_k in pip uv torch wandb; do place $ch_k "$ch_x/$ch_k"; done
    place hub "$ch_x/huggingface/hub"
    place hf "$ch_x/huggingface"
    place triton "$1/.triton/cache"
  fi
  place other "$ch_x"
}
count() { # KIND PATH: one item, as lines for awk
  if ! [ -e "$2" ] && ! [ -h "$2" ]; then return; fi
  ch_n=$((ch_n + 1))
  if [ $ch_n -gt 5000 ]; then
    [ $ch_n -gt 5001 ] || rec cut 0
    return
  fi
  ch_top=$2
  ch_o=$(find "$2" -maxdepth 0 -printf %u 2>/dev/null)
  if [ $? -gt 127 ]; then exit 1; fi
  # A demo device's account has a name of its own.
  # shellcheck disable=SC3067 # dash and busybox have it, too
  if [ -n "${CONDAFLEET_PLAYED:-}" ] && [ -O "$2" ]; then ch_o=${LOGNAME:-$ch_o}; fi
  rec item 4 $ch_n "$1" "$2" "$ch_o"
  printf 'i %s\n' $ch_n
  ch_kind=$1
  set -- -false
  ch_a=0
  while [ $ch_a -lt $ch_roots ]; do
    ch_a=$((ch_a + 1))
    [ $ch_a = "$ch_at" ] || eval "set -- \"\$@\" -o -samefile \"\$ch_r$ch_a\""
  done
  # shellcheck disable=SC2016,SC2086 # the inner shell's own dollars; words are wanted
  $ch_nice find "$ch_top" -xdev '(' "$@" ')' -prune -o \
    '(' -printf 'f %D:%i %n %b %y %T@ %A@\n' -type d '(' ! -readable -o ! -executable ')' \
    -exec sh -c 'printf "=denied\0002\000%s\000%s\000" "$1" "$2" >&3' sh $ch_n '{}' \; -prune ')' 2>/dev/null &
  ch_find=$!
  wait $ch_find
  # What a signal ended did not count everything; without its end nothing is true.
  if [ $? -gt 127 ]; then exit 1; fi
  case $ch_kind in hub) ;; *) return ;; esac
  case ${ch_top##*/} in *--*) ;; *) return ;; esac
  # shellcheck disable=SC2086 # words are wanted
  {
    {
      $ch_nice find "$ch_top" -xdev -printf '%y %D %i %n %b %A@ %T@ %P\0%l\0' 2>/dev/null
      [ $? -gt 127 ] || printf 'end\0\0'
    } |
      od -An -v -tx1 | tr -d ' \n' | fold -w 1400 | {
      while IFS= read -r ch_l || [ -n "$ch_l" ]; do rec hub 2 $ch_n "$ch_l"; done
    }
  } &
  ch_find=$!
  wait $ch_find
  if [ $? -gt 127 ]; then exit 1; fi
}
kept() { # PATH: what is not known to be made again
  case $1 in */.cache/*) ;; *) return ;; esac
  # Of logins, locks and the like nobody needs a line.
  if [ -f "$1" ] && ! found "$1" -maxdepth 0 -size +2048; then return; fi
  count kept "$1"
}
# Each entry by its kind; those that are caches of their own come with these.
entries() { # KIND DIRECTORY
  for ch_e in "$2"/* "$2"/.[!.]* "$2"/..?*; do
    [ -e "$ch_e" ] || [ -L "$ch_e" ] || continue
    ch_b=0
    while [ $ch_b -lt $ch_roots ]; do
      ch_b=$((ch_b + 1))
      eval "[ \"\$ch_e\" != \"\$ch_r$ch_b\" ]" || continue 2
    done
    if [ "$1/${ch_e##*/}" = hf/datasets ] && [ -d "$ch_e" ] && ! [ -L "$ch_e" ]; then
      for ch_s in "$ch_e"/* "$ch_e"/.[!.]* "$ch_e"/..?*; do
        if cache_known hf "$ch_s"; then count hf "$ch_s"; else kept "$ch_s"; fi
      done
    elif [ "$1" = other ] || cache_known "$1" "$ch_e"; then
      count "$1" "$ch_e"
    else
      kept "$ch_e"
    fi
  done
}
walk() {
  ch_at=0
  while [ $ch_at -lt $ch_roots ]; do
    ch_at=$((ch_at + 1))
    eval "ch_root=\$ch_r$ch_at ch_kk=\$ch_k$ch_at"
    case $ch_kk in
      uv | triton | trash)
        if cache_known "$ch_kk" "$ch_root"; then count "$ch_kk" "$ch_root"; else kept "$ch_root"; fi
        ;;
      *)
        entries "$ch_kk" "$ch_root"
        [ -r "$ch_root" ] || {
          ch_n=$((ch_n + 1))
          rec item 4 $ch_n "$ch_kk" "$ch_root" ''
          rec denied 2 $ch_n "$ch_root"
        }
        ;;
    esac
  done
  ch_at=0
  for ch_h; do
    for ch_e in "$ch_h"/core "$ch_h"/core.[0-9]* "$ch_h"/core.*.[0-9]*.[0-9]*.[0-9]*; do
      core_dump "$ch_e" || continue
      # One that is written still, or looked into.
      found "$ch_e" -maxdepth 0 -mmin +1 || continue
      ch_s=$(printf '%sx' "$ch_e" | sed 's/[][*?\\]/\\&/g')
      found /proc/[0-9]*/fd -maxdepth 1 -lname "${ch_s%x}" || count core "$ch_e"
    done
  done
}
exec 3>&1
ch_n=0
ch_roots=0
ch_ids=
if ! find / -maxdepth 0 -printf '' -readable >/dev/null 2>&1; then
  rec missing 1 find
elif ! awk 'BEGIN { exit 0 }' 2>/dev/null; then
  rec missing 1 awk
else
  ch_nice=
  nice -n 19 true 2>/dev/null && ch_nice='nice -n 19'
  # shellcheck disable=SC2086 # words are wanted
  $ch_nice ionice -c 3 true 2>/dev/null && ch_nice="$ch_nice ionice -c 3"
  {
    (
      trap 'kill $ch_find 2>/dev/null; exit 1' TERM
      ch_find=
      ch_left=$#
      while [ "$ch_left" -gt 0 ]; do
        ch_word=$1
        ch_p=$2
        shift 2
        ch_left=$((ch_left - 2))
        case $ch_word in
          trash) place trash "$ch_p/.trash" ;;
          cores) set -- "$@" "$ch_p" ;;
          home)
            if [ -z "$ch_p" ]; then
              ch_p=${HOME:-/nonexistent}
              account "$ch_p" own
            else account "$ch_p" other; fi
            set -- "$@" "$ch_p"
            ;;
        esac
      done
      walk "$@"
      printf 'end\n'
    ) &
    ch_worker=$!
    (
      trap '' PIPE
      while sleep 1 && kill -0 $ch_worker && printf '=alive\0000\000' >&3; do :; done
      kill $ch_worker
    ) >/dev/null 2>&1 &
    ch_watch=$!
    wait $ch_worker
    kill $ch_watch
  } 2>/dev/null | awk '
    function done(   k) {
      if (!n) return
      for (k in seen) if (seen[k] == links[k]) freed += blocks[k]
      printf "%d %.0f %.0f %.0f %d %.0f\n", n, held, counted, freed, files, used
      split("", seen)
    }
    $1 == "i" { done(); n = $2; top = ""; held = counted = freed = files = used = 0; next }
    $1 == "end" { done(); n = 0; print "end"; next }
    {
      split($2, at, ":")
      if (top == "") top = at[1]
      if (at[1] != top) next
      if ($5 == "f") {
        if ($6 > used) used = $6
        if ($7 > used) used = $7
      }
      if ($5 == "d" || $3 == 1) { held += $4; counted += $4; freed += $4; files++; next }
      if (!($2 in seen)) {
        held += $4
        files++
        links[$2] = $3
        blocks[$2] = $4
        if (!($2 in ever)) { ever[$2] = 1; counted += $4 }
      }
      seen[$2]++
    }' | while read -r ch_n ch_s ch_c ch_f ch_m ch_u; do
    if [ "$ch_n" = end ]; then rec end 0; else rec sum 6 "$ch_n" "$ch_s" "$ch_c" "$ch_f" "$ch_m" "$ch_u"; fi
  done
fi
