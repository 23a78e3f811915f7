#!/bin/sh
# How full file systems are. Arguments: 1 how many of the paths are local disks; then the paths: those first,
# after them the network and FUSE mounts.
# Answer, as it comes: `=df INDEX TEXT` with TEXT = block size, blocks, free, available, inodes, free inodes
# (from statfs) or a message; `=local TEXT`, lines of the same with the path; `=plain INDEX DF DFI`, where
# stat knows no -f; `=job INDEX PID START` for each mount that may hang.
# Those are asked in the background, all at once, so that a dead server costs the others nothing. The lane
# ends when all have answered; otherwise it is given up, and the jobs say by name who hangs.
#
# statfs is asked by `stat -f`: unlike df it reads no list of mounts, and touches no mount but the one asked.
mo_f='%S %b %f %a %c %d'
one() {
  mo_o=$(stat -f -c "$mo_f" -- "$2" 2>&1)
  case $mo_o in
  *option*) printf '%s\0' =plain 3 "$1" "$(df -kP "$2" 2>&1)" "$(df -iP "$2" 2>/dev/null)" ;;
  *) printf '%s\0' =df 2 "$1" "$mo_o" ;;
  esac
}
mo_n=$1 mo_i=0
shift
for mo_p do
  if [ "$mo_i" -ge "$mo_n" ]; then
    one "$mo_i" "$mo_p" &
    mo_j=$! mo_l=
    { [ -r "/proc/$mo_j/stat" ] && IFS= read -r mo_l <"/proc/$mo_j/stat"; } 2>/dev/null
    mo_l=${mo_l##*) }
    # The start time is the twentieth word after the name.
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19; do mo_l=${mo_l#* }; done
    printf '%s\0' =job 3 "$mo_i" "$mo_j" "${mo_l%% *}"
  fi
  mo_i=$((mo_i + 1))
done
mo_i=0
for mo_p do
  shift
  if [ "$mo_i" -lt "$mo_n" ]; then set -- "$@" "$mo_p"; fi
  mo_i=$((mo_i + 1))
done
if [ "$mo_n" -gt 0 ]; then
  mo_o=$(stat -f -c "$mo_f %n" -- "$@" 2>&1)
  case $mo_o in
  *option*)
    mo_i=0
    for mo_p do
      one "$mo_i" "$mo_p"
      mo_i=$((mo_i + 1))
    done
    ;;
  *) printf '%s\0' =local 1 "$mo_o" ;;
  esac
fi
wait
