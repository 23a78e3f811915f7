#!/bin/sh
# Who one is on a demo host.
printf "%s\n" "$LOGNAME"
