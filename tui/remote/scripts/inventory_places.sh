# Where environments may be: candidates and texts, hardly looked at. What follows from them is decided by the
# caller, who hands the places to inventory_scan.sh.
#
# After inventory_common.sh. Arguments: ONLY (1: nothing but the configured places, 2: all but the running processes),
# DEPTH of the walk through these, configured places. Records:
#   =host 7     seconds since 1970, UTC offset, time zone, uid, home, user, $MAMBA_ROOT_PREFIX
#   =root 1     may be an install            =prefix 2   may be an environment, and who says so
#   =text 4     kind, home that ~ stands for, path, beginning of a file
#   =found 1    a conda-meta or envs directory below a configured place
#   =dead 3     a mount that does not answer, process id and start time of the child that waits for it
#   =denied 1   a home of somebody else that may not be looked into
#   =shut 1     the account's own home, an install in it, or a configured place that may not be looked into
#   =absent 1   a configured place that is not there, as it was configured
# shellcheck shell=sh
iv_only=$1
iv_depth=$2
shift 2

# Mount points below a place are not entered, nor even touched: one of them may never answer. Every network or
# FUSE mount is touched by a child first; one that has not come back after three seconds is left to itself, and
# its mount left out.
iv_nl='
'
iv_mounts=$iv_nl
iv_children=
if [ -r /proc/self/mountinfo ]; then
  while read -r _ _ _ _ iv_m iv_x; do
    case $iv_m in *\\*) iv_m=$(printf '%b' "$(printf '%s' "$iv_m" | sed 's/\\\([0-7]\)/\\0\1/g')") ;; esac
    iv_mounts=$iv_mounts$iv_m$iv_nl
    iv_k=${iv_x#* - }
    case ${iv_k%% *} in
      nfs* | cifs | smb* | fuse* | 9p | virtiofs | ceph | lustre | gpfs | beegfs* | glusterfs | afs | pvfs* | ocfs2 | gfs2) ;;
      *) continue ;;
    esac
    if [ "$iv_m" = / ] || blocked "$iv_m"; then continue; fi
    (cd -- "$iv_m" && [ -d . ]) </dev/null >/dev/null 2>&1 &
    iv_n=$((iv_n + 1))
    eval "iv_s$iv_n=\$iv_m"
    iv_children="$iv_children $iv_n:$!"
  done </proc/self/mountinfo
  iv_k=0
  while [ -n "$iv_children" ]; do
    rec at 1 'the mounts'
    iv_rest=
    for iv_x in $iv_children; do
      iv_l=
      { IFS= read -r iv_l </proc/"${iv_x#*:}"/stat; } 2>/dev/null
      case ${iv_l##*) } in
        '' | Z* | X*) eval "iv_s${iv_x%:*}=/dev/null/none" ;;
        *) iv_rest="$iv_rest $iv_x" ;;
      esac
    done
    iv_children=$iv_rest
    iv_k=$((iv_k + 1))
    if [ -z "$iv_children" ] || [ $iv_k -gt 30 ]; then break; fi
    sleep 0.1 2>/dev/null || { sleep 1 && iv_k=$((iv_k + 9)); }
  done
  for iv_x in $iv_children; do
    iv_l=
    { IFS= read -r iv_l </proc/"${iv_x#*:}"/stat; } 2>/dev/null
    eval "iv_m=\$iv_s${iv_x%:*}"
    iv_l=${iv_l##*) }
    # The start time is the twentieth word after the name.
    iv_k=1
    while [ $iv_k -lt 20 ]; do
      iv_l=${iv_l#* }
      iv_k=$((iv_k + 1))
    done
    rec dead 3 "$iv_m" "${iv_x#*:}" "${iv_l%% *}"
  done
fi

iv_walked=0
# Looks for conda-meta and envs directories. Of an environment only its envs are entered.
walk() { # DIRECTORY DEPTH
  iv_walked=$((iv_walked + 1))
  [ $iv_walked -gt 20000 ] && return
  [ "$2" -ge 4 ] && rec at 1 "$1"
  if [ -d "$1/conda-meta" ]; then
    rec found 1 "$1/conda-meta"
    if [ -d "$1/envs" ]; then
      rec found 1 "$1/envs"
      [ "$2" -gt 1 ] && walk "$1/envs" $(($2 - 1))
    fi
    return
  fi
  for iv_e in "$1"/* "$1"/.[!.]*; do
    case ${iv_e##*/} in pkgs | __pycache__ | site-packages | node_modules | .git | .cache | .condafleet-trash | '*' | '.[!.]*') continue ;; esac
    case $iv_mounts in *"$iv_nl$iv_e$iv_nl"*)
      blocked "$iv_e" && rec skipped 1 "$iv_e"
      continue
      ;;
    esac
    [ -d "$iv_e" ] || continue
    if [ -L "$iv_e" ]; then
      # What a link leads to is looked at, but not walked through: it may be anywhere.
      rec at 1 "$iv_e"
      [ -d "$iv_e/conda-meta" ] && rec found 1 "$iv_e/conda-meta"
      [ -d "$iv_e/envs" ] && rec found 1 "$iv_e/envs"
      [ "${iv_e##*/}" = envs ] && rec found 1 "$iv_e"
      continue
    fi
    [ "${iv_e##*/}" = envs ] && rec found 1 "$iv_e"
    [ "$2" -gt 1 ] && walk "$iv_e" $(($2 - 1))
  done
}

