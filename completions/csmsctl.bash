# bash completion for csmsctl: asks `csmsctl __complete`, and never evaluates what it answers.
# Identities hold : and =, at which bash breaks words, so the words are put together again first.

_csmsctl() {
    COMPREPLY=()
    local line=${COMP_LINE:0:COMP_POINT} piece word='' index
    local -a words=()
    for ((index = 0; index <= COMP_CWORD; index++)); do
        piece=${COMP_WORDS[index]}
        if ((index == 0)) || [[ $line == [[:blank:]]* ]]; then
            ((index > 0)) && words+=("$word")
            line=${line#"${line%%[![:blank:]]*}"}
            word=''
        fi
        ((index == COMP_CWORD)) && piece=$line
        word+=$piece
        line=${line#"$piece"}
    done

    # Quotes are taken away as text; nothing is expanded.
    local -a plain=()
    for piece in "${words[@]:1}" "$word"; do
        plain+=("${piece//[\"\'\\]/}")
    done

    # Bash replaces only what follows the last break, so as much is cut off the front of every candidate.
    local breaks='' front=$word cuts=0
    [[ $COMP_WORDBREAKS == *:* ]] && breaks+=:
    [[ $COMP_WORDBREAKS == *=* ]] && breaks+='='
    if [[ -n $breaks && $word != [\"\']* ]]; then
        while [[ $front == *[$breaks]* ]]; do
            front=${front#*[$breaks]}
            ((cuts++))
        done
    fi

    local value rest count
    while IFS=$'\t' read -r value rest; do
        [[ -n $value ]] || continue
        [[ $word == [\"\']* ]] || printf -v value %q "$value"
        for ((count = 0; count < cuts; count++)); do
            value=${value#*[$breaks]}
        done
        COMPREPLY+=("$value")
    done < <(csmsctl __complete "${plain[@]}" 2>/dev/null)

    if ((${#COMPREPLY[@]} == 1)) && [[ ${COMPREPLY[0]} == */ ]]; then
        compopt -o nospace 2>/dev/null
    fi
}

complete -o nosort -F _csmsctl csmsctl 2>/dev/null || complete -F _csmsctl csmsctl
