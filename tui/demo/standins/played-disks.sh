#!/bin/sh
# What the file systems of a demo host hold: a line for each path given, in its order, or for each file system. Fields,
# separated by tabs: blocks of 512 bytes, those free, inodes, those free, kind, source, mount point.
# How large one is and what others hold there is played ($CONDAFLEET_PLAYED/disks, inner ones first). What the host's own
# files take is counted, so that whatever is made or removed moves the figures by its very blocks.
table=$CONDAFLEET_PLAYED/disks
[ -r "$table" ] || exit 1
tab='	'
# Names hold anything, also newlines; what is played would move by itself.
all=$(cd "${CONDAFLEET_PLAYED%/*}" && find "$PWD" -samefile "$CONDAFLEET_PLAYED" -prune -o -printf '%i %b %p\0' 2>/dev/null |
  tr '\n\0' '?\n' | awk -F"$tab" '
    NR == FNR { line[++n] = $0; point[n] = $1; next }
    {
      split($0, word, " ")
      if (seen[word[1]]++) next
      path = substr($0, length(word[1]) + length(word[2]) + 3) "/"
      for (at = 1; at < n && index(path, point[at] "/") != 1; at++);
      blocks[at] += word[2]
      files[at]++
    }
    END {
      for (at = 1; at <= n; at++) {
        split(line[at], word, FS)
        free = word[2] - word[3] - blocks[at]
        left = word[4] - word[5] - files[at]
        if (free < 0) free = 0
        if (left < 0) left = 0
        printf "%.0f\t%.0f\t%.0f\t%.0f\t%s\t%s\t%s\n", word[2], free, word[4], left, word[6], word[7], point[at]
      }
    }' "$table" -)
if [ $# -eq 0 ]; then
  printf '%s\n' "$all"
  exit
fi
for path; do
  real=$(realpath -e -- "$path" 2>/dev/null) || exit 1
  printf '%s\n' "$all" | while IFS=$tab read -r blocks free inodes left kind source point; do
    case $real/ in "$point"/*)
      printf "%s$tab%s$tab%s$tab%s$tab%s$tab%s$tab%s\n" "$blocks" "$free" "$inodes" "$left" "$kind" "$source" "$point"
      exit 3
      ;;
    esac
  done && exit 1
done
exit 0
