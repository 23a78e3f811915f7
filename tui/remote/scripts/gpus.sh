#!/bin/sh
# GPUs and what runs on them. Argument 1: the driver version for which the caller knows the highest CUDA
# version (empty: tell it).
# Answer: `=nvidia STATUS CSV`, `=apps STATUS CSV`, `=table TEXT` (the plain table: CUDA version, memory of MIG
# devices), `=list TEXT` (-L), `=procs OWNERS LINKS CMDLINES ENVIRONS`, `=rocm STATUS JSON`, `=device VENDOR`
# where a card is there without its tool, `=end`.
# A driver may hang: this script has a shell of its own, which is given up at its limit.
#
# A demo device: where CONDAFLEET_PLAYED is set, only tools on the PATH count (stand-ins, if any), and the cards
# of the machine below are not looked at.
tool() {
  gp_t=
  for gp_k do
    case $gp_k in /*) [ -z "${CONDAFLEET_PLAYED:-}" ] || continue ;; esac
    if command -v "$gp_k" >/dev/null 2>&1; then
      gp_t=$gp_k
      return 0
    fi
  done
  return 1
}
gp_known=$1
if tool nvidia-smi /usr/lib/wsl/lib/nvidia-smi; then
  gp_q=index,uuid,name,driver_version,utilization.gpu,memory.used,memory.total,temperature.gpu,power.draw
  gp_o=$("$gp_t" --query-gpu="$gp_q,mig.mode.current" --format=csv,noheader,nounits 2>&1)
  gp_r=$?
  case $gp_o in *'not a valid field'*)
    gp_o=$("$gp_t" --query-gpu="$gp_q" --format=csv,noheader,nounits 2>&1)
    gp_r=$?
    ;;
  esac
  printf '%s\0' =nvidia 2 "$gp_r" "$gp_o"
  if [ "$gp_r" -eq 0 ]; then
    gp_a=$("$gp_t" --query-compute-apps=gpu_uuid,pid,used_memory --format=csv,noheader,nounits 2>&1)
    printf '%s\0' =apps 2 "$?" "$gp_a"
    case $gp_o in
    *', Enabled'*) printf '%s\0' =table 1 "$("$gp_t" 2>&1)" =list 1 "$("$gp_t" -L 2>&1)" ;;
    *", $gp_known, "*) [ -n "$gp_known" ] || printf '%s\0' =table 1 "$("$gp_t" 2>&1)" ;;
    *) printf '%s\0' =table 1 "$("$gp_t" 2>&1)" ;;
    esac
    set --
    # No here-document: some shells keep those in a file, and the disk may be full.
    set -f
    gp_i=$IFS
    IFS='
'
    for gp_p in $gp_a; do
      gp_p=${gp_p#*, }
      gp_p=${gp_p%%,*}
      case $gp_p in '' | *[!0-9]*) ;; *) set -- "$@" "$gp_p" ;; esac
    done
    IFS=$gp_i
    if [ $# -gt 0 ]; then
      # Four programs for all processes together, however many.
      gp_d='' gp_e='' gp_c='' gp_x=''
      for gp_p do
        gp_d="$gp_d /proc/$gp_p" gp_e="$gp_e /proc/$gp_p/environ"
        gp_c="$gp_c /proc/$gp_p/cmdline" gp_x="$gp_x /proc/$gp_p/exe"
      done
      # shellcheck disable=SC2086 # words are wanted: they are made of digits
      printf '%s\0' =procs 4 "$(stat -c '%n %U' $gp_d 2>/dev/null)" "$(ls -ld $gp_x 2>/dev/null)" \
        "$(tail -v -n +1 $gp_c 2>/dev/null | tr '\000' '\001')" \
        "$(tail -v -n +1 $gp_e 2>/dev/null | tr '\000\n' '\n\001' | grep -E '^(TMUX|TMUX_PANE|CONDA_PREFIX|VIRTUAL_ENV)=|==> /proc/')"
    fi
  fi
elif [ -z "${CONDAFLEET_PLAYED:-}" ]; then
  for gp_k in /dev/nvidia[0-9]* /proc/driver/nvidia/gpus/*; do
    if [ -e "$gp_k" ]; then
      printf '%s\0' =device 1 nvidia
      break
    fi
  done
fi
if tool rocm-smi /opt/rocm/bin/rocm-smi; then
  gp_o=$("$gp_t" --showproductname --showuniqueid --showuse --showmeminfo vram --showtemp --showpower --showdriverversion --json 2>&1)
  printf '%s\0' =rocm 2 "$?" "$gp_o"
elif [ -z "${CONDAFLEET_PLAYED:-}" ] && [ -e /dev/kfd ]; then
  for gp_k in /sys/class/kfd/kfd/topology/nodes/*/gpu_id; do
    gp_o=0
    [ -r "$gp_k" ] && read -r gp_o <"$gp_k"
    if [ "${gp_o:-0}" != 0 ]; then
      printf '%s\0' =device 1 amd
      break
    fi
  done
fi
printf '%s\0' =end 0
