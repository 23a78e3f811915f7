# Played by the demo fleet: nothing is computed here. The "python" that runs this is a small shell.
printf '[demo] played log of %s: the numbers are made up\n' "${0##*/}"
done=0
while :; do
  done=$(((done + 3) % 256))
  printf '[demo] %3d/256 done, %d left, 0 failed\n' "$done" "$((256 - done))"
  sleep 5
done
