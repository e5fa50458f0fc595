package mount

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"storage_exporter/volume"
)

// From here on a file system is called nearly full, full, or short of inodes.
const (
	nearlyFull = 0.90
	full       = 0.98
	fewInodes  = 0.02
)

// Health is the state of a volume on the mount, in words an operator can act on.
func (s State) Health(want Want) volume.Health {
	h := volume.Health{Status: volume.Healthy, Backend: want.Backend, Metadata: map[string]string{}}
	if s.Real != "" {
		if err := want.Check(s.Path, s.Mount); err != nil {
			h.Status, h.Info = volume.Offline, strings.TrimSuffix(err.Error(), ": "+ErrNotMounted.Error())
			return h
		}
	}
	if !s.leadsNowhere() {
		h.Metadata = s.metadata()
	}
	if s.Err != nil {
		h.Status, h.Info = s.failure()
		return h
	}
	var found volume.Verdict
	readOnly := s.Mount.ReadOnly() || !s.Mount.through && s.FS.Flags&unix.ST_RDONLY != 0
	h.ReadOnly = &readOnly
	switch {
	case readOnly && !want.ReadOnly:
		found.Worsen(volume.Degraded, "%s is mounted read-only: see the kernel log for errors, or set read_only = true", s.Mount.Point)
	case !readOnly:
		s.fullness(&found)
	}
	found.Add(s.below.found.Status(), s.below.found.Words())
	h.Status, h.Info = found.Status(), found.Words()
	return h
}

// failed is whether the look failed with one of these.
func (s State) failed(errs ...error) bool {
	return slices.ContainsFunc(errs, func(err error) bool { return errors.Is(s.Err, err) })
}

// leadsNowhere is whether there is no directory at the path, or none to be seen:
// then what is mounted above says nothing about it.
func (s State) leadsNowhere() bool {
	return s.failed(fs.ErrNotExist, unix.ENOTDIR, unix.ELOOP, fs.ErrPermission)
}

// wording is an error in the words of the health, so that one trouble is called the
// same wherever it shows.
type wording struct {
	words string
	cause error
}

func (w wording) Error() string { return w.words }

func (w wording) Unwrap() error { return w.cause }

// inWords is the error of the look in those words.
func (s State) inWords() error {
	_, words := s.failure()
	return wording{words, s.Err}
}

// failure says what an error of the look means.
func (s State) failure() (volume.Status, string) {
	on := s.Path
	if s.Mount.Point != "" {
		on = fmt.Sprintf("%s (%s, %s)", s.Mount.Point, s.Mount.FSType, clean(s.Mount.Source))
	}
	is := s.failed
	switch {
	case is(ErrNotMounted):
		return volume.Offline, s.Err.Error()
	case is(errNoTable):
		return volume.Unavailable, s.Err.Error()
	case is(ErrHung):
		return volume.Offline, fmt.Sprintf("%s does not answer (%v): check its server", on, s.Err)
	case is(fs.ErrNotExist):
		return volume.Offline, s.Path + " does not exist: create or mount it, or correct `path`"
	case is(unix.ENOTDIR):
		return volume.Offline, s.Path + " is not a directory: correct `path`"
	case is(unix.ENOTCONN) && strings.HasPrefix(s.Mount.FSType, "fuse"): // fuse, fuseblk, fuse.*
		return volume.Offline, on + " has lost its file system process: mount it anew"
	case is(unix.ESTALE):
		return volume.Offline, on + " has a stale handle, its export was replaced: mount it anew"
	case is(unix.EIO, unix.ESHUTDOWN):
		return volume.Offline, fmt.Sprintf("%s answers with errors (%v): see the kernel log", on, s.Err)
	case is(unix.ENOTCONN, unix.ETIMEDOUT, unix.ECONNREFUSED, unix.ECONNRESET, unix.EHOSTDOWN, unix.EHOSTUNREACH, unix.ENETUNREACH):
		return volume.Offline, fmt.Sprintf("%s does not reach its server (%v)", on, s.Err)
	case is(fs.ErrPermission):
		return volume.Unavailable, fmt.Sprintf("no permission to look at %s: run as root or give CAP_DAC_READ_SEARCH", s.Path)
	default:
		return volume.Unavailable, fmt.Sprintf("%s cannot be looked at: %v", on, s.Err)
	}
}

// fullness judges what runs out.
func (s State) fullness(found *volume.Verdict) {
	u := usage(s.FS)
	if u.UsedBytes != nil && u.AvailableBytes != nil {
		used, left := float64(*u.UsedBytes), float64(*u.AvailableBytes)
		switch ratio := used / (used + left); {
		case left == 0 || ratio >= full:
			found.Worsen(volume.Degraded, "%s is full: delete or move files", s.Mount.Point)
		case ratio >= nearlyFull:
			found.Worsen(volume.Degraded, "%s is %.0f %% full", s.Mount.Point, ratio*100)
		}
	}
	if u.Inodes != nil && float64(*u.Inodes-*u.InodesUsed) < fewInodes*float64(*u.Inodes) {
		found.Worsen(volume.Degraded, "%s runs out of inodes: delete files", s.Mount.Point)
	}
}

// metadata describes the mount, as far as it was found.
func (s State) metadata() map[string]string {
	m := s.Mount
	if m.Point == "" {
		return map[string]string{}
	}
	facts := map[string]string{
		"mount_point": m.Point,
		"fstype":      m.FSType,
		"source":      clean(m.Source),
		"options":     clean(strings.Join(m.Options, ",")),
		"fs_options":  clean(strings.Join(m.Super, ",")),
		"device":      m.Device,
	}
	if names := strings.Join(s.below.devices, ","); strings.Trim(names, ",") != "" {
		facts["device"] = clean(names)
	}
	if m.Root != "/" {
		facts["root"] = clean(m.Root)
	}
	if s.Real != "" && s.Real != path.Clean(s.Path) {
		facts["real_path"] = clean(s.Real)
	}
	return facts
}

// maxWord bounds what a mount says about itself, in bytes.
const maxWord = 1024

// clean makes a mount's words fit to be shown: bounded, valid, and without the
// passwords that some FUSE file systems put into their source and options.
func clean(s string) string {
	parts := strings.Split(s, ",")
	for i, part := range parts {
		if key, _, ok := strings.Cut(part, "="); ok && secret(key) {
			parts[i] = key + "=…"
		}
	}
	s = strings.Join(parts, ",")
	if scheme, rest, ok := strings.Cut(s, "://"); ok {
		authority, _, _ := strings.Cut(rest, "/")
		if at := strings.LastIndex(authority, "@"); at >= 0 {
			s = scheme + "://" + rest[at+1:]
		}
	}
	return strings.ToValidUTF8(s[:min(len(s), maxWord)], "�")
}

func secret(key string) bool {
	key = strings.ToLower(key)
	return strings.Contains(key, "pass") || strings.Contains(key, "secret") || strings.Contains(key, "token")
}
