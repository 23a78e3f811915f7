#!/bin/sh
# Who uses an environment: part of change_guard.sh, in the same text.
# shellcheck disable=SC2154  # what change_guard.sh sets
# cg_idle: whether process $cg_p, seen in the ways $cg_y with the program $cg_l, only carries what it inherited: it is gone
# by now, or one of ours, or a shell that reads commands from a pipe, as a client's own are. What such a shell runs is seen
# for itself.
cg_idle() {
  case $cg_y in *exe* | *maps*) return 1 ;; esac
  # What sudo runs is seen for itself.
  case $cg_u:$cg_l in root:sudo | root:sudo\ * | root:*/sudo | root:*/sudo\ *) return 0 ;; esac
  case $cg_l in sh | */sh) case $(readlink "/proc/$cg_p/fd/0" 2>/dev/null) in pipe:* | socket:*) return 0 ;; esac ;; esac
  cg_x=$cg_p
  while [ "$cg_x" -gt 1 ]; do
    [ "$cg_x" = "$cg_base" ] && return 0
    cg_w=
    { IFS= read -r cg_w <"/proc/$cg_x/stat"; } 2>/dev/null
    [ -n "$cg_w" ] || return 0
    cg_w=${cg_w##*) }
    cg_w=${cg_w#* }
    cg_x=${cg_w%% *}
  done
  return 1
}

# cg_use: who uses it now, and what cannot be known of that
cg_use() {
  if ! [ -r /proc/self/stat ]; then
    cg_concern use_unknown "$cg_prefix" proc ''
    return 0
  fi
  [ -n "${cg_fs:-}" ] || cg_mounts
  # What we are started from inherits much, and uses nothing of it, unless its own program is there.
  cg_chain=' '
  cg_p=$(exec sh -c 'echo "$PPID"')
  cg_base=$cg_p
  while [ "${cg_p:-0}" -gt 1 ]; do
    cg_chain="$cg_chain$cg_p "
    cg_l=
    { IFS= read -r cg_l <"/proc/$cg_p/stat"; } 2>/dev/null
    cg_l=${cg_l##*) }
    cg_l=${cg_l#* }
    cg_p=${cg_l%% *}
    case $cg_p in *[!0-9]*) break ;; esac
  done
  set -- "$cg_real"
  [ "$cg_prefix" = "$cg_real" ] || set -- "$cg_real" "$cg_prefix"
  # No more of a command line than its program, and what that runs: the rest may hold secrets.
  # shellcheck disable=SC2016 # awk's own dollars
  cg_seen=$(cd / && cg_uses "$cg_played" "$@" | tr '\001\n\000' '\002\001\n' | awk -v "CHAIN=$cg_chain" '
    function base(s) { gsub(/[\001\t]/, " ", s); return s }
    {
      tag = $0
      if ((getline n) <= 0) exit
      for (k = 1; k <= n; k++) if ((getline f) > 0) F[k] = f
      if (tag == "=use") {
        # Gone meanwhile, or one of those that we come from.
        if (F[2] == "" || (F[4] !~ /exe|maps/ && index(CHAIN, " " F[1] " "))) next
        if (F[1] in at) { way[at[F[1]]] = way[at[F[1]]] "," F[4]; next }
        at[F[1]] = ++uses
        pid[uses] = F[1]; uid[uses] = F[2]; way[uses] = F[4]; tmux[uses] = F[5]
        words = split(F[6], part, "\002")
        what[uses] = base(part[1])
        if (words > 1 && part[2] ~ /^[A-Za-z0-9_.\/][A-Za-z0-9_.\/-]*$/) what[uses] = what[uses] " " part[2]
      }
      else if (tag == "=user") name[F[1]] = base(F[2])
      else if (tag == "=unseen") { if (!looked++) print "E"; if (F[1] != "0") print "B" F[1] }
      else if (tag == "=many") print "Bmany"
      else if (tag == "=missing") print "Bproc"
    }
    END {
      for (i = 1; i <= uses && i <= 50; i++)
        print "U" pid[i] "\t" (uid[i] in name ? name[uid[i]] : uid[i]) "\t" way[i] "\t" tmux[i] "\t" substr(what[i], 1, 300)
      if (uses > 50) print "Bmany"
    }')
  cg_looked=
  IFS=$cg_nl
  set -f
  for cg_l in $cg_seen; do
    unset IFS
    case $cg_l in
      E) cg_looked=1 ;;
      U*)
        cg_l=${cg_l#U}
        cg_p=${cg_l%%"$cg_tab"*} cg_l=${cg_l#*"$cg_tab"}
        cg_u=${cg_l%%"$cg_tab"*} cg_l=${cg_l#*"$cg_tab"}
        cg_y=${cg_l%%"$cg_tab"*} cg_l=${cg_l#*"$cg_tab"}
        cg_z=${cg_l%%"$cg_tab"*} cg_l=${cg_l#*"$cg_tab"}
        cg_idle || cg_concern in_use "$cg_prefix" "$cg_p" "$cg_u" "$cg_y" "$cg_z" "$cg_l"
        ;;
      Bproc) ;;
      Bhidepid | Bmany) cg_concern use_unknown "$cg_prefix" "${cg_l#B}" '' ;;
      B*) cg_concern use_unknown "$cg_prefix" unseen "${cg_l#B}" ;;
    esac
  done
  set +f
  unset IFS
  [ -n "$cg_looked" ] || cg_concern use_unknown "$cg_prefix" proc ''
  case $cg_fs in
    nfs | nfs4 | cifs | smb3 | smbfs | lustre | ceph | beegfs | gpfs | glusterfs | 9p | afs | pvfs2 | orangefs | wekafs | \
      panfs | fuse | fuse.*) cg_concern use_unknown "$cg_prefix" network "$cg_fs" ;;
  esac
}
cg_tab=$(printf '\t')
