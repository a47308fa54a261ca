# fish completion for csmsctl: asks `csmsctl __complete`, and never evaluates what it answers.

function __csmsctl_complete
    set -l words (commandline -opc)
    set -e words[1]
    set -l word (commandline -ct)
    # A word with an open quote cannot be unescaped; it is passed as it stands.
    set -l plain (string unescape -- "$word")
    or set plain "$word"
    command csmsctl __complete $words "$plain" 2>/dev/null
end

complete -c csmsctl -f -a '(__csmsctl_complete)'
