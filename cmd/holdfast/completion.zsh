#compdef holdfast
# Completion of holdfast for zsh:  holdfast completion zsh > a directory of $fpath/_holdfast,  or  source <(holdfast completion zsh)
_holdfast() {
	local -a found
	local line
	while IFS= read -r line; do
		found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
	done < <("${words[1]}" complete -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)
	if (( $#found )); then
		_describe holdfast found
	else
		_files
	fi
}
if [[ ${funcstack[1]} == _holdfast ]]; then
	_holdfast "$@"
elif (( $+functions[compdef] )); then
	compdef _holdfast holdfast
fi
