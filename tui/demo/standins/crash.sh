# Played by the demo fleet: a run that has died. The "python" that runs this is a small shell.
printf '[demo] played log: trial 17/40\n'
# A pane that dies while tmux's server still starts may keep a dead pane without a status (tmux 3.3a loses the signal).
sleep 1
printf 'Traceback (most recent call last):\n  File "%s", line 88, in <module>\n    main()\n' "${0##*/}"
printf 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. (played by the demo)\n'
exit 1
