# One task, after task_common.sh in the file `run` of its folder, where it is started twice:
#   run outer DIR PID START   in a session of its own, not signalled by anybody: starts the second, in a pty where
#                             util-linux `script` is there, and has the last word. PID and START are the starter's,
#                             which waits in the foreground so that no signal is ignored here, and is ended.
#   run inner                 leads the session of the command: takes the locks, runs `program`, lets go of them
# shellcheck shell=sh disable=SC2034,SC2154  # what task_common.sh sets, and is set for it
umask 077
unset CDPATH ENV BASH_ENV
ta_dir=${2:-$CONDAFLEET_SPOOL}
cd -- "$ta_dir" || exit 125
ta_task=${ta_dir##*/}
ta_me
ta_self "$$"

if [ "$1" = outer ]; then
  ta_put "$ta_dir/outer" "$ta_mine" || exit 125
  if ta_stat "$3" && [ "$ta_start" = "$4" ]; then kill -s KILL "$3"; fi
  CONDAFLEET_TASK=$ta_task CONDAFLEET_SPOOL=$ta_dir
  export CONDAFLEET_TASK CONDAFLEET_SPOOL
  case $(script --version 2>/dev/null </dev/null) in
    *util-linux*)
      # What script reads is a pipe that nobody writes to and that never ends: it would pass an end on, as ^D.
      mkfifo -m 600 ./input 2>/dev/null &&
        SHELL=/bin/sh script -qec 'exec /bin/sh ./run inner' /dev/null 0<>./input >>./log 2>/dev/null
      rm -f ./input
      ;;
  esac
  [ -e pid ] || [ -e exit ] || setsid /bin/sh ./run inner </dev/null >>./log 2>&1
  ta_finish
  exit 0
fi

# ta_end CODE HOW
ta_end() {
  trap '' INT TERM HUP QUIT
  ta_release
  # Whoever is stopped between making the lock's directory and his entry in it.
  [ -z "$ta_made" ] || { ta_as "${ta_made%/*}" && $ta_do rmdir -- "$ta_made" 2>/dev/null; }
  cd -- "$ta_dir" && rm -f waiting
  ta_put "$ta_dir/status" "$1 $2"
  exit "$1"
}

# ta_refuse KIND PLACE WORDS: nothing was run. What is stopped needs no reason.
ta_refuse() {
  [ -n "$ta_stop" ] && ta_end 130 cancelled
  ta_said=$(printf '%s' "$3" | head -c 400 | tr '\000' ' ')
  case $ta_said in
    *'No space left'* | *'quota exceeded'*) ta_kind=full ;;
    *'Read-only file system'*) ta_kind='readonly' ;;
    *'ermission denied'* | *'not permitted'*) ta_kind=denied ;;
    *) ta_kind=$1 ;;
  esac
  ta_record "$ta_dir/fault" =fault 3 "$ta_kind" "$2" "$ta_said"
  ta_end 1 refused
}

# ta_mask_as MASK: of what is made next; what goes wrong is said in words that ta_refuse knows
ta_mask_as() {
  LC_ALL=C
  export LC_ALL
  umask "$1"
}

# ta_scan: the entries of the lock in the current directory, in their order. ta_low: the first living one before our
# own; ta_high: a living one behind it; ta_own: our own; ta_top: the highest number.
ta_scan() {
  ta_top=1000000000 ta_low='' ta_high='' ta_own=''
  for ta_e in "$ta_lock"/[1-9]*_*_*_*_*_*_*; do
    # Through a soft link, clearing away would reach elsewhere.
    [ -L "$ta_e" ] && continue
    ta_n=${ta_e##*/}
    ta_id=${ta_n#*_}
    ta_n=${ta_n%%_*}
    case $ta_n in *[!0-9]*) continue ;; ??????????) ;; *) continue ;; esac
    [ "$ta_n" -gt "$ta_top" ] && ta_top=$ta_n
    if [ "$ta_id" = "$ta_mine" ]; then
      ta_own=$ta_e
      continue
    fi
    ta_whose=other
    # shellcheck disable=SC3067 # dash, bash and busybox know it; without it, less is proved
    [ -O "$ta_e" ] 2>/dev/null && ta_whose=own
    if ! ta_alive "$ta_id" "$ta_whose"; then
      $ta_do rm -f -- "$ta_e/owner" 2>/dev/null
      $ta_do rmdir -- "$ta_e" 2>/dev/null
      continue
    fi
    if [ -n "$ta_own" ]; then ta_high=$ta_e; else [ -n "$ta_low" ] || ta_low=$ta_e; fi
  done
}

