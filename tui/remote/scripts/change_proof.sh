#!/bin/sh
# Whether what was asked for is on the disk, whatever the tools said: after change_toolkit.sh, for change_tool.sh.
# shellcheck shell=sh disable=SC2034,SC2154  # what change_tool.sh sets

# ct_fits VERSION VERSIONS: whether that version may be what was asked for: false only where it cannot. Of versions that
# are not all numbers no more is known than whether they are equal, or begin so.
# shellcheck disable=SC2016 # awk's own dollars
ct_fits() {
  CT_V=$1 CT_S=$2 awk '
    function plain(x) { return x ~ /^[0-9]+(\.[0-9]+)*$/ }
    function order(a, b,  i, n, m, p, q) {
      n = split(a, p, "."); m = split(b, q, ".")
      for (i = 1; i <= n || i <= m; i++) if ((p[i] + 0) != (q[i] + 0)) return (p[i] + 0) < (q[i] + 0) ? -1 : 1
      return 0
    }
    function begins(x) {
      if (x == "" || v == x || index(v, x ".") == 1 || (index(v, x) == 1 && substr(v, length(x) + 1) !~ /^[0-9]/)) return 1
      return plain(v) && plain(x) ? order(v, x) == 0 : 0
    }
    function equal(x) { return v == x || (plain(v) && plain(x) ? order(v, x) == 0 : v ~ /[a-z_!-]/ && x ~ /[a-z_!-]/) }
    function may(c,  op, x, d) {
      op = ""
      if (match(c, /^(===|~=|==|!=|<=|>=|=|<|>)/)) { op = substr(c, 1, RLENGTH); c = substr(c, RLENGTH + 1) }
      x = tolower(c)
      v = tolower(ENVIRON["CT_V"])
      if (!index(x, "+")) sub(/\+.*/, "", v)
      if (x == "*" || x == "") return 1
      if (x ~ /[*^$(]/ && x !~ /^[^*^$(]*\.?\*$/) return 1
      if (op == "!=") return sub(/\.?\*$/, "", x) ? !begins(x) : !(v == x || (plain(v) && plain(x) && !order(v, x)))
      if (sub(/\.?\*$/, "", x) || op == "=") return begins(x)
      if (op == "" || op == "==" || op == "===") return equal(x)
      if (!plain(v) || !plain(x)) return 1
      d = order(v, x)
      if (op == ">=") return d >= 0
      if (op == ">") return d > 0
      if (op == "<=") return d <= 0
      if (op == "<") return d < 0
      if (d < 0) return 0
      sub(/\.[^.]*$/, "", x)
      return begins(x)
    }
    BEGIN {
      n = split(ENVIRON["CT_S"], any, "|")
      if (!n) exit 0
      for (i = 1; i <= n; i++) {
        m = split(any[i], all, ",")
        good = 1
        for (j = 1; j <= m; j++) if (!may(all[j])) good = 0
        if (good) exit 0
      }
      exit 1
    }'
}

# ct_record WORD: whether there is a package record as a word of CONDA has it; ct_is: what there is of that name instead
ct_record() {
  ct_is=
  case $1 in =*)
    [ -f "$cg_real/conda-meta/${1#=}.json" ]
    return
    ;;
  esac
  ct_n=${1%%:*} ct_v='' ct_b=''
  case $1 in *:*) ct_v=${1#*:} ct_b=${1##*:} ct_v=${ct_v%:*} ;; esac
  for ct_f in "$cg_real/conda-meta/$ct_n"-*.json; do
    [ -f "$ct_f" ] || continue
    ct_f=${ct_f##*/"$ct_n"-}
    ct_f=${ct_f%.json}
    case $ct_f in *-*-*) continue ;; *-*) ct_is=$ct_n-$ct_f ;; *) continue ;; esac
    # shellcheck disable=SC2254 # a build may be a pattern
    case ${ct_f#*-} in ${ct_b:-*}) ct_fits "${ct_f%%-*}" "$ct_v" && return 0 ;; esac
  done
  return 1
}

# ct_dist WORD: whether pip's own files of it are there, as a word of PIP has it; ct_is as above
ct_dist() {
  ct_is='' ct_w='' ct_q=${1%%[:=]*}
  case $1 in *:*) ct_w=${1#*:} ct_w=${ct_w%:} ;; esac
  for ct_f in "$cg_real"/lib/python*/site-packages/*.dist-info "$cg_real"/lib/python*/site-packages/*.egg-info; do
    [ -e "$ct_f" ] || continue
    ct_f=${ct_f##*/}
    ct_f=${ct_f%.*-info}
    ct_v=${ct_f#*-}
    ct_f=$(printf '%s' "${ct_f%%-*}" | tr 'A-Z_.' 'a-z--')
    [ "$ct_f" = "$ct_q" ] || continue
    ct_is=$ct_f==$ct_v
    case $1 in *:*) ;; *==*) [ "$ct_v" = "${1#*==}" ] || continue ;; esac
    ct_fits "$ct_v" "$ct_w" && return 0
  done
  return 1
}

