package purestorage

import (
	"cmp"
	"context"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"storage_exporter/volume/rest"
)

// auto is the newest version that both sides know.
const auto = "auto"

// The API's versions of the two families that are understood here.
var versionForm = regexp.MustCompile(`^[12](\.[0-9]{1,4}){1,2}$`)

func isVersion(s string) bool { return versionForm.MatchString(s) }

// versions asks which versions the array speaks.
func (c *client) versions(ctx context.Context) ([]string, error) {
	var said struct{ Versions []rest.Text }
	if err := c.rest.Get(ctx, "/api/api_version", nil, &said); err != nil {
		return nil, err
	}
	var known []string
	for _, v := range said.Versions {
		if isVersion(v.String()) {
			known = append(known, v.String())
		}
	}
	if len(known) == 0 {
		return nil, rest.Nonsense("the array names no version of its API that is known here")
	}
	return known, nil
}

// version is the one to use. One that is configured is not looked up, until it
// turns out that the array does not speak it any more.
func (c *client) version(ctx context.Context) (string, error) {
	if isVersion(c.wanted) && !c.gone.Load() {
		return c.wanted, nil
	}
	list, _, err := c.known.Get(ctx)
	if err != nil {
		return "", err
	}
	return pick(c.wanted, list)
}

// vanished is whether the configured version is not spoken any more, as after an
// upgrade of the array; err is what it said to a call.
func (c *client) vanished(ctx context.Context, err error) bool {
	if !errors.Is(err, rest.ErrNotFound) || !isVersion(c.wanted) || c.gone.Load() {
		return false
	}
	list, _, err := c.known.Get(ctx)
	if err != nil || slices.Contains(list, c.wanted) {
		return false
	}
	c.gone.Store(true)
	c.log.Warn("the array does not speak the configured version of its API: another is used", "option", "purity_api_version", "version", c.wanted)
	return true
}

// pick chooses of a list that is not empty: the wanted version, the newest of the
// wanted family, or the newest of all.
func pick(wanted string, list []string) (string, error) {
	if slices.Contains(list, wanted) {
		return wanted, nil
	}
	family := ""
	if !isVersion(wanted) && wanted != auto {
		family = wanted[:1] + "."
	}
	newest := ""
	for _, v := range list {
		if strings.HasPrefix(v, family) && (newest == "" || compare(v, newest) > 0) {
			newest = v
		}
	}
	if newest == "" {
		return "", rest.Nonsense("the array speaks no version %sx of its API: set purity_api_version to %q", family, auto)
	}
	return newest, nil
}

// compare goes by the numbers: 1.12 is newer than 1.9.
func compare(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "."), strings.Split(b, "."), func(a, b string) int {
		x, _ := strconv.Atoi(a)
		y, _ := strconv.Atoi(b)
		return cmp.Compare(x, y)
	})
}
