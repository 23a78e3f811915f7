# What the scripts of tasks share: who is who, small files written whole, letting go of locks, the end of a task.
# shellcheck shell=sh disable=SC2034,SC2154  # what scripts set for each other
#
# A process is named by its identity, one word: MACHINE_BOOT_NAMESPACE_PID_START_HOST. The pid and start time mean
# nothing without the boot and the pid namespace they were read in; "-" stands for what could not be read.
LC_ALL=C
export LC_ALL
ta_lock=.condafleet-lock
ta_naps=0
ta_boot=-
ta_machine=-
ta_ns=-
ta_host=-

# ta_clean TEXT: ta_c, of letters, digits, dots and dashes alone; what is so already, as it mostly is, costs no process
ta_clean() {
  ta_c=${1:--}
  case $ta_c in *[!A-Za-z0-9.-]*) ta_c=$(printf '%s' "$ta_c" | tr -c 'A-Za-z0-9.-' '-') ;; esac
}

# Who we are. Both files of a machine-id are looked at: the second is older.
ta_me() {
  for ta_f in /etc/machine-id /var/lib/dbus/machine-id; do
    ta_l=
    { IFS= read -r ta_l <"$ta_f"; } 2>/dev/null
    [ -n "$ta_l" ] && break
  done
  ta_clean "$ta_l"
  ta_machine=$ta_c
  ta_l=
  { IFS= read -r ta_l </proc/sys/kernel/random/boot_id; } 2>/dev/null
  ta_clean "$ta_l"
  ta_boot=$ta_c
  ta_l=
  { IFS= read -r ta_l </proc/sys/kernel/hostname; } 2>/dev/null
  ta_clean "$ta_l"
  ta_host=$ta_c
  ta_ns=$(readlink /proc/self/ns/pid 2>/dev/null)
  ta_ns=${ta_ns#pid:\[}
  ta_clean "${ta_ns%]}"
  ta_ns=$ta_c
}

# ta_stat PID: ta_group, ta_session, ta_start of a living process; false for none. A zombie does nothing any more.
ta_stat() {
  ta_l=
  { IFS= read -r ta_l <"/proc/$1/stat"; } 2>/dev/null
  [ -n "$ta_l" ] || return 1
  # shellcheck disable=SC2086 # words are wanted
  set -- ${ta_l##*) }
  ta_group=$3 ta_session=$4 ta_start=${20:--}
  case $1 in Z | X | x) return 1 ;; esac
}

# ta_self PID: its identity as ta_mine
ta_self() {
  ta_stat "$1" || ta_start=-
  ta_mine=${ta_machine}_${ta_boot}_${ta_ns}_$1_${ta_start}_$ta_host
}

# Whether /proc shows every process: what is not seen there is gone.
ta_sees() {
  [ -r /proc/self/stat ] || return 1
  [ "$1" = own ] && return 0
  [ "$(id -u)" = 0 ] && return 0
  while read -r _ ta_m ta_k ta_o _; do
    if [ "$ta_m" = /proc ] && [ "$ta_k" = proc ]; then
      case $ta_o in *hidepid=0* | *hidepid=off*) ;; *hidepid=*) return 1 ;; esac
    fi
  done </proc/mounts
  return 0
}

