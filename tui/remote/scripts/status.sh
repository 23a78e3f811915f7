#!/bin/sh
# The status of a host in one round trip: load, and what changed of machine, mounts and tmux sessions.
# Arguments: 1 boot id for which the caller knows the machine (empty: tell it), 2 digest of the mounts it
# knows, 3 a nonce that separates tmux's fields, 4 digest of the sessions it knows, 5 "env" to read the
# environments of the panes' processes as well. With - for both digests none is made: who asks once needs none.
# Answer: records (see wire.py), in one write, and what grep says of environments after them. Reads /proc and asks
# tmux; touches no other file system. Few programs are started: each costs the host as much as all else here.
#
# A demo device: where CONDAFLEET_PLAYED names a readable directory, a file in it (boot-id, loadavg, uptime,
# meminfo, machine-id, hostname, os-release, osrelease, arch, cores, mountinfo) is read instead of the real
# one, and the machine says that it is played.
st_played=
if [ -n "${CONDAFLEET_PLAYED:-}" ] && [ -d "$CONDAFLEET_PLAYED" ] && [ -r "$CONDAFLEET_PLAYED" ]; then
  st_played=$CONDAFLEET_PLAYED
fi
# pick NAME PATH: the file to read, in $at.
pick() {
  at=$2
  if [ -n "$st_played" ] && [ -r "$st_played/$1" ]; then at=$st_played/$1; fi
}
# first NAME PATH: its first line, in $line; empty when it cannot be read.
first() {
  pick "$1" "$2"
  line=
  if [ -r "$at" ]; then IFS= read -r line <"$at"; fi
}
st_known=$1 st_mounts=$2 st_nonce=$3 st_sessions=$4 st_env=$5
set --

first boot-id /proc/sys/kernel/random/boot_id
st_boot=$line
first loadavg /proc/loadavg
st_load=$line
first uptime /proc/uptime
st_uptime=$line
st_mem=
pick meminfo /proc/meminfo
if [ -r "$at" ]; then
  while read -r st_k st_v _; do
    case $st_k in
    MemTotal: | MemFree: | MemAvailable: | Buffers: | Cached: | SwapTotal:) st_mem="$st_mem$st_k$st_v " ;;
    SwapFree:)
      st_mem="$st_mem$st_k$st_v "
      break
      ;;
    esac
  done <"$at"
fi
set -- "$@" =load 4 "$st_boot" "$st_load" "$st_uptime" "$st_mem"
# What there is not, and whether it is there for others: x (not allowed) or n (not there).
st_v=
[ -n "$st_load" ] || st_v="$st_v /proc/loadavg"
[ -n "$st_uptime" ] || st_v="$st_v /proc/uptime"
[ -n "$st_mem" ] || st_v="$st_v /proc/meminfo"
if [ -n "$st_v" ]; then
  st_k=n
  if [ -d /proc ] && ! [ -x /proc ]; then st_k=x; fi
  for st_s in $st_v; do
    if [ -e "$st_s" ] && ! [ -r "$st_s" ]; then st_k=x; fi
  done
  set -- "$@" =lacks 2 "$st_k" "${st_v# }"
fi

st_uid=
if [ -r /proc/self/status ]; then
  while read -r st_k st_v _; do
    case $st_k in Uid:)
      st_uid=$st_v
      break
      ;;
    esac
  done </proc/self/status
fi
[ -n "$st_uid" ] || st_uid=$(id -u 2>/dev/null)

