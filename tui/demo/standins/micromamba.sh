#!/bin/sh
# A stand-in of the demo fleet for a package manager: it answers questions about its install and changes nothing.
tool=${0##*/}
facts() {
  cat <<'EOF'
@FACTS@
EOF
}
case "${1:-}" in
--version | -V) printf '%s\n' '@VERSION@' ;;
info)
  case " $* " in
  *" --json "*) facts ;;
  *) facts | tr -d '{}"' ;;
  esac
  ;;
config)
  case " $* " in
  *" --json "*) facts ;;
  *)
    printf '%s: the demo answers "config --show … --json" alone\n' "$tool" >&2
    exit 1
    ;;
  esac
  ;;
*)
  printf '%s: this is a stand-in of the demo fleet; it changes nothing and cannot run "%s"\n' "$tool" "$*" >&2
  exit 1
  ;;
esac