# ta_take DIRECTORY: hold its lock. Each who wants it makes a directory in .condafleet-lock, named by a number above
# all others and by the identity of its maker, so that there is never one whose maker is not known; the first
# living one holds the lock. Who finds, right after making his, one behind it, has chosen too low a number at the
# same time as somebody else, who may not have seen it: he takes another.
ta_take() {
  if ! [ -d "$1" ]; then
    ta_e=$1
    while ! [ -e "${ta_e:-/}" ]; do ta_e=${ta_e%/*}; done
    ta_as "${ta_e:-/}"
    ta_words=$( (ta_mask_as "$ta_umask" && $ta_do mkdir -p -- "$1") 2>&1) || ta_refuse lock "$1" "$ta_words"
  fi
  ta_words=$( (LC_ALL=C && cd -P -- "$1") 2>&1) || ta_refuse lock "$1" "$ta_words"
  cd -P -- "$1" || ta_refuse lock "$1" 'it is gone'
  ta_as .
  # Whoever may write into the directory may take its lock.
  # shellcheck disable=SC2012 # the name is our own
  ta_words=$(ls -ldn . 2>/dev/null)
  ta_mask=022
  case $ta_words in ?????w??w*) ta_mask=000 ;; ?????w*) ta_mask=002 ;; esac
  # shellcheck disable=SC2086 # words are wanted
  set -- "$1" $ta_words
  ta_group=$5
  ta_try=0
  while :; do
    [ -n "$ta_stop" ] && ta_end 130 cancelled
    ta_high='' ta_words=''
    if ! [ -d "$ta_lock" ]; then
      ta_made=$PWD/$ta_lock
      ta_words=$( (ta_mask_as $ta_mask && $ta_do mkdir "./$ta_lock" && { $ta_do chgrp "$ta_group" "./$ta_lock" 2>/dev/null || :; }) 2>&1)
    fi
    [ -L "$ta_lock" ] && ta_refuse lock "$1" "$ta_lock is a soft link"
    ta_scan
    # The same directory by another name.
    [ -n "$ta_own" ] && return 0
    ta_entry=$ta_lock/$((ta_top + 1))_$ta_mine
    if [ -d "$ta_lock" ]; then
      ta_held=$((ta_held + 1))
      ta_words=$(LC_ALL=C ln -s -- "$PWD/$ta_entry" "$ta_dir/held.$ta_held" 2>&1) || ta_refuse lock "$ta_dir" "$ta_words"
      if ta_words=$( (ta_mask_as $ta_mask && $ta_do mkdir "./$ta_entry" &&
        $ta_do tee "./$ta_entry/owner" <"$ta_dir/owner.now" >/dev/null) 2>&1); then
        ta_scan
        if [ -n "$ta_own" ] && [ -z "$ta_high" ]; then
          ta_made=
          break
        fi
        ta_words='the lock cannot be read'
      fi
      $ta_do rm -f "./$ta_entry/owner" 2>/dev/null
      $ta_do rmdir "./$ta_entry" 2>/dev/null
      rm -f "$ta_dir/held.$ta_held"
    fi
    # The lock's directory goes with its last entry, perhaps while we make ours: at a busy place many times over.
    case $ta_words in *'No such file'*) ta_try=$((ta_try + 1)) ;; *) ta_try=$((ta_try + 10)) ;; esac
    [ $ta_try -lt 50 ] || [ -n "$ta_high" ] || ta_refuse lock "$1" "$ta_words"
    ta_nap
  done
  while [ -n "$ta_low" ]; do
    ta_wait lock "$1" "${ta_low##*/}" "./$ta_low/owner"
    ta_nap
    [ -n "$ta_stop" ] && ta_end 130 cancelled
    ta_scan
    [ -n "$ta_own" ] || ta_refuse lock "$1" 'our place in the lock was taken away'
  done
  return 0
}

