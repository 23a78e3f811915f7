#!/bin/sh
# A stand-in of the demo fleet for nvidia-smi: this machine's GPUs are not looked at. What it prints is
# played: one line for each GPU in $CONDAFLEET_PLAYED/gpus (fields separated by tabs, names in the first
# line), one for each process in apps; the files header, list and query.xml are printed as they are.
played=${CONDAFLEET_PLAYED:-}
if [ ! -r "$played/gpus" ]; then
  echo "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. (demo)"
  exit 9
fi
if [ -e "$played/hung" ]; then
  # A hung driver: no answer, whoever waits.
  while :; do sleep 3600; done
fi
table='' fields='' format='' xml='' full=''
for arg; do
  case $arg in
  --query-gpu=*) table=gpus fields=${arg#*=} ;;
  --query-compute-apps=*) table=apps fields=${arg#*=} ;;
  --format=*) format=${arg#*=} ;;
  --version)
    cat "$played/version"
    exit 0
    ;;
  -L | --list-gpus)
    cat "$played/list"
    exit 0
    ;;
  -x | --xml-format) xml=1 ;;
  -q | --query) full=1 ;;
  -qx | -xq) xml=1 full=1 ;;
  esac
done
if [ -n "$xml" ] && [ -n "$full" ]; then
  exec cat "$played/query.xml"
fi
if [ -z "$table" ]; then
  exec cat "$played/header"
fi
exec awk -F '\t' -v fields="$fields" -v format="$format" '
BEGIN {
  wanted = split(fields, field, ",")
  parts = split(format, part, ",")
  for (i = 1; i <= parts; i++) {
    if (part[i] == "noheader") noheader = 1
    if (part[i] == "nounits") nounits = 1
  }
}
NR == 1 {
  for (i = 1; i <= NF; i++) {
    split($i, word, " ")
    place[word[1]] = i
    unit[word[1]] = word[2]
  }
  line = ""
  for (i = 1; i <= wanted; i++) {
    gsub(/^ +| +$/, "", field[i])
    name = field[i]
    if (name == "used_memory") name = "used_gpu_memory"
    if (!(name in place)) {
      printf "Field \"%s\" is not a valid field to query.\n\n", field[i]
      failed = 2
      exit 2
    }
    column[i] = name
    shown = field[i]
    if (unit[name] != "") shown = shown " [" unit[name] "]"
    line = line (i > 1 ? ", " : "") shown
  }
  if (!noheader) print line
  next
}
{
  line = ""
  for (i = 1; i <= wanted; i++) {
    value = $place[column[i]]
    if (!nounits && unit[column[i]] != "" && value !~ /^\[/) value = value " " unit[column[i]]
    line = line (i > 1 ? ", " : "") value
  }
  print line
}
END { exit failed }
' "$played/$table"
