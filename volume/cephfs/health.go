package cephfs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"storage_exporter/volume"
	"storage_exporter/volume/mount"
)

// slow is from when on an answer of the metadata server is called slow.
const slow = time.Second

// From here on a quota is called nearly used up, and used up.
const (
	nearlyFull = 0.90
	full       = 0.98
)

// probe is what one check found.
type probe struct {
	path   string
	state  mount.State
	asked  attributes
	err    error   // why there are no attributes
	client *status // of ceph-fuse, where it could be asked
	stuck  waiting
	// sessions are those of the kernel's client, where they are to be had.
	sessions []session
}

// probe asks the mount. stat may be answered from what the client remembers, and
// statfs by the monitors: only a recursive attribute is always asked of the
// metadata server.
func (b *backend) probe(ctx context.Context) probe {
	p := probe{path: b.Path, state: b.Point.Look(ctx)}
	if !isCeph(p.state.Mount) {
		return p
	}
	if p.state.Err == nil {
		p.asked, p.err = b.attributes(ctx, recursiveBytes, recursiveFiles, recursiveDirs, recursiveTime, quotaBytes, quotaFiles, clusterID, clientID)
	}
	if p.state.Mount.FSType == kernelType {
		p.sessions = b.kernel.sessions(ctx, p.state.Mount, p.asked)
	} else {
		ctx, cancel := mount.WithMargin(ctx)
		defer cancel()
		p.client, p.stuck = b.fuse.condition(ctx, b.Point)
	}
	return p
}

// health is the state of a volume, in words an operator can act on.
func (p probe) health(want mount.Want) volume.Health {
	state := p.state
	if state.Err == nil {
		state.Err = p.err
	}
	h := state.Health(want)
	if !isCeph(state.Mount) || want.Check(p.path, state.Mount) != nil {
		return h
	}
	p.describe(h.Metadata)
	var found volume.Verdict
	switch {
	case p.client.blocklisted():
		found.Worsen(volume.Offline, "%s is blocklisted by the cluster: mount it anew", state.Mount.Point)
	case errors.Is(state.Err, mount.ErrHung):
		found.Worsen(h.Status, "%s (%s) does not answer (%v): check the cluster's metadata servers and monitors",
			state.Mount.Point, state.Mount.FSType, state.Err)
		found.Add(h.Status, p.stuck.text(), notWell(p.sessions))
	case errors.Is(state.Err, unix.ESHUTDOWN): // EBLOCKLISTED of the kernel's client has the same number
		found.Worsen(h.Status, "%s (%s) was shut out by the cluster, or shut down (%v): mount it anew",
			state.Mount.Point, state.Mount.FSType, state.Err)
	case state.Err != nil:
		found.Add(h.Status, h.Info)
	case p.asked.number(recursiveBytes) == nil:
		found.Worsen(volume.Unavailable, "%s does not tell %s, so that its metadata server cannot be checked", p.path, recursiveBytes)
	default:
		found.Add(h.Status, h.Info)
		found.Add(volume.Degraded, p.troubles(h.Status)...)
	}
	h.Status, h.Info = found.Status(), found.Words()
	return h
}

// troubles are what may be wrong although the mount answers.
func (p probe) troubles(soFar volume.Status) []string {
	var wrong []string
	if p.asked.took >= slow {
		wrong = append(wrong, fmt.Sprintf("the metadata server took %v to answer", p.asked.took.Round(100*time.Millisecond)))
	}
	if p.stuck.oldest() >= longWait {
		wrong = append(wrong, p.stuck.text())
	}
	wrong = append(wrong, notWell(p.sessions))
	if soFar == volume.Healthy { // else the mount's size is the quota's, and it is said
		wrong = append(wrong, fullness("bytes", p.asked.number(recursiveBytes), p.asked.quota(quotaBytes)))
	}
	return append(wrong, fullness("files", p.asked.entries(), p.asked.quota(quotaFiles)))
}

func fullness(what string, used, quota *uint64) string {
	if used == nil || quota == nil {
		return ""
	}
	switch ratio := float64(*used) / float64(*quota); {
	case ratio >= full:
		return "the quota of " + what + " is used up: delete files or raise it"
	case ratio >= nearlyFull:
		return fmt.Sprintf("%.0f %% of the quota of %s is used", ratio*100, what)
	}
	return ""
}

// describe adds what is known of the client and of the directory.
func (p probe) describe(facts map[string]string) {
	facts["client"] = "ceph-fuse"
	if p.state.Mount.FSType == kernelType {
		facts["client"] = "kernel"
	}
	add := func(name, value string) {
		if value != "" {
			facts[name] = value
		}
	}
	number := func(name string, n *uint64) {
		if n != nil {
			facts[name] = fmt.Sprint(*n)
		}
	}
	if c, ok := p.asked.instance(); ok {
		facts["fsid"], facts["client_id"] = c.fsid, c.id
	}
	if len(p.sessions) > 0 {
		facts["mds_sessions"] = states(p.sessions)
	}
	number("quota_max_bytes", p.asked.quota(quotaBytes))
	number("quota_max_files", p.asked.quota(quotaFiles))
	number("rbytes", p.asked.number(recursiveBytes))
	number("rfiles", p.asked.number(recursiveFiles))
	number("rsubdirs", p.asked.number(recursiveDirs))
	add("rctime", p.asked.changed())
	if p.client != nil {
		add("ceph_version", word(p.client.Metadata.Version))
		add("fs_name", word(p.client.FSName))
	}
}

// maxWord bounds what a process says of itself, in bytes.
const maxWord = 256

func word(s string) string { return strings.ToValidUTF8(s[:min(len(s), maxWord)], "") }
