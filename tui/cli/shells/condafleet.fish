# Completion of condafleet for fish. Written by `condafleet completion fish`.
function __condafleet_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    # The word under the cursor comes as it is written: take its quotes off.
    set -l plain (string unescape -- $current 2>/dev/null; or string unescape -- "$current'" 2>/dev/null; or string unescape -- "$current\"" 2>/dev/null; or echo -- $current)
    condafleet __complete fish $words[2..-1] "$plain" 2>/dev/null
end
complete -c condafleet -f -a '(__condafleet_complete)'
