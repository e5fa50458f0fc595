//go:build docker

package dockertest

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// engine is Docker's, as its users reach it: by its command.
type engine struct {
	t   *testing.T
	ctx context.Context
}

// in is the engine for a subtest.
func (e engine) in(t *testing.T) engine { return engine{t: t, ctx: e.ctx} }

// downTime bounds what takes things down after the test, each by one command.
const downTime = time.Minute

// waitDelay is how long a program may take to end when the test is over.
const waitDelay = 10 * time.Second

// command runs a program and returns both of its outputs. What make has set for itself
// is not passed on.
func command(ctx context.Context, env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "MAKE") && !strings.HasPrefix(v, "MFLAGS=") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "DOCKER_BUILDKIT=0") // the builder that every engine has
	cmd.Env = append(cmd.Env, env...)
	cmd.WaitDelay = waitDelay
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return strings.TrimSpace(out.String()), err
}

func (e engine) try(name string, args ...string) (string, error) {
	return command(e.ctx, nil, name, args...)
}

func (e engine) must(name string, args ...string) string {
	e.t.Helper()
	out, err := e.try(name, args...)
	if err != nil {
		e.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

func (e engine) docker(args ...string) string {
	e.t.Helper()
	return e.must("docker", args...)
}

func (e engine) make(target string) {
	e.t.Helper()
	e.must("make", "--no-print-directory", "-C", root, target)
}

func (e engine) architecture() string {
	e.t.Helper()
	return e.must("go", "env", "GOARCH")
}

// health is what the engine thinks of a container.
func (e engine) health(container string) string {
	e.t.Helper()
	return e.docker("inspect", "-f", "{{.State.Health.Status}}", container)
}

// after runs a command when the test is over, however it ended.
func (e engine) after(args ...string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(e.ctx), downTime)
	defer cancel()
	if out, err := command(ctx, nil, "docker", args...); err != nil {
		e.t.Errorf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// keep remembers what images have these names. In the end what was made in their place
// is gone, and they are back. Where a test was killed, its own images have the names,
// and those of the user are kept since then.
func (e engine) keep(names ...string) {
	e.t.Helper()
	for _, name := range names {
		kept := "storage_exporter-test-kept:" + strings.NewReplacer("/", "-", ":", "-").Replace(name)
		if e.exists(name) && !e.exists(kept) {
			e.docker("tag", name, kept)
		}
		e.t.Cleanup(func() {
			e := engine{t: e.t, ctx: context.WithoutCancel(e.ctx)}
			if e.exists(name) {
				e.after("rmi", name)
			}
			if e.exists(kept) {
				e.after("tag", kept, name)
				e.after("rmi", kept)
			}
		})
	}
}

func (e engine) exists(image string) bool {
	_, err := e.try("docker", "image", "inspect", image)
	return err == nil
}

// suites are the releases of Debian that images are called by.
var suites = map[string]string{"debian:12-slim": "bookworm"}

// debian makes an image of Debian's packages, which are all that is needed. As in the
// slim images of a registry, there are no manuals.
func (e engine) debian(name, packages string) {
	e.t.Helper()
	suite, ok := suites[name]
	if !ok {
		e.t.Fatalf("what release of Debian is %s?", name)
	}
	read, write, err := os.Pipe()
	if err != nil {
		e.t.Fatal(err)
	}
	defer read.Close()
	var said bytes.Buffer
	bootstrap := exec.CommandContext(e.ctx, "mmdebstrap", "--quiet", "--variant=minbase", "--include="+packages,
		"--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/locale/*", suite)
	bootstrap.Stdout, bootstrap.Stderr, bootstrap.WaitDelay = write, &said, waitDelay
	err = bootstrap.Start()
	_ = write.Close()
	if err != nil {
		e.t.Fatalf("mmdebstrap: %v", err)
	}
	load := exec.CommandContext(e.ctx, "docker", "import", "-", name)
	load.Stdin, load.WaitDelay = read, waitDelay
	out, err := load.CombinedOutput()
	if failed := bootstrap.Wait(); err != nil || failed != nil {
		e.t.Fatalf("mmdebstrap: %v, docker import: %v\n%s%s", failed, err, &said, out)
	}
}
