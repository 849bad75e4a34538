package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The scripts that holdfast prints complete in the shells that they are for.
func TestCompletion(t *testing.T) {
	if twins {
		t.Skip("only holdfast has it")
	}
	bin := t.TempDir()
	program, _ := subject.Args(Options{Dir: bin}, 0)
	if err := os.Symlink(program, filepath.Join(bin, "holdfast")); err != nil {
		t.Fatal(err)
	}
	for shell, script := range map[string]string{
		"bash": `source <(holdfast completion bash)
			try() { COMP_WORDS=("$@"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _holdfast holdfast; echo "${COMPREPLY[*]}"; }
			try holdfast snapshot ge; try holdfast snapshot keys --pre; try holdfast snapshot keys --type = z; try holdfast snapshot info --file ""`,
		"zsh": `autoload -Uz compinit; compinit -D; source <(holdfast completion zsh)
			_describe() { echo "${${(P@)2}%%:*}"; }; _files() { echo; }
			try() { words=("$@"); CURRENT=$#; _holdfast; }
			try holdfast snapshot ge; try holdfast snapshot keys --pre; try holdfast snapshot keys --type z; try holdfast snapshot info --file ""`,
		"fish": `holdfast completion fish | source
			for line in "snapshot ge" "snapshot keys --pre" "snapshot keys --type z" "snapshot info --file /nothing/"
				complete -C "holdfast $line" | string replace -r "\t.*" ""
			end; true`,
	} {
		t.Run(shell, func(t *testing.T) {
			path, err := exec.LookPath(shell)
			if err != nil {
				t.Skip(err)
			}
			cmd := exec.Command(path, "-c", script)
			if shell == "zsh" {
				cmd = exec.Command(path, "-f", "-c", script)
			}
			cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "HOME="+t.TempDir())
			out, err := cmd.CombinedOutput()
			if got := strings.TrimRight(string(out), "\n"); err != nil || got != "get\n--prefix\nzset" {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}
