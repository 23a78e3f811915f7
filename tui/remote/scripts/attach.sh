# Runs on a raw, echoless terminal; ends as a tmux client or as the login shell.
# $1 session|shell  $2 socket  $3 session id  $4 tmux program, or empty
# $saved: the terminal as it was; $own_path: PATH as it was
# shellcheck shell=sh disable=SC2154

say() { printf '%s%s:%s:' condafleet- "$1" "$2"; }

# refuse KIND WORDS: nothing was started
refuse() {
  say refused "$1"
  printf '%s' "$2" | tr -d '\000' | head -c 2000
  say end "$1"
  exit 97
}

# The mark is answered before anything else may run: tmux flushes a terminal's output when it starts, and would
# take away what was not read yet. What is typed meanwhile waits as a line, and the answer is not echoed.
begin() {
  stty "$saved" 2>/dev/null
  stty -echo 2>/dev/null
  say begin now
  IFS= read -r _
  stty "$saved" 2>/dev/null
}

knows_term() {
  if command -v tput >/dev/null 2>&1; then
    tput -T "$TERM" longname >/dev/null 2>&1
  elif command -v infocmp >/dev/null 2>&1; then
    infocmp "$TERM" >/dev/null 2>&1
  else
    case $TERM in xterm | xterm-256color | screen | screen-256color | linux | vt100) : ;; *) false ;; esac
  fi
}

case $TERM in
  '' | dumb | unknown) TERM=xterm-256color ;;
  *) knows_term || TERM=xterm-256color ;;
esac
export TERM
unset TMUX TMUX_PANE

if [ "$1" = shell ]; then
  [ -x "$SHELL" ] || SHELL=/bin/sh
  cd 2>/dev/null || :
  begin # needs stty, which is not on every account's own PATH
  PATH=$own_path
  exec "$SHELL" -l
fi

tmux=$4
if [ -n "$tmux" ]; then
  # shellcheck disable=SC2012  # the only portable way to an owner; the fields before the name hold no name
  owner=$(ls -Lldn -- "$tmux" 2>/dev/null | { read -r _ _ uid _ && printf '%s' "$uid"; })
  case $owner in
    0 | "$(id -u)") : ;;
    '') refuse missing "$tmux" ;;
    *) refuse foreign "$tmux" ;;
  esac
else
  tmux=$(command -v tmux) || for tmux in "$HOME/.local/bin/tmux" /usr/local/bin/tmux /opt/local/bin/tmux ''; do
    [ -x "$tmux" ] && break
  done
  [ -n "$tmux" ] || refuse missing tmux
fi

limit=
if command -v timeout >/dev/null 2>&1; then limit='timeout 5'; fi

# An old client on a new server hangs, a new one on an old server says nothing: only the id itself is proof.
# shellcheck disable=SC2086
found=$($limit "$tmux" -u -S "$2" list-sessions -F '#{session_id}' 2>&1 </dev/null)
code=$?
case "
$found
" in
  *"
$3
"*) : ;;
  *)
    [ "$code" = 124 ] && refuse hung "$found"
    [ "$code" = 0 ] && [ -z "$found" ] && refuse mismatch "$found"
    refuse gone "$found"
    ;;
esac

version=$("$tmux" -V 2>/dev/null </dev/null)
version=${version#tmux }
version=${version#next-}
major=${version%%.*}
minor=${version#*.}
minor=${minor%%[!0-9]*}
case $major in
  master | openbsd-*) major=9 minor=0 ;;
  '' | *[!0-9]*) major=0 minor=0 ;;
esac
: "${minor:=0}"

begin
# -E keeps our environment out of the session; ignore-size keeps our size from shrinking other people's view.
if [ "$major" -gt 3 ] || { [ "$major" = 3 ] && [ "$minor" -ge 2 ]; }; then
  exec "$tmux" -u -S "$2" attach-session -E -f ignore-size -t "$3"
elif [ "$major" = 3 ] || { [ "$major" = 2 ] && [ "$minor" -ge 1 ]; }; then
  exec "$tmux" -u -S "$2" attach-session -E -t "$3"
else
  exec "$tmux" -u -S "$2" attach-session -t "$3"
fi
