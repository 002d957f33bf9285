# Completion of retrust for fish. What may follow is said by `retrust complete`; of the line nothing is
# evaluated.

# Finds the candidates; fails where they are files, which fish itself completes.
function __retrust_find_candidates
    set -g __retrust_candidates
    set -l words (commandline -opc)
    set -e words[1]
    # As it was typed: with a quote that is not ended yet, or with what it escapes.
    set -l last (commandline -ct | string collect)
    set -l plain (string unescape -- $last; or string replace -r '^["\']' '' -- $last)
    set -l lines (retrust complete $words "$plain" 2>/dev/null </dev/null)
    set -q lines[1]; or return 0
    set -l directive $lines[-1]
    set -e lines[-1]
    test $directive = :0; and return 1
    set -l option (string match -r -- '^--[^=]*=' $last)
    if test $directive = :16
        set lines (__fish_complete_directories (string replace -r -- '^--[^=]*=' '' $last) '')
    end
    set -g __retrust_candidates "$option"$lines
end

for program in retrust kubectl-retrust
    complete -c $program -n __retrust_find_candidates -f -a '$__retrust_candidates'
end