if [ -z "$st_known" ] || [ "$st_known" != "$st_boot" ]; then
  first machine-id /etc/machine-id
  [ -n "$line" ] || first machine-id /var/lib/dbus/machine-id
  st_machine=$line
  first hostname /proc/sys/kernel/hostname
  st_name=$line
  [ -n "$st_name" ] || st_name=$(uname -n 2>/dev/null)
  st_os=
  pick os-release /etc/os-release
  [ -r "$at" ] || at=/usr/lib/os-release
  if [ -r "$at" ]; then
    while IFS= read -r line; do
      case $line in PRETTY_NAME=*) st_os=${line#*=} ;; esac
    done <"$at"
  fi
  first osrelease /proc/sys/kernel/osrelease
  st_kernel=$line
  [ -n "$st_kernel" ] || st_kernel=$(uname -r 2>/dev/null)
  first arch /proc/sys/kernel/arch
  st_arch=$line
  [ -n "$st_arch" ] || st_arch=$(uname -m 2>/dev/null)
  # "0-63,128-191", or a plain number where that is played.
  first cores /sys/devices/system/cpu/online
  st_cores=$line
  if [ -z "$st_cores" ]; then
    st_cores=$(getconf _NPROCESSORS_ONLN 2>/dev/null) || st_cores=$(nproc 2>/dev/null)
    case $st_cores in '' | *[!0-9]*) st_cores= ;; *) st_cores=0-$((st_cores - 1)) ;; esac
  fi
  st_libc=$(getconf GNU_LIBC_VERSION 2>/dev/null) || st_libc=$(ldd --version 2>&1)
  st_user='' st_home=${HOME:-} st_shell=${SHELL:-}
  while IFS=: read -r st_k _ st_v _ _ st_h st_s; do
    if [ "$st_v" = "$st_uid" ]; then
      st_user=$st_k st_home=${st_home:-$st_h} st_shell=${st_shell:-$st_s}
      break
    fi
  done </etc/passwd 2>/dev/null
  # A demo device's account has a name of its own.
  [ -z "${st_played:-}" ] || st_user=${LOGNAME:-$st_user}
  # Accounts of a directory service are not in that file.
  [ -n "$st_user" ] || st_user=$(id -un 2>/dev/null) || st_user=${LOGNAME:-${USER:-}}
  st_tools=
  for st_k in tmux nvidia-smi rocm-smi python3 perl gzip sudo flock script timeout nice ionice setsid stat df \
    cksum grep find awk screen nohup conda mamba micromamba; do
    command -v "$st_k" >/dev/null 2>&1 && st_tools="$st_tools $st_k"
  done
  # GNU find alone prints inode numbers and blocks; the disk table stands on that. Its own directory in /proc
  # was made this moment, so that it tells the time as well.
  st_clock=$(find /proc/self/ -maxdepth 0 -printf %T@ 2>/dev/null)
  case $st_clock in
  [1-9]*) st_tools="$st_tools find-printf" ;;
  *) st_clock=$(date +%s 2>/dev/null) ;;
  esac
  set -- "$@" =machine 14 "$st_machine" "$st_name" "$st_os" "$st_kernel" "$st_arch" "$st_cores" "$st_libc" \
    "$st_user" "$st_uid" "$st_home" "$st_shell" "$st_clock" "$st_tools" "${st_played:+played}"
fi

# tmux: one listing for each socket of this user. Separators hold a nonce, because names hold anything else.
# "timeout" because an old client hangs on a new server; a new client on an old server says nothing and
# succeeds, hence the end mark. Where the versions do not fit, the server's own program is used.
st_tm=
for st_k in tmux "${HOME:-/nonexistent}/.local/bin/tmux" /usr/local/bin/tmux /opt/homebrew/bin/tmux; do
  if command -v "$st_k" >/dev/null 2>&1; then
    st_tm=$st_k
    break
  fi
done
n="|$st_nonce|"
st_f="@P$n#{session_id}$n#{session_created}$n#{session_activity}$n#{session_attached}$n#{window_id}$n#{window_index}$n#{window_active}$n#{window_activity}$n#{pane_id}$n#{pane_pid}$n#{pane_active}$n#{pane_dead}$n#{pane_dead_status}$n#{pane_dead_time}$n#{version}$n#{session_name}$n#{window_name}$n#{pane_current_command}$n#{pane_title}$n#{pane_current_path}$n"
st_t=
command -v timeout >/dev/null 2>&1 && st_t=timeout
# listing PROGRAM SOCKET
listing() {
  ${st_t:+"$st_t" 5} "$1" -u -S "$2" list-panes -a -F "$st_f" 2>&1
  printf '@E%s%s%s' "$n" "$?" "$n"
}
st_blob=
for st_s in "${TMUX_TMPDIR:-/tmp}/tmux-$st_uid"/*; do
  [ -S "$st_s" ] || continue
  st_p=$st_tm
  st_o=
  [ -n "$st_p" ] && st_o=$(listing "$st_p" "$st_s")
  case $st_o in
  *"@P$n"* | 'no server running on '* | 'error connecting to '* | 'failed to connect to server'*) ;;
  *)
    st_v=$(cat /proc/[0-9]*/environ 2>/dev/null | tr '\000' '\n' | grep -F "TMUX=$st_s,")
    st_v=${st_v#*"$st_s",}
    st_v=${st_v%%,*}
    case $st_v in
    '' | *[!0-9]*) ;;
    *)
      # The process may be long gone and its number another's: only a tmux is asked.
      first - "/proc/$st_v/comm"
      case $line in
      tmux*)
        st_p=/proc/$st_v/exe
        st_o=$(listing "$st_p" "$st_s")
        ;;
      esac
      ;;
    esac
    ;;
  esac
  st_blob="$st_blob@S$n$st_s$n$st_p$n