text() { # KIND HOME PATH
  [ -f "$3" ] && [ -r "$3" ] || return 0
  printf '=text\0004\000%s\000%s\000%s\000' "$1" "$2" "$3"
  case $1 in
    init)
      head -c 262144 "$3" 2>/dev/null | tr -d '\000' | sed -n -e '/>>> conda init/,/<<< conda init/p' \
        -e '/>>> mamba init/,/<<< mamba init/p' | head -c 8192
      ;;
    *) head -c 524288 "$3" 2>/dev/null | tr -d '\000' ;;
  esac
  printf '\000'
}

root() { # PATH
  if [ -d "$1/conda-meta" ] || [ -d "$1/envs" ] || [ -d "$1/pkgs" ]; then rec root 1 "$1"; fi
}

# Fails for a directory that is not there; one that is, or may be, but cannot be entered is told.
enterable() { # PATH
  if [ -d "$1" ]; then
    [ -x "$1" ] && return 0
    rec shut 1 "$1"
    return 1
  fi
  iv_d=$1
  while iv_d=${iv_d%/*} && [ -n "$iv_d" ]; do
    [ -d "$iv_d" ] || continue
    [ -x "$iv_d" ] || rec shut 1 "$1"
    break
  done
  return 1
}

roots_of_home() { # HOME
  for iv_d in miniconda3 anaconda3 miniforge3 mambaforge micromamba .local/share/mamba conda miniconda anaconda; do
    root "$1/$iv_d"
  done
  [ -d "$1/.conda/envs" ] && rec prefix 2 "$1/.conda" condadir
  text environments "$1" "$1/.conda/environments.txt"
}

iv_uid=$(id -u 2>/dev/null)
iv_home=${HOME:-}
iv_user=
while IFS=: read -r iv_name _ iv_u _ _ iv_dir _; do
  if [ "$iv_u" = "$iv_uid" ]; then
    iv_user=$iv_name
    if [ -z "$iv_home" ] || { ! [ -d "$iv_home" ] && [ -d "$iv_dir" ]; }; then iv_home=$iv_dir; fi
    break
  fi
done </etc/passwd
iv_zone=${TZ:-}
[ -z "$iv_zone" ] && [ -L /etc/localtime ] && iv_zone=$(readlink /etc/localtime)
iv_now=$(date '+%s %z')
rec host 7 "${iv_now% *}" "${iv_now#* }" "$iv_zone" "$iv_uid" "$iv_home" "$iv_user" "${MAMBA_ROOT_PREFIX:-}"

if [ "$iv_only" != 1 ]; then
  if [ -n "$iv_home" ] && [ "$iv_home" != / ] && touching "$iv_home" && enterable "$iv_home"; then
    roots_of_home "$iv_home"
    for iv_p in miniconda3 anaconda3 miniforge3 mambaforge micromamba; do enterable "$iv_home/$iv_p"; done
    for iv_f in .condarc .conda/.condarc .config/conda/.condarc .mambarc .config/mamba/mambarc; do
      text condarc "$iv_home" "$iv_home/$iv_f"
    done
    for iv_f in .bashrc .bash_profile .profile .zshrc .config/fish/config.fish .tcshrc .cshrc; do
      text init "$iv_home" "$iv_home/$iv_f"
    done
  fi
  if [ -n "${MAMBA_ROOT_PREFIX:-}" ] && touching "$MAMBA_ROOT_PREFIX"; then root "$MAMBA_ROOT_PREFIX"; fi
  touching /etc && for iv_f in /etc/conda/.condarc /etc/conda/condarc /var/lib/conda/.condarc; do
    text condarc "$iv_home" "$iv_f"
  done
  text shell "$iv_home" /etc/profile.d/conda.sh
  [ -L /etc/profile.d/conda.sh ] && rec prefix 2 "$(readlink -f /etc/profile.d/conda.sh)" script
  for iv_p in /opt/* /usr/local/*conda* /usr/local/*forge*; do
    if [ "$iv_p" != "$iv_home" ] && touching "$iv_p" && [ -d "$iv_p" ]; then root "$iv_p"; fi
  done
  # Homes of others, as far as they may be entered; no more than 300, for each costs a look.
  iv_k=0
  for iv_p in /root /home/*; do
    [ "$iv_p" = "$iv_home" ] && continue
    iv_k=$((iv_k + 1))
    [ $iv_k -gt 300 ] && break
    touching "$iv_p" || continue
    [ -d "$iv_p" ] || continue
    if [ -x "$iv_p" ]; then roots_of_home "$iv_p"; else rec denied 1 "$iv_p"; fi
  done
fi

for iv_p; do
  iv_q=$iv_p
  case $iv_p in \~) iv_p=$iv_home ;; \~/*) iv_p=$iv_home/${iv_p#??} ;; /*) ;; *)
    rec absent 1 "$iv_q"
    continue
    ;;
  esac
  touching "$iv_p" || continue
  if ! [ -d "$iv_p" ]; then
    iv_k=$(enterable "$iv_p" | tr -d '\000')
    if [ -n "$iv_k" ]; then rec shut 1 "$iv_p"; else rec absent 1 "$iv_q"; fi
    continue
  fi
  if ! [ -x "$iv_p" ] || ! [ -r "$iv_p" ]; then
    rec shut 1 "$iv_p"
    continue
  fi
  rec place 1 "$iv_p"
  text environments "$iv_p" "$iv_p/.conda/environments.txt"
  text condarc "$iv_p" "$iv_p/.condarc"
  iv_walked=0
  walk "$iv_p" "$iv_depth"
  [ $iv_walked -gt 20000 ] && rec many 1 "$iv_p"
done

# Running processes last: looking at one that is stuck in the kernel may take for ever, and all else is known then.
if [ "$iv_only" = 0 ]; then
  rec at 1 'the running processes'
  # Programs of the system itself are left out.
  pl_links exe | cut -f 2- | grep '/bin/[^/]*$' | grep -v -e '^/usr/bin/' -e '^/usr/sbin/' -e '^/usr/lib' | sort -u |
    while IFS= read -r iv_p; do
    case $iv_p in */.condafleet-trash/*) continue ;; esac
    rec prefix 2 "${iv_p%/bin/*}" process
  done
  grep -hzs -E '^(CONDA_PREFIX|CONDA_EXE|MAMBA_ROOT_PREFIX)=/' /proc/[0-9]*/environ 2>/dev/null |
    sort -zu 2>/dev/null | tr '\n\000' '\001\n' | while IFS= read -r iv_p; do
    case $iv_p in
      */.condafleet-trash/*) continue ;;
      CONDA_EXE=*/bin/*) iv_p=${iv_p%/bin/*} ;;
    esac
    rec prefix 2 "${iv_p#*=}" process
  done
fi
rec end 0
