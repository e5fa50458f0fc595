// Package packagetest makes a release of the sources for tests, as `make release` does.
// Its own tests look at what is in it: the packages are installed, upgraded and removed
// in a small Debian.
package packagetest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// makeTime is for cold caches; with warm ones it is half a minute.
const makeTime = 8 * time.Minute

// Make runs make in dir, which it fills with a copy of the sources, so that it leaves
// those alone. The copy has other dates, and rights by the umask, as another's clone has.
// What is made is in .tarballs there.
func Make(sources, dir, umask string, arguments ...string) error {
	sources, err := filepath.Abs(sources)
	if err != nil {
		return err
	}
	const copied = `umask "$1" && tar -C "$2" --exclude=./.git --exclude=./.build --exclude=./.tarballs --exclude=./.cache -cf - . | tar -xmf - --no-same-permissions`
	ctx, cancel := context.WithTimeout(context.Background(), makeTime)
	defer cancel()
	for _, command := range [][]string{
		{"sh", "-ec", copied, "copy", umask, sources},
		append([]string{"sh", "-ec", `umask "$0"; exec make "$@"`, umask, "REVISION=abc", "BRANCH=main"}, arguments...),
	} {
		cmd := exec.CommandContext(ctx, command[0], command[1:]...)
		cmd.Dir = dir
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "SOURCE_DATE_EPOCH=1000000000"} // not that of a make that runs the test
		for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH", "GOPROXY", "GOFLAGS", "GOSUMDB"} {
			if value, ok := os.LookupEnv(name); ok {
				cmd.Env = append(cmd.Env, name+"="+value)
			}
		}
		cmd.WaitDelay = time.Second
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", strings.Join(command, " "), err, out)
		}
	}
	return nil
}
