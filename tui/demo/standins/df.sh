#!/bin/sh
# df on a demo host: its file systems as they are played (played-disks); -h for people, -i for inodes.
human='' nodes=''
while :; do
  case ${1:-} in
    --)
      shift
      break
      ;;
    -*)
      case $1 in *h*) human=1 ;; esac
      case $1 in *i*) nodes=1 ;; esac
      shift
      ;;
    *) break ;;
  esac
done
told=$(played-disks "$@") || exit 1
printf '%s\n' "$told" | awk -F'\t' -v human="$human" -v nodes="$nodes" '
  function size(blocks,  at) {
    if (nodes) return blocks
    if (!human) return int(blocks / 2)
    blocks /= 2
    for (at = 1; blocks >= 999.5; at++) blocks /= 1024
    return sprintf(blocks < 9.95 ? "%.1f%s" : "%.0f%s", blocks, substr("KMGTP", at, 1))
  }
  BEGIN {
    form = "%-24s %11s %10s %10s %8s %s\n"
    if (nodes) printf form, "Filesystem", "Inodes", "IUsed", "IFree", "IUse%", "Mounted on"
    else printf form, "Filesystem", human ? "Size" : "1024-blocks", "Used", "Available", "Capacity", "Mounted on"
  }
  {
    all = nodes ? $3 : $1
    free = nodes ? $4 : $2
    share = all > 0 ? int(100 * (all - free) / all + 0.999) "%" : "-"
    printf form, $6, size(all), size(all - free), size(free), share, $7
  }'
