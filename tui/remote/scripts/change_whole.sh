#!/bin/sh
# Whether a copy holds all that an environment holds, and what its package manager left out (top folders such as
# `users`, names that end with ~, empty directories, modes, what lies in conda-meta beside the records), after
# change_guard.sh. Both lie on this host: contents go from the one to the other, are not shown, and go nowhere else.
#
# cw_from, cw_from_as are the place of the original, real and as it is called; cw_to that of the copy. Lists lie in
# $ct_lists, where a name's line break is \1. It says `carried COUNT NAME...` and `names_old COUNT NAME...` (files of
# bytes, which nobody can rewrite, that tell of the place of the original).
# shellcheck shell=sh disable=SC2154  # what change_guard.sh sets, and change_tool.sh

# cw_between FROM AS TO: sets the places, and how a text that names the one comes to name the other. What follows a
# path's end in a text is none of the signs that names are made of: /envs/v1 is no part of /envs/v10.
cw_between() {
  cw_from=$1 cw_from_as=$2 cw_to=$3
  cw_ends='[^A-Za-z0-9._~+@-]'
  cw_new=$(printf '%s' "$3" | sed 's/[\\&/]/\\&/g')
  cw_b=$(printf '%s' "$2" | sed 's/[][\.*^$/]/\\&/g')
  cw_a=$(printf '%s' "$1" | sed 's/[][\.*^$/]/\\&/g')
}

# cw_text: what it reads, with the new place in place of the old; twice, for places that share the sign between them
cw_text() {
  sed -e "s/$cw_a\\($cw_ends\\)/$cw_new\\1/g" -e "s/$cw_a\\($cw_ends\\)/$cw_new\\1/g" -e "s/$cw_a\$/$cw_new/" \
    -e "s/$cw_b\\($cw_ends\\)/$cw_new\\1/g" -e "s/$cw_b\\($cw_ends\\)/$cw_new\\1/g" -e "s/$cw_b\$/$cw_new/"
}

# shellcheck disable=SC2094 # both read
cw_is_text() { tr -d '\000' <"$1" | cmp -s - "$1"; }

# cw_same OLD NEW: whether they are the same file, but for the place that each names. In files of bytes, conda fills up
# with zeros behind a place that became shorter.
cw_same() {
  cmp -s "$1" "$2" && return 0
  if cw_is_text "$1"; then
    cw_text <"$1" | cmp -s - "$2"
    return
  fi
  [ "$(tr -s '\000' '\n' <"$1" | cw_text | cksum)" = "$(tr -s '\000' '\n' <"$2" | cksum)" ]
}