$st_o
"
done
pick mountinfo /proc/self/mountinfo
st_s='' st_m=''
if [ "$st_mounts$st_sessions" != -- ]; then
  # Some busybox has md5sum and no cksum.
  st_sum="cksum"
  command -v cksum >/dev/null 2>&1 || st_sum=md5sum
  st_sums=$(printf '%s' "$st_tm|$st_blob" | "$st_sum" - "$at" 2>/dev/null)
  st_s=${st_sums%%" -"*}
  case $st_sums in *"
"*) st_m=${st_sums#*"
"} ;; esac
  st_m=${st_m%%" $at"*}
fi
# Kernel and squashfs mounts are left out, and so are the long options of overlays. The shell reads byte by byte:
# up to 8 KiB that costs less than a program.
st_l='' st_k=0
if [ -n "$st_m" ] && [ "$st_m" = "$st_mounts" ]; then
  set -- "$@" =same 1 mounts
elif [ -r "$at" ]; then
  while IFS= read -r line || [ -n "$line" ]; do
    st_k=$((st_k + ${#line}))
    [ "$st_k" -le 8192 ] || break
    case $line in
    *" - proc "* | *" - sysfs "* | *" - cgroup "* | *" - cgroup2 "* | *" - devpts "* | *" - mqueue "* | *" - debugfs "* | \
      *" - tracefs "* | *" - securityfs "* | *" - pstore "* | *" - bpf "* | *" - configfs "* | *" - fusectl "* | \
      *" - hugetlbfs "* | *" - efivarfs "* | *" - binfmt_misc "* | *" - autofs "* | *" - nsfs "* | *" - rpc_pipefs "* | \
      *" - nfsd "* | *" - ramfs "* | *" - selinuxfs "* | *" - squashfs "* | *" - fuse.lxcfs "* | *" - fuse.portal "* | \
      *" - fuse.gvfsd-fuse "*) ;;
    *" - "*" "*)
      st_v=${line##*" - "}
      line=${line%" - "*}
      st_o=${st_v#* }
      st_l="$st_l$line - ${st_v%% *} ${st_o%% *}
"
      ;;
    esac
  done <"$at"
  if [ "$st_k" -gt 8192 ]; then
    st_l=$(sed -nE '/ - (proc|sysfs|cgroup2?|devpts|mqueue|debugfs|tracefs|securityfs|pstore|bpf|configfs|fusectl|hugetlbfs|efivarfs|binfmt_misc|autofs|nsfs|rpc_pipefs|nfsd|ramfs|selinuxfs|squashfs|fuse\.(lxcfs|portal|gvfsd-fuse)) /!s/^(.* - [^ ]+ [^ ]*).*$/\1/p' <"$at")
  fi
  set -- "$@" =mounts 2 "$st_m" "${st_l%"
"}"
else
  set -- "$@" =mounts 2 "" ""
fi
if [ -n "$st_s" ] && [ "$st_s" = "$st_sessions" ]; then
  set -- "$@" =same 1 sessions
else
  set -- "$@" =sessions 3 "$st_s" "$st_tm" "$st_blob"
fi
printf '%s\0' "$@" =end 0
case $st_env,$st_blob in env,*"@P$n"*)
  printf '=environ\0*\0'
  st_k='^(TMUX|TMUX_PANE|CONDA_PREFIX)='
  # It ends its lines as we end our fields. -s: what it then says on stderr is that it knows no -z.
  { st_o=$(grep -sazHE "$st_k" /proc/[0-9]*/environ 2>&1 >&3 3>&-); } 3>&1
  # busybox: the same in another way.
  [ -z "$st_o" ] || tail -n +1 /proc/[0-9]*/environ 2>/dev/null | tr '\000\n' '\n\001' | grep -E "$st_k|==> /proc/[0-9]*/environ <==" 2>/dev/null | tr '\n\001' '\000\n'
  ;;
esac
