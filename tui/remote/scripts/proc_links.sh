#!/bin/sh
# What links of all processes say, at the cost of one or two processes: before scripts that look for programs that run.
# shellcheck disable=SC2034,SC2154  # its functions are the others' to call
pl_nl='
'
# pl_links KIND...: for each process and each KIND (exe, cwd) a line NAME TAB TARGET, a line break in it as \1. Nothing
# after the tab where the target may not be read, or the process is gone.
pl_links() {
  if find /dev/null -printf '' 2>/dev/null; then
    for pl_k in "$@"; do
      find /proc/[0-9]*/"$pl_k" -maxdepth 0 -printf '%p\t%l\0' 2>/dev/null
    done | tr '\n\000' '\001\n'
    return
  fi
  for pl_k in "$@"; do
    pl_at_once /proc/[0-9]*/"$pl_k" && continue
    for pl_l in /proc/[0-9]*/"$pl_k"; do
      pl_t=$(readlink "$pl_l" 2>/dev/null && printf x)
      pl_t=${pl_t%x}
      printf '%s\t%s\000' "$pl_l" "${pl_t%"$pl_nl"}"
    done | tr '\n\000' '\001\n'
  done
}
# As busybox says it: 'NAME' -> 'TARGET', and an empty line for a link that may not be read. Nothing is said, and it
# fails, where that could be read in two ways.
pl_at_once() {
  # shellcheck disable=SC2016 # awk's own dollars
  stat -c %N "$@" 2>/dev/null | awk -v "Q='" '
    BEGIN {
      between = Q " -> " Q
      for (i = 1; i < ARGC; i++) { name[i] = ARGV[i]; known[ARGV[i]] = 1; ARGV[i] = "" }
    }
    $0 != "" {
      at = index($0, between)
      link = substr($0, 2, at - 2)
      if (substr($0, 1, 1) != Q || !at || substr($0, length($0)) != Q || !(link in known) || (link in target)) odd = 1
      if (odd) exit
      target[link] = substr($0, at + 6, length($0) - at - 6)
    }
    END {
      if (odd || !NR) exit 1
      for (i = 1; i < ARGC; i++) print name[i] "\t" target[name[i]]
    }' "$@"
}
