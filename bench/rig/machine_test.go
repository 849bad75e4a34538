package rig

import "testing"

func TestFilesystemOf(t *testing.T) {
	const mounts = "22 1 254:0 / / rw,relatime - ext4 /dev/root rw\n" +
		"30 22 0:26 / /tmp rw shared:1 - tmpfs tmpfs rw\n" +
		"31 22 0:27 / /tmpfiles rw - xfs /dev/b rw\n" +
		"32 22 0:28 / /data rw - ext4 /dev/c rw\n" +
		"33 32 0:29 / /data rw - btrfs /dev/d rw\n" +
		"half a line\n"
	for path, want := range map[string]string{
		"/":           "ext4",
		"/home/x":     "ext4",
		"/tmp":        "tmpfs",
		"/tmp/x":      "tmpfs",
		"/tmpfiles/x": "xfs",
		"/data/x":     "btrfs",
	} {
		if got := filesystemOf(mounts, path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	if got := filesystemOf("", "/"); got != "unknown" {
		t.Errorf("nothing mounted: %s", got)
	}
}

func TestField(t *testing.T) {
	const text = "processor\t: 0\nmodel name\t: AMD EPYC\nmodel name\t: other\n"
	if got := field(text, "model name"); got != "AMD EPYC" {
		t.Errorf("got %q", got)
	}
	if got := field(text, "MemTotal"); got != "unknown" {
		t.Errorf("got %q", got)
	}
}

// The printed command can be given to a shell as it is.
func TestCommandLine(t *testing.T) {
	if got, want := CommandLine("a", []string{"--save", "", "b c", "it's", "-x=1"}), `a --save '' 'b c' 'it'\''s' -x=1`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
