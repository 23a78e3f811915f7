# Completion of condafleet for bash. Written by `condafleet completion bash`.
_condafleet() {
    local line=${COMP_LINE:0:COMP_POINT} current=${COMP_WORDS[COMP_CWORD]} text
    # bash cuts words at COMP_WORDBREAKS: what it takes for the current word is the end of the line.
    case $current in
        : | =) current= ;;
        [\'\"]*) current=${current#?} ;;
    esac
    while [[ -n $current && $line != *"$current" ]]; do
        current=${current%?}
    done
    # An @ ends a word too, but is replaced with what follows it.
    if [[ $current != @* && ${line%"$current"} == *@ ]]; then
        current=@$current
    fi
    COMPREPLY=()
    while IFS= read -r text; do
        COMPREPLY+=("$text")
    done < <(condafleet __complete bash "$line" "$((${#line} - ${#current}))" 2>/dev/null)
    if ((${#COMPREPLY[@]} == 1)) && [[ ${COMPREPLY[0]} == *: ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o bashdefault -o default -F _condafleet condafleet
