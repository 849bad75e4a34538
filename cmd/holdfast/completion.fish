# Completion of holdfast for fish:  holdfast completion fish > ~/.config/fish/completions/holdfast.fish
function __holdfast_complete
	set -l words (commandline -opc)
	$words[1] complete -- $words[2..-1] "$(commandline -ct)" 2>/dev/null
end
complete -c holdfast -f -n 'count (__holdfast_complete) >/dev/null' -a '(__holdfast_complete)'
