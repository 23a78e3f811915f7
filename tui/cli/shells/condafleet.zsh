#compdef condafleet
# Completion of condafleet for zsh. Written by `condafleet completion zsh`.
_condafleet() {
    local line text
    local -a values shown hosts hosts_shown given
    given=("${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}")
    while IFS= read -r line; do
        text=${line%%$'\t'*}
        if [[ $text == *: ]]; then
            hosts+=("$text")
            hosts_shown+=("${text}  ${line#*$'\t'}")
        else
            values+=("$text")
            shown+=("${text}  ${line#*$'\t'}")
        fi
    done < <(condafleet __complete zsh "${given[@]}" 2>/dev/null)
    (( $#values || $#hosts )) || { _files; return }
    (( $#hosts )) && compadd -S '' -l -d hosts_shown -a hosts
    (( $#values )) && compadd -l -d shown -a values
}
if [[ $funcstack[1] == _condafleet ]]; then
    _condafleet "$@"
else
    compdef _condafleet condafleet
fi