# cw_target LINK NAME: where the copy of that soft link is to lead, as cw_t: into the copy where it led into the original
cw_target() {
  cw_t=$(readlink "$1")
  case $cw_t in
    "$cw_from" | "$cw_from"/*) cw_t=$cw_to${cw_t#"$cw_from"} ;;
    "$cw_from_as" | "$cw_from_as"/*) cw_t=$cw_to${cw_t#"$cw_from_as"} ;;
    ../*)
      # By its own name, from outside?
      cw_d=$cw_from/$2 cw_u=$cw_t cw_out=
      cw_d=${cw_d%/*}
      while :; do
        case $cw_u in ../*) ;; *) break ;; esac
        [ "$cw_d" = "$cw_from" ] && cw_out=1
        cw_u=${cw_u#../} cw_d=${cw_d%/*}
      done
      case $cw_out$cw_d/$cw_u in "1$cw_from" | "1$cw_from"/*) cw_t=$cw_d/$cw_u cw_t=$cw_to${cw_t#"$cw_from"} ;; esac
      ;;
  esac
}

# cw_list DIRECTORY FILE: "MODE SIZE TIME ./NAME" of all in it, but for the records of packages and the history, which
# are compared otherwise, and what Python compiles by itself. False when it could not see all.
cw_list() {
  (
    cd -P -- "$1" || exit 1
    find . -xdev '(' '(' -path './conda-meta/*.json' ! -path './conda-meta/*/*' ')' -o -path ./conda-meta/history \
      -o -path '*/__pycache__/*.pyc' ')' -prune -o ! -path . -print0 | tr '\n\000' '\001\n' >"$2.names"
    grep -a -v "$cg_one" "$2.names" | tr '\n' '\000' | xargs -0 -r stat -c '%f %s %Y %n' --
    grep -a "$cg_one" "$2.names" | sed 's/^/? 0 0 /'
  ) >"$2" 2>"$2.wrong"
  ! [ -s "$2.wrong" ]
}

# What is to be looked at closer: + there is no such thing, = a file, m the mode of a directory, l a soft link, ? some of
# these. A file that names the old place is, whatever its size and time: tools replace it in longer names as well.
# shellcheck disable=SC2016 # awk's own dollars
cw_compared='
  { at = index($0, " ./"); name = substr($0, at + 1); split(substr($0, 1, at), f, " ") }
  FILENAME ~ /\/texts$/ { text[$0] = 1; next }
  FILENAME ~ /\/is$/ { mode[name] = f[1]; size[name] = f[2]; time[name] = f[3]; next }
  !(name in mode) || substr(f[1], 1, 1) != substr(mode[name], 1, 1) { print "+" name; next }
  f[1] == "?" { print "?" name; next }
  f[1] ~ /^a/ { print "l" name; next }
  f[1] ~ /^4/ { if (f[1] != mode[name]) print "m" name; next }
  f[1] ~ /^8/ && (name in text || f[1] != mode[name] || f[2] != size[name] || f[3] != time[name]) {
    print "=" name }'

# cw_check OLD NEW: what of OLD is not in NEW as it is to be, as lines of $ct_lists/whole; false when there is something
cw_check() {
  : >"$ct_lists/whole"
  if ! cw_list "$1" "$ct_lists/was"; then
    sed 's/^/=/' "$ct_lists/was.wrong" >"$ct_lists/whole"
    return 1
  fi
  cw_list "$2" "$ct_lists/is" || :
  awk "$cw_compared" "$ct_lists/texts" "$ct_lists/is" "$ct_lists/was" >"$ct_lists/doubt"
  while IFS= read -r cw_l <&5; do
    [ -z "$ct_stop" ] || return 1
    cg_l=${cw_l#???}
    cg_line
    case $cw_l in
      '?'*)
        if [ -L "$1/$cg_l" ]; then
          cw_l=l${cw_l#?}
        elif [ -f "$1/$cg_l" ]; then
          cw_l="=${cw_l#?}"
        else
          continue
        fi
        ;;
    esac
    case $cw_l in
      =*)
        if [ "$(stat -c %a -- "$1/$cg_l")" = "$(stat -c %a -- "$2/$cg_l")" ] && cw_same "$1/$cg_l" "$2/$cg_l"; then
          continue
        fi
        ;;
      l*)
        cw_target "$1/$cg_l" "$cg_l"
        [ "$(readlink "$2/$cg_l")" = "$cw_t" ] && continue
        ;;
    esac
    printf '%s\n' "$cw_l" >>"$ct_lists/whole"
  done 5<"$ct_lists/doubt"
  ! [ -s "$ct_lists/whole" ]
}

# cw_rewrite OLD NEW: a copied file tells of its new place
cw_rewrite() {
  grep -q -a -F -e "$cw_from" -e "$cw_from_as" "$1" && cw_is_text "$1" || return 0
  cw_m=$(stat -c %a -- "$1")
  chmod u+w "$2" && cw_text <"$1" >"$2"
  chmod "$cw_m" "$2"
  touch -r "$1" "$2"
}

# cw_bring SIGN OLD NEW NAME: one of them; whether it worked is seen afterwards
cw_bring() {
  if [ "$1" = m ]; then
    chmod "$(stat -c %a -- "$2")" "$3"
    return
  fi
  rm -rf -- "$3"
  if [ -L "$2" ]; then
    cw_target "$2" "$4"
    ln -s "$cw_t" "$3"
    return
  fi
  cp -a "$2" "$3" || return
  if [ -d "$2" ]; then
    find "$3" -xdev ! -type d '(' -type f -o -type l ')' -print0 | tr '\n\000' '\001\n' >"$ct_lists/brought"
    while IFS= read -r cg_l <&6; do
      cg_line
      cw_x=${cg_l#"$3"}
      if [ -L "$cg_l" ]; then
        cw_target "$2$cw_x" "$4$cw_x"
        [ "$cw_t" = "$(readlink "$cg_l")" ] || { rm -f -- "$cg_l" && ln -s "$cw_t" "$cg_l"; }
      else
        cw_rewrite "$2$cw_x" "$cg_l"
      fi
    done 6<"$ct_lists/brought"
  elif [ -f "$2" ]; then
    cw_rewrite "$2" "$3"
  fi
}

# cw_carry OLD NEW: what cw_check found, brought over
cw_carry() {
  cw_done='' cw_count=0
  set -- "$1" "$2"
  while IFS= read -r cw_l <&5; do
    [ -z "$ct_stop" ] || return 1
    cg_l=${cw_l#???}
    cg_line
    # What lies in it came with it.
    case ${cw_done:+$cg_l} in "$cw_done"/*) continue ;; esac
    cw_name=$cg_l cw_sign=${cw_l%"${cw_l#?}"}
    case $cw_sign in +) cw_done=$cg_l ;; esac
    cw_bring "$cw_sign" "$1/$cw_name" "$2/$cw_name" "$cw_name"
    cw_count=$((cw_count + 1))
    [ $# -ge 12 ] || set -- "$@" "$cw_name"
  done 5<"$ct_lists/whole"
  shift 2
  [ "$cw_count" = 0 ] || cg_say carried "$cw_count" "$@"
}

# cw_names: the first of a list's names, said behind WORD; how many there are as cw_count
cw_names() { # WORD LIST
  set -- "$1" "$2"
  cw_count=0
  while IFS= read -r cg_l <&5; do
    cw_count=$((cw_count + 1))
    cg_l=${cg_l#[+=ml]./}
    cg_line
    [ $# -ge 12 ] || set -- "$@" "$cg_l"
  done 5<"$2"
  cw_word=$1
  shift 2
  [ "$cw_count" = 0 ] && return 0
  case $cw_word in names_old) cg_say names_old "$cw_count" "$@" ;; *) cg_say "$cw_word" "$@" ;; esac
  for cg_l; do printf '  %s\n' "$cg_l"; done
  [ "$cw_count" -le $# ] || printf '  and %s more\n' $((cw_count - $#))
}

# cw_whole OLD NEW: makes NEW hold all that OLD holds; false, with what is lacking, when that cannot be
cw_whole() {
  # What is large is data, which no tool has read through.
  (cd -P -- "$1" && find . -xdev -path ./conda-meta -prune -o -type f -size -131072 ! -name '*.pyc' -exec \
    grep -l -a -F -e "$cw_from" -e "$cw_from_as" '{}' +) >"$ct_lists/texts" 2>/dev/null
  cw_check "$1" "$2" || [ -n "$ct_stop" ] || cw_carry "$1" "$2"
  if ! cw_check "$1" "$2"; then
    [ -z "$ct_stop" ] || return 1
    # What somebody writes to just now is in a copy as it was.
    [ "$ct_kind" = rename ] || sed -i '/^[=m]/d' "$ct_lists/whole"
  fi
  if [ -s "$ct_lists/whole" ]; then
    echo 'This could not be copied:'
    cw_names lacks "$ct_lists/whole"
    return 1
  fi
  # What has more links than one is the same for all places.
  (cd -P -- "$2" && find . -xdev -path ./conda-meta -prune -o -type f -links 1 -size -131072 ! -name '*.pyc' -exec \
    grep -l -a -e "$cw_a$cw_ends" -e "$cw_a\$" -e "$cw_b$cw_ends" -e "$cw_b\$" '{}' +) 2>/dev/null |
    sed 's/^/=/' >"$ct_lists/named"
  if [ -s "$ct_lists/named" ]; then
    echo 'These files still name the old place, and cannot be rewritten:'
    cw_names names_old "$ct_lists/named"
  fi
  return 0
}

# cw_history OLD NEW: what was asked for stays known; the list of packages is the same in both. From then on the copy's
# history tells of other command lines than ours: nothing undoes it any more.
cw_history() {
  if [ -L "$1/conda-meta/history" ] || ! [ -f "$1/conda-meta/history" ]; then return 0; fi
  cp -p "$2/conda-meta/history" "$ct_lists/history" || return 1
  {
    cat "$1/conda-meta/history"
    [ -z "$(tail -c 1 "$1/conda-meta/history")" ] || echo
    grep -a -e '^==> ' -e '^# cmd: ' -e '^# conda version: ' "$ct_lists/history"
  } >"$2/conda-meta/history"
}

# cw_meta OLD NEW NAME...: these of conda-meta, where they are
cw_meta() {
  cw_o=$1 cw_p=$2 cw_bad=
  shift 2
  for cw_f; do
    [ -e "$cw_o/conda-meta/$cw_f" ] || [ -L "$cw_o/conda-meta/$cw_f" ] || continue
    cw_bring + "$cw_o/conda-meta/$cw_f" "$cw_p/conda-meta/$cw_f" "conda-meta/$cw_f"
    if [ -L "$cw_o/conda-meta/$cw_f" ]; then
      [ -L "$cw_p/conda-meta/$cw_f" ] || cw_bad="$cw_bad conda-meta/$cw_f"
    elif ! [ -f "$cw_p/conda-meta/$cw_f" ] || ! cw_same "$cw_o/conda-meta/$cw_f" "$cw_p/conda-meta/$cw_f"; then
      cw_bad="$cw_bad conda-meta/$cw_f"
    fi
  done
  [ -n "$cw_bad" ] || return 0
  printf 'This could not be copied:%s\n' "$cw_bad"
  # shellcheck disable=SC2086 # words are wanted
  cg_say lacks $cw_bad
  return 1
}
