#!/bin/sh
# A look before a change, after change_guard.sh and change_newplace.sh: what speaks against it, by the functions that
# decide again later.
#
# Arguments: those of cg_args, then what to check (the words of cg_check, and `new`: may something new lie there).
# Records: `=said N concern ...` as in change_guard.sh, and
#   =opened 8  path without soft links, device, inode, uid of the owner, his name, kind of file system, where it is
#              mounted, bytes and inodes that are free there ("BYTES INODES")
#   =records 2 digest of what tells of its packages, their number: where the contents were looked at
#   =end 0     all is said
# shellcheck shell=sh disable=SC2154  # what change_guard.sh sets
cg_args "$@"
shift "$cg_used"
# This very shell becomes polite, and all that it starts.
cg_x=$(exec sh -c 'echo "$PPID"')
renice -n 19 -p "$cg_x" >/dev/null 2>&1
ionice -c 3 -p "$cg_x" >/dev/null 2>&1
unset CONDAFLEET_SPOOL
if cg_open; then
  cg_mounts
  cg_free=$(stat -f -c '%a %S %d' . 2>/dev/null | awk 'NF == 3 { printf "%.0f %.0f", $1 * $2, $3 }')
  cg_user=$({ getent passwd "$cg_owner" 2>/dev/null || cat /etc/passwd; } |
    while IFS=: read -r cg_n _ cg_u _; do [ "$cg_u" = "$cg_owner" ] && printf '%s' "$cg_n" && break; done)
  printf '%s\0' =opened 8 "$cg_real" "$cg_dev" "$cg_ino" "$cg_owner" "$cg_user" "$cg_fs" "$cg_fs_at" "$cg_free"
  cg_check "$@"
  case " $* " in *' contents '*)
    cg_records
    printf '%s\0' =records 2 "$cg_digest" "$cg_packages"
    ;;
  esac
else
  case " $* " in *' new '*) if cg_split; then cg_new_place; fi ;; esac
fi
printf '=end\0000\000'
