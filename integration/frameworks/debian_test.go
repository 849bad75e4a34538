package frameworks

import (
	"path/filepath"
	"testing"

	"holdfast/integration"
)

// debian is a program with the packages of Debian that it needs.
func debian(dir string, command []string, packages ...string) program {
	return program{dir: dir, command: command, setup: [][]string{append([]string{"../../../scripts/packages"}, packages...)}}
}

func TestPythonRedis(t *testing.T) {
	t.Parallel()
	debian("python", []string{"/usr/bin/python3", "app.py"}, "python3-redis").run(t, start(t, integration.Options{}).Addr)
}

// Jobs of rq outlive a crash of the server, and are done once.
func TestPythonRQ(t *testing.T) {
	t.Parallel()
	all(t)
	debian("python", []string{"/usr/bin/python3", "queue_app.py"}, "python3-redis", "python3-rq").acrossACrash(t)
}

// Tasks of Celery outlive a crash of the server, and are done once.
func TestPythonCelery(t *testing.T) {
	t.Parallel()
	all(t)
	debian("python", []string{"/usr/bin/python3", "celery_app.py"}, "python3-redis", "python3-celery").acrossACrash(t)
}

func TestPythonDjango(t *testing.T) {
	t.Parallel()
	all(t)
	debian("python", []string{"/usr/bin/python3", "django_app.py"}, "python3-redis", "python3-django-redis").run(t, start(t, integration.Options{}).Addr)
}

func TestRuby(t *testing.T) {
	t.Parallel()
	all(t)
	debian("ruby", []string{"ruby", "app.rb"}, "ruby", "ruby-redis").run(t, start(t, integration.Options{}).Addr)
}

// Jobs of Sidekiq outlive a crash of the server, and are done once.
func TestRubySidekiq(t *testing.T) {
	t.Parallel()
	all(t)
	debian("ruby", []string{"ruby", "sidekiq_app.rb"}, "ruby", "ruby-redis", "ruby-sidekiq").acrossACrash(t)
}

func TestPHP(t *testing.T) {
	t.Parallel()
	all(t)
	debian("php", []string{"php", "app.php"}, "php-cli", "php-redis").run(t, start(t, integration.Options{}).Addr)
}

func TestHiredis(t *testing.T) {
	t.Parallel()
	all(t)
	out := filepath.Join(t.TempDir(), "app")
	p := debian("c", []string{out}, "gcc", "libc6-dev", "libhiredis-dev")
	p.setup = append(p.setup, []string{"cc", "-Wall", "-Wextra", "-Werror", "-o", out, "app.c", "-lhiredis"})
	p.run(t, start(t, integration.Options{}).Addr)
}
