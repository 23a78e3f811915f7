# End a kept pass, and let go of its answer, after task_common.sh and kept_common.sh. Argument: its id.
# shellcheck shell=sh disable=SC2154  # what the scripts before set
ke_place && [ -d "$ke_base/$1" ] && ke_forget "$ke_base/$1"
exit 0