# ta_alive IDENTITY own|other: false only when it is proved that the process and its whole session are gone ("own":
# it is one of this account's). ta_known is set when it was seen living, here and now; ta_ip is its pid.
ta_alive() {
  ta_known=
  ta_i=$1
  ta_im=${ta_i%%_*} ta_i=${ta_i#*_}
  ta_ib=${ta_i%%_*} ta_i=${ta_i#*_}
  ta_in=${ta_i%%_*} ta_i=${ta_i#*_}
  ta_ip=${ta_i%%_*} ta_i=${ta_i#*_}
  ta_is=${ta_i%%_*} ta_ih=${ta_i#*_}
  case $ta_ip:$ta_is in *[!0-9:]* | :* | *: | 0:* | 1:*) return 0 ;; esac
  [ "$ta_ib" = - ] && return 0
  if [ "$ta_ib" != "$ta_boot" ]; then
    # Another boot of this machine. Machines of one image share the machine-id, so the name counts as well.
    [ "$ta_boot" != - ] && [ "$ta_im" != - ] && [ "$ta_im" = "$ta_machine" ] && [ "$ta_ih" = "$ta_host" ] && return 1
    return 0
  fi
  [ "$ta_ns" != - ] && [ "$ta_in" = "$ta_ns" ] || return 0
  if ta_stat "$ta_ip"; then
    [ "$ta_start" = "$ta_is" ] || return 1
    ta_known=1
    return 0
  fi
  ta_sees "$2" || return 0
  # While any process is in its session, the kernel gives its number to nobody else.
  for ta_f in /proc/[0-9]*/stat; do
    ta_f=${ta_f#/proc/}
    if ta_stat "${ta_f%/stat}" && [ "$ta_session" = "$ta_ip" ]; then
      ta_known=1
      return 0
    fi
  done
  return 1
}

ta_nap() {
  ta_naps=$((ta_naps + 1))
  ta_pause=0.1
  [ "$ta_naps" -gt 50 ] && ta_pause=1
  sleep $ta_pause 2>/dev/null
  # 128 and above: a signal ended it, and whoever waits wants to know that at once. Some know whole seconds only.
  case $? in 0 | 12[89] | 1[3-9]?) ;; *) sleep 1 ;; esac
}

# ta_room FILE: keep room for what is still to be said of this task, should the disk fill up meanwhile.
ta_room() { printf '%-500s\n' . >"$1.room"; }

# ta_put FILE LINE: whole or not at all; without new space where room was kept
ta_put() {
  if [ -f "$1.room" ]; then
    printf '%-500.500s\n' "$2" 1<>"$1.room" && mv -f "$1.room" "$1"
  else
    printf '%s\n' "$2" >"$1.new" && mv -f "$1.new" "$1"
  fi
}

# ta_record FILE FIELD...: a record in the form of answers
ta_record() {
  ta_f=$1
  shift
  rm -f "$ta_f.room"
  printf '%s\0' "$@" >"$ta_f.new" && mv -f "$ta_f.new" "$ta_f"
}

# ta_as DIRECTORY: ta_do, by which root does there what is its owner's business: nothing for others. What is written into
# somebody's directory is written as that account, so that no soft link of theirs leads root's hand elsewhere.
ta_as() {
  ta_do=
  [ "$(id -u)" = 0 ] || return 0
  ta_u=$(stat -L -c '%u %g' -- "$1" 2>/dev/null)
  case $ta_u in '' | '0 '*) return 0 ;; esac
  ta_do="setpriv --reuid=${ta_u% *} --regid=${ta_u#* } --clear-groups"
  $ta_do true 2>/dev/null || ta_do=
}

# Let go of all locks: $ta_dir/held.* are soft links to this task's own entries, made before the entries. An entry
# of another task of that name cannot be: the identity is part of it.
ta_release() {
  for ta_e in "$ta_dir"/held.*; do
    [ -L "$ta_e" ] || continue
    (
      cd -P -- "$ta_e" 2>/dev/null || exit 0
      ta_n=${PWD##*/}
      ta_as .
      $ta_do rm -f ./owner
      cd .. && $ta_do rmdir "./$ta_n" && cd .. && $ta_do rmdir "./$ta_lock"
    ) 2>/dev/null
    [ -d "$ta_e" ] || rm -f -- "$ta_e"
  done
}

# ta_rest IDENTITY: the processes that this task (ta_task) started and that are not its session's leader's parents:
# those of the session, and those that left it but still carry the mark in their environment.
ta_rest() {
  ta_i=${1#*_*_*_}
  ta_i=${ta_i%%_*}
  {
    # Within quotes, so that the shell that reads this does not expand it for itself.
    grep -ls -e "CONDAFLEET_TASK=$ta_task" /proc/[0-9]*/environ 2>/dev/null
    for ta_f in /proc/[0-9]*; do
      ta_stat "${ta_f#/proc/}" && [ "$ta_session" = "$ta_i" ] && printf '%s\n' "$ta_f/stat"
    done
  } | while IFS= read -r ta_f; do
    ta_f=${ta_f#/proc/}
    ta_f=${ta_f%%/*}
    ta_stat "$ta_f" || continue
    [ "$ta_session" = "$ta_keeper" ] && continue
    printf '%s\n' "$ta_f"
  done | sort -u
}

# ta_finish: the last word on a task whose command has ended; the caller has seen that nobody else will say it.
ta_finish() {
  [ -e "$ta_dir/exit" ] && return 0
  ta_keeper=-
  ta_l=
  { read -r ta_l <"$ta_dir/outer"; } 2>/dev/null
  ta_i=${ta_l#*_*_*_}
  [ -n "$ta_l" ] && ta_keeper=${ta_i%%_*}
  ta_who=
  { read -r ta_who <"$ta_dir/pid"; } 2>/dev/null
  ta_code=125 ta_how=broken ta_count=0
  [ -n "$ta_who" ] && ta_code=137 ta_how=killed
  [ -e "$ta_dir/signalled" ] && ta_how=cancelled
  # The wrapper was killed: what it left goes on changing things, and the locks hold until it ends.
  if [ -n "$ta_who" ] && ! [ -e "$ta_dir/status" ] && [ "$ta_how" = killed ]; then
    while ta_alive "$ta_who" own; do ta_nap; done
  fi
  { read -r ta_code ta_how <"$ta_dir/status"; } 2>/dev/null
  if [ -n "$ta_who" ] && [ "$ta_how" = cancelled ]; then
    ta_naps=0
    ta_sig=TERM
    while ta_left=$(ta_rest "$ta_who") && [ -n "$ta_left" ] && [ "$ta_naps" -lt 60 ]; do
      [ "$ta_naps" = 0 ] || [ "$ta_naps" = 10 ] && for ta_p in $ta_left; do kill -s "$ta_sig" "$ta_p"; done 2>/dev/null
      [ "$ta_naps" = 0 ] && ta_sig=KILL
      ta_nap
    done
    for ta_p in $ta_left; do ta_count=$((ta_count + 1)); done
  fi
  [ -n "$ta_who" ] && ! ta_alive "$ta_who" own && ta_release
  ta_put "$ta_dir/exit" "$ta_code $(date +%s) $ta_how $ta_count"
}

# ta_place: the folder of this account's tasks as ta_base; false when there can be none
ta_place() {
  case ${XDG_STATE_HOME:-} in
    /*) ta_base=$XDG_STATE_HOME ;;
    *)
      case ${HOME:-} in /*) ta_base=$HOME/.local/state ;; *) return 1 ;; esac
      ;;
  esac
  ta_base=$ta_base/condafleet/tasks
}

# Whether IDENTITY is of this machine: a home may be shared by many.
ta_here() {
  case $1 in "${ta_machine}"_*_"$ta_host") return 0 ;; *_"${ta_boot}_${ta_ns}"_*) return 0 ;; esac
  return 1
}
