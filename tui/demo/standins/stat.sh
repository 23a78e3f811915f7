#!/bin/sh
# What belongs to the account that a demo host's programs run as, told at the end of a line, has the name of the
# host's own account. How full a file system is is told as it is played (played-disks).
if [ "${1:-}" = -f ] && [ "${2:-}" = -c ]; then
  case $3 in
    *%[bfacd]*)
      form=$3
      shift 3
      [ "${1:-}" != -- ] || shift
      status=0
      for path; do
        # shellcheck disable=SC2046 # words are wanted: the first four are numbers
        set -- $(played-disks "$path")
        if [ $# -gt 5 ]; then
          printf '%s\n' "$form" | sed "s/%S/512/g; s/%b/$1/g; s/%[fa]/$2/g; s/%c/$3/g; s/%d/$4/g" |
            while IFS= read -r line; do
              case $line in *%n*) line=${line%%%n*}$path${line#*%n} ;; esac
              printf '%s\n' "$line"
            done
        else
          command -p stat -f -c "$form" -- "$path" || status=1
        fi
      done
      exit "$status"
      ;;
  esac
fi
case $* in
  *%U*)
    command -p stat "$@" | command -p sed "s/ $(command -p id -un)\$/ $LOGNAME/"
    ;;
  *) command -p stat "$@" ;;
esac