# What is on the disk now, whatever the tools said.
ct_look() {
  set -f
  # shellcheck disable=SC2086 # words are wanted
  set -- $ct_conda ' ' $ct_pip
  set +f
  ct_by=ct_record ct_lacking='' ct_n_conda=0 ct_n_pip=0
  for ct_word; do
    case $ct_word in
      ' ')
        ct_by=ct_dist
        continue
        ;;
      [+-]*) continue ;;
    esac
    if $ct_by "$ct_word"; then ct_there=y; else ct_there=n; fi
    case $ct_by in ct_record) ct_n_conda=$((ct_n_conda + 1)) ;; *) ct_n_pip=$((ct_n_pip + 1)) ;; esac
    case $ct_kind:$ct_there in uninstall:y | [!u]*:n | up*:n) ct_lack "$ct_word" ;; esac
  done
  if [ -n "$ct_source" ]; then
    for ct_f in "$ct_source"/conda-meta/*.json; do
      [ -f "$ct_f" ] || continue
      ct_n_conda=$((ct_n_conda + 1))
      ct_f=${ct_f##*/}
      [ -f "$cg_real/conda-meta/$ct_f" ] || ct_lacking="$ct_lacking${ct_f%.json} "
    done
  fi
  [ -n "$ct_lacking" ] || return 0
  set -f
  # shellcheck disable=SC2086 # words are wanted
  cg_say lacks $ct_lacking
  set +f
  if [ "$ct_kind" = uninstall ]; then
    printf 'Still there: %s\n' "$ct_lacking"
  else
    printf 'Not there: %s\n' "$ct_lacking"
  fi
  return 1
}

# ct_lack WORD: among what is not as it was to be, as people write it, with what there is instead
ct_lack() {
  ct_x=${1#=}
  case $ct_x in *:*) ct_b=${ct_x##*:} ct_x=${ct_x%:*} ct_x=${ct_x%%:*}:${ct_x#*:}${ct_b:+=$ct_b} ;; esac
  case $ct_x in *:[0-9a-zA-Z*]*) ct_x=${ct_x%%:*}==${ct_x#*:} ;; *:*) ct_x=${ct_x%%:*}${ct_x#*:} ;; esac
  case $1:$ct_kind in *:uninstall) ;; *) [ -z "$ct_is" ] || ct_x="$ct_x(there-is:$ct_is)" ;; esac
  ct_lacking="$ct_lacking$ct_x "
}

# ct_as_planned: whether all is there, and gone, that the dry run told of
ct_as_planned() {
  ct_otherwise=
  set -f
  for ct_word in $ct_conda; do
    ct_f=$cg_real/conda-meta/${ct_word#?}.json
    case $ct_word in
      +*) [ -f "$ct_f" ] || ct_otherwise="$ct_otherwise$ct_word " ;;
      -*) ! [ -f "$ct_f" ] || ct_otherwise="$ct_otherwise$ct_word " ;;
    esac
  done
  set +f
  [ -n "$ct_otherwise" ] || return 0
  # shellcheck disable=SC2086 # words are wanted
  cg_say planned $ct_otherwise
  printf 'Planned, and not so (+ was to come, - to go): %s\n' "$ct_otherwise"
  return 1
}

# ct_compare SOURCE: says how many packages were compared, and what the copy has more; false when there is such
ct_compare() {
  ct_more='' ct_n_pip=0
  for ct_f in "$cg_real"/conda-meta/*.json; do
    [ -f "$ct_f" ] || continue
    ct_f=${ct_f##*/}
    case " $ct_conda " in *" =${ct_f%.json} "*) continue ;; esac
    [ -n "$1" ] && [ -f "$1/conda-meta/$ct_f" ] && continue
    ct_more="$ct_more${ct_f%.json} "
  done
  for ct_f in "$cg_real"/lib/python*/site-packages/*.dist-info; do
    [ "$(head -n 1 -- "$ct_f/INSTALLER" 2>/dev/null)" = pip ] || continue
    ct_n_pip=$((ct_n_pip + 1))
    ct_x=${ct_f#"$cg_real"/}
    ct_f=${ct_f##*/}
    ct_f=${ct_f%.dist-info}
    case " $ct_pip " in *" $(printf '%s' "${ct_f%%-*}" | tr 'A-Z_.' 'a-z--')=="*) continue ;; esac
    [ -n "$1" ] && [ -e "$1/$ct_x" ] && continue
    ct_more="$ct_more$ct_f "
  done
  [ -n "$ct_lacking$ct_more" ] || cg_say compared "$ct_n_conda" "$ct_n_pip"
  [ -n "$ct_more" ] || return 0
  # shellcheck disable=SC2086 # words are wanted
  cg_say more $ct_more
  printf 'There, and not to be: %s\n' "$ct_more"
  return 1
}
