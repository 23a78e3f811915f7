# Played by the demo fleet: no model is trained here. The "python" that runs this is a small shell.
printf '\033[1m[demo] played training log: no GPU is used, the numbers are made up\033[0m\n'
printf 'rank 0: 4 processes, bf16, global batch 1024, %s\n' "${2:-}"
step=${DEMO_FIRST_STEP:-18400}
while :; do
  step=$((step + 10))
  part=$(((step * 7919) % 97))
  printf '[demo] step %d/60000 | loss 2.%03d | grad 0.%02d | lr 2.9e-04 | %d tok/s | 71.%d GiB\n' \
    "$step" "$((910 - (step / 40) % 600 + part))" "$((30 + part % 40))" "$((41200 + part * 13))" "$((part % 9))"
  sleep 3
done
