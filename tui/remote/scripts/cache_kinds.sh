#!/bin/sh
# What of other tools' caches is known to be fetched or made again: one word on it for looking (caches.sh) and for
# cleaning (change_clean.sh). Whatever is not known stays.
#
# A variable may make any directory a cache, one with work in it, too; and a tool keeps its logins beside what it
# fetched. So no name is enough: what lies there must look as its tool alone writes it.
only() { # DIRECTORY PATTERN...: whether it holds something, and all of it is called so
  ck_d=$1
  shift
  ck_any=1
  for ck_e in "$ck_d"/* "$ck_d"/.[!.]* "$ck_d"/..?*; do
    [ -e "$ck_e" ] || [ -L "$ck_e" ] || continue
    ck_any=0
    for ck_x; do
      # shellcheck disable=SC2254 # a pattern is wanted
      case ${ck_e##*/} in $ck_x) continue 2 ;; esac
    done
    return 1
  done
  return $ck_any
}
any() { # PATH...: whether one is there, as the first match of a pattern
  [ -e "$1" ] || [ -L "$1" ]
}
found() { # DIRECTORY TEST...: whether something in it is so; not to be known ends it all
  ck_f=$(find "$@" -print -quit 2>/dev/null)
  if [ $? -gt 127 ]; then exit 1; fi
  [ -n "$ck_f" ]
}
# A core dump, by its content: an ELF file of the type ET_CORE, which is its owner's who owns the directory. systemd
# keeps compressed ones in a directory that is root's alone.
core_dump() { # PATH
  if ! [ -f "$1" ] || [ -L "$1" ] || ! [ -r "$1" ]; then return 1; fi
  ck_o=$(find "$1" -maxdepth 0 -printf %U 2>/dev/null)
  ck_u=$(find "${1%/*}/." -maxdepth 0 -printf %U 2>/dev/null)
  if [ -z "$ck_o" ] || [ "$ck_o" != "$ck_u" ]; then return 1; fi
  ck_h=$(head -c 18 "$1" 2>/dev/null | od -An -v -tx1 | tr -d ' \n')
  if [ ${#ck_h} -ne 36 ]; then
    # What ends too early was no answer, unless the file does.
    if found "$1" -maxdepth 0 -size +17c; then exit 1; fi
    return 1
  fi
  case $1 in
    /var/lib/systemd/coredump/core.?*.zst) case $ck_h in 28b52ffd*) return ;; esac ;;
    /var/lib/systemd/coredump/core.?*.lz4) case $ck_h in 04224d18*) return ;; esac ;;
    /var/lib/systemd/coredump/core.?*.xz) case $ck_h in fd377a585a00*) return ;; esac ;;
  esac
  case $ck_h in
    7f454c460[12]0101??????????????????0400 | 7f454c460[12]0201??????????????????0004) return ;;
  esac
  return 1
}
cache_known() { # KIND PATH: whether all of it can be fetched or made again, as far as can be told
  ck_k=$1/${2##*/}
  case $ck_k in
    core/*)
      core_dump "$2"
      return
      ;;
    # What nobody knows goes by its name typed, or not at all; what is known to hold logins never.
    other/*)
      case $2/ in */huggingface/*) return 1 ;; esac
      return
      ;;
  esac
  if ! [ -d "$2" ] || [ -L "$2" ]; then return 1; fi
  case $ck_k in
    pip/http | pip/http-v2) only "$2" '[0-9a-f]' ;;
    pip/wheels) only "$2" '[0-9a-f][0-9a-f]' ;;
    pip/selfcheck) only "$2" '[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]*' ;;
    uv/*)
      any "$2"/*-v[0-9]* && only "$2" CACHEDIR.TAG .gitignore .git .lock '.tmp??????' 'archive-v[0-9]*' \
        'binaries-v[0-9]*' 'builds-v[0-9]*' 'built-wheels-v[0-9]*' 'environments-v[0-9]*' 'files-v[0-9]*' \
        'flat-index-v[0-9]*' 'git-v[0-9]*' 'interpreter-v[0-9]*' 'osv-v[0-9]*' 'python-v[0-9]*' 'sdists-v[0-9]*' \
        'simple-v[0-9]*' 'wheels-v[0-9]*'
      ;;
    hub/models--?* | hub/datasets--?* | hub/spaces--?* | hub/kernels--?*)
      [ -d "$2/blobs" ] || [ -d "$2/snapshots" ] || [ -d "$2/refs" ]
      ;;
    hf/*) hugging_face "$2" ;;
    torch/hub)
      for ck_e in "$2"/* "$2"/.[!.]* "$2"/..?*; do
        case ${ck_e##*/} in checkpoints | trusted_list) continue ;; esac
        if any "$ck_e" && ! [ -f "$ck_e/hubconf.py" ]; then return 1; fi
      done
      any "$2"/*
      ;;
    torch/kernels) case $2 in */torch/kernels) ;; *) return 1 ;; esac ;;
    triton/*) only "$2" '????????????????????????????????*' ;;
    wandb/artifacts) only "$2" obj tmp ;;
    # A run that was not uploaded is a result.
    runs/run-?* | runs/offline-run-?*)
      any "$2"/run-*.wandb || return 1
      for ck_e in "$2"/run-*.wandb; do
        [ -f "$ck_e.synced" ] || return 1
      done
      ;;
    trash/.trash) [ -f "${2%/*}/urls.txt" ] ;;
    *) return 1 ;;
  esac
}
hugging_face() { # PATH
  case $1 in
    */datasets/downloads)
      only "$1" extracted '[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]*'
      ;;
    */datasets/*)
      # What a person saved has its state beside it, and lies less deep.
      found "$1" -mindepth 3 -maxdepth 5 -type f -name dataset_info.json || return 1
      ! found "$1" -maxdepth 5 '(' -name state.json -o -name dataset_dict.json ')'
      ;;
    */xet) only "$1" 'http*___*' logs ;;
    */modules) only "$1" datasets_modules diffusers_modules evaluate_modules transformers_modules __init__.py __pycache__ ;;
    */transformers) only "$1" '[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]*' ;;
    */huggingface/assets) ;;
    *) return 1 ;;
  esac
}