ta_stop=
ta_made=
trap 'ta_stop=1' INT TERM HUP QUIT
ta_held=0
ta_told=
ta_umask=022
{ read -r ta_umask <./umask; } 2>/dev/null
if [ -t 0 ]; then stty rows 40 cols 120 2>/dev/null; fi
ta_put "$ta_dir/pid" "$ta_mine" || exit 125
[ -e cancel ] && ta_end 130 cancelled
ta_stat "$$" || ta_session=
[ "$ta_session/$ta_group" = "$$/$$" ] || ta_refuse session '' 'no session of its own'

{ date +%s && cat owner; } | tr '\n' ' ' >owner.now || ta_refuse lock "$ta_dir" 'No space left on device'
# shellcheck disable=SC1091 # made at the start
. ./places
for ta_p do
  shift
  ta_words=$( (cd -P -- "$ta_p") 2>&1) && cd -P -- "$ta_p" && ta_p=$PWD
  set -- "$@" "$ta_p"
done
# In the order of their true paths, so that two tasks never wait for each other.
ta_n=$#
while [ "$ta_n" -gt 1 ]; do
  ta_most=$1
  shift
  for ta_p do
    shift
    # shellcheck disable=SC3012 # dash, bash and busybox compare bytes
    if [ "$ta_p" \< "$ta_most" ]; then
      set -- "$@" "$ta_p"
    else
      set -- "$@" "$ta_most"
      ta_most=$ta_p
    fi
  done
  set -- "$@" "$ta_most"
  ta_n=$((ta_n - 1))
done
for ta_p do ta_take "$ta_p"; done
cd -- "$ta_dir" || ta_end 125 refused
TERM=dumb
[ -t 1 ] && TERM=xterm-256color
# What the program looks at once more by ta_busy, whichever account it becomes.
CONDAFLEET_ROOTS=$(cat ./roots)
export TERM CONDAFLEET_ROOTS
ta_naps=0
while :; do
  while ta_busy; do
    [ -n "$ta_stop" ] && ta_end 130 cancelled
    ta_wait process '' "$ta_found" ''
    ta_nap
  done
  rm -f waiting
  ta_told=
  ta_put "$ta_dir/started" "$(date +%s)" || ta_refuse lock "$ta_dir" 'No space left on device'
  [ -n "$ta_stop" ] || [ -e cancel ] && ta_end 130 cancelled
  ta_had=0
  if [ -f said ]; then ta_had=$(wc -c <said); fi
  cd -- "${HOME:-/}" 2>/dev/null || cd /
  umask "$ta_umask"
  # An interrupt that came before the shell below could feel it has left its word.
  # shellcheck disable=SC2016 # expanded by the inner shell
  /bin/sh -c '[ -e "$1/cancel" ] && exit 130; exec /bin/sh "$1/program"' sh "$ta_dir" </dev/null
  ta_code=$?
  umask 077
  cd -- "$ta_dir" || break
  # It changed nothing because somebody began to: as if it had not begun.
  if [ "$ta_code" != 75 ] || [ -n "$ta_stop" ]; then break; fi
  [ "$(tail -c 14 said 2>/dev/null | tr '\000' ' ')" = '=said 1 again ' ] || break
  head -c "$((ta_had))" said >said.new && mv -f said.new said
  rm -f started
  ta_room "$ta_dir/started"
done
if [ -n "$ta_stop" ] && [ -e "$ta_dir/signalled" ]; then ta_end "$ta_code" cancelled; fi
if [ "$ta_code" = 130 ] && [ -e "$ta_dir/cancel" ]; then ta_end 130 cancelled; fi
ta_end "$ta_code" ended
