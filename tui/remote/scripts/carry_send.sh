#!/bin/sh
# One archive, on its way to another host, behind the line "NONCE BYTES". Arguments: the nonce, the path, the bytes.
# shellcheck shell=sh
cy_main() {
  if ! [ -f "$2" ] || [ "$(($(wc -c <"$2")))" != "$3" ]; then
    printf '\n%s gone\n' "$1"
    exit 1
  fi
  printf '\n%s %s\n' "$1" "$3"
  exec head -c "$3" -- "$2"
}
