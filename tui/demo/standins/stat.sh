#!/bin/sh
# What belongs to the account that a demo host's programs run as, told at the end of a line, has the name of the
# host's own account.
case $* in
  *%U*)
    command -p stat "$@" | command -p sed "s/ $(command -p id -un)\$/ $LOGNAME/"
    ;;
  *) command -p stat "$@" ;;
esac
