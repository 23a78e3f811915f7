#!/bin/sh
# Root acts as the account that owns a thing: part of change_guard.sh, in the same text.
# shellcheck disable=SC2034,SC2154  # what change_guard.sh sets, and programs read
# cg_can_become UID: whether root can act as that account; its line of the user database as cg_pw, group as cg_gid
cg_can_become() {
  [ "$cg_uid" = 0 ] || return 1
  cg_pw=$({ getent passwd "$1" 2>/dev/null || cat /etc/passwd; } | awk -F: -v "u=$1" '$3 == u { print; exit }')
  cg_gid=${cg_pw#*:*:*:}
  cg_gid=${cg_gid%%:*}
  [ -n "$cg_pw" ] && setpriv "--reuid=$1" "--regid=$cg_gid" --init-groups true 2>/dev/null
}

# cg_actor PREFIX: cg_as is the account as which root changes, or makes, what is there: its owner, or that of the
# directory above; the login that asks as root, where it may write there itself.
cg_actor() {
  if [ -e "$1" ] || [ -L "$1" ]; then
    cg_as=$(stat -c %u -- "$1" 2>/dev/null)
    return
  fi
  cg_as=${CONDAFLEET_LOGIN%%:*}
  # shellcheck disable=SC2016 # the inner shell's own dollars
  if [ -n "$cg_as" ] && cg_can_become "$cg_as" &&
    setpriv "--reuid=$cg_as" "--regid=$cg_gid" --init-groups sh -c '[ -w "$1" ] && [ -x "$1" ]' sh "${1%/*}/"; then
    return
  fi
  cg_as=$(stat -L -c %u -- "${1%/*}/" 2>/dev/null)
}

# cg_user: the environment of the account that root is about to become, after cg_can_become: nothing of the login's, but
# the proxies of the whole machine, which every login of that account gets.
cg_user() {
  unset MAMBA_ROOT_PREFIX CONDARC XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME XDG_SESSION_ID
  cg_x=${cg_pw%:*}
  HOME=${cg_x##*:} USER=${cg_pw%%:*} LOGNAME=${cg_pw%%:*}
  export HOME USER LOGNAME
  [ -n "${CONDAFLEET_LOGIN:-}" ] || return 0
  unset CONDAFLEET_LOGIN
  while IFS='=' read -r cg_x cg_y; do
    case $cg_x in
      http_proxy | https_proxy | ftp_proxy | all_proxy | no_proxy | HTTP_PROXY | HTTPS_PROXY | FTP_PROXY | ALL_PROXY | NO_PROXY) ;;
      *) continue ;;
    esac
    cg_y=${cg_y#[\"\']}
    export "$cg_x=${cg_y%[\"\']}"
  done 2>/dev/null </etc/environment
}

# cg_become UID: this very task's program as that account, after cg_can_become; its status. It says what it says to a
# file that is opened here, and reads its own text from a pipe: the task's folder is not for its eyes.
cg_become() {
  # Caught, and not ignored: what is ignored here could not be caught there.
  trap : INT TERM HUP
  # What is removed comes free only when nobody stands in it.
  cd / || return 1
  {
    printf 'cg_main() {\n'
    cat -- "$CONDAFLEET_SPOOL/program"
    printf '\n}\ncg_main </dev/null\nexit\n'
  } | (
    cg_user
    CONDAFLEET_AS=$1
    export CONDAFLEET_AS
    exec setpriv "--reuid=$1" "--regid=$cg_gid" --init-groups /bin/sh -s 3>>"$CONDAFLEET_SPOOL/said"
  )
}
