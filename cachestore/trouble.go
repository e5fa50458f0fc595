package cachestore

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
)

// Why calls fail: the label reason of storage_cache_store_errors_total.
const (
	reasonTimeout    = "timeout"
	reasonConnection = "connection"
	reasonAuth       = "auth"
	reasonReadOnly   = "readonly"
	reasonFull       = "full"
	reasonOther      = "other"
)

var reasons = []string{reasonTimeout, reasonConnection, reasonAuth, reasonReadOnly, reasonFull, reasonOther}

// refusal is a kind of answer by which a server keeps itself from being used.
type refusal struct {
	words  []string // of the error; the first refusal that has one of them counts
	reason string
	remedy string
}

// noRights are the words by which a server refuses what the user may not do, by itself
// or within a script.
var noRights = []string{"NOPERM", "The user executing the script can't"}

// refusals of Redis 6 and later and of Valkey.
var serverRefusals = []refusal{
	{[]string{"WRONGPASS", "invalid password"}, reasonAuth, "set redis.username and redis.password as the server has them"},
	{[]string{"NOAUTH", "AUTH <password> called without any password", "Client sent AUTH, but no password is set"}, reasonAuth,
		"set redis.password if the server wants one, and none if it wants none"},
	{noRights, reasonAuth, "give the user the commands and keys that docs/redis.md lists"},
	{[]string{errCredentials.Error()}, reasonAuth, "make the password file readable for the exporter's user"},
	{[]string{"READONLY"}, reasonReadOnly, "name the master in redis.addresses, or use the mode sentinel"},
	{[]string{"MISCONF"}, reasonReadOnly, "the server cannot save to its disk and takes no writes: see its log"},
	{[]string{"NOREPLICAS"}, reasonReadOnly, "the server has fewer replicas than min-replicas-to-write wants"},
	{[]string{"OOM"}, reasonFull, "raise the server's maxmemory, or set its maxmemory-policy to volatile-ttl"},
	{[]string{ErrFull.Error()}, reasonFull, "watch fewer drives and volumes, or use Redis"},
	{[]string{"DB index is out of range"}, reasonOther, "set redis.db below what `databases` is in the server's configuration"},
	{[]string{"cluster support disabled"}, reasonOther, "the server is no cluster: set redis.mode to single"},
	{[]string{"MOVED"}, reasonOther, "the server is part of a cluster: set redis.mode to cluster"},
	{[]string{"CLUSTERDOWN"}, reasonOther, "the cluster does not serve all of its slots: see CLUSTER INFO"},
	{[]string{"LOADING"}, reasonOther, "the server is reading its file; this ends by itself"},
	{[]string{"MASTERDOWN"}, reasonConnection, "the replica has lost its master"},
}

// judge says why a call failed and what to do about it.
func judge(err error) (reason, remedy string) {
	text := err.Error()
	for _, r := range serverRefusals {
		for _, w := range r.words {
			if strings.Contains(text, w) {
				return r.reason, r.remedy
			}
		}
	}
	var network net.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return reasonTimeout, "see whether the server is overloaded or cut off"
	case errors.Is(err, ErrUnavailable):
		return reasonConnection, "see whether the server runs and redis.addresses and redis.tls are right"
	}
	return reasonOther, "see the server's log"
}

// troubles is what keeps a store from being used: reads and writes apart, as a server
// that refuses the ones may well do the others.
type troubles struct {
	logger *slog.Logger

	mu     sync.Mutex       // guards the fields below
	failed map[string]error // the last outcome of each kind of call that failed, or of one without rights
	lost   int              // calls in a row that got no answer
	logged string           // the reason of the trouble that was logged; empty: none was
}

func newTroubles(logger *slog.Logger) *troubles {
	return &troubles{logger: logger, failed: make(map[string]error)}
}

// kindOf is what a call must be allowed to do on a server.
func kindOf(op string) string {
	switch op {
	case "set", "claim", "append", "mark", "swap":
		return "write"
	case "newest", "marked":
		return "get"
	default: // a release is granted where there is nothing to delete
		return op
	}
}

// failedKind is what a call that failed says about others. Where the user has no right
// to its commands, those that he has a right to do not end the trouble.
func failedKind(op string, err error) string {
	if slices.ContainsFunc(noRights, func(words string) bool { return strings.Contains(err.Error(), words) }) {
		return op
	}
	return kindOf(op)
}

// note takes the outcome of a call, and says whether the store can be used. The
// beginning and the end of a trouble are logged, not what is between.
func (t *troubles) note(op string, err error) (usable bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil {
		t.answered(op)
		return len(t.failed) == 0
	}
	t.failed[failedKind(op, err)] = err
	reason, remedy := judge(err)
	switch {
	case errors.Is(err, ErrOpen):
		return false
	case errors.Is(err, ErrUnavailable):
		if t.lost++; t.lost < maxFailures {
			return false // may be chance
		}
	default:
		t.lost = 0
	}
	if reason != t.logged {
		t.logged = reason
		t.logger.Warn("cache store cannot be used, going on without it", "reason", reason, "remedy", remedy, "err", err)
	}
	return false
}

// answered ends the trouble of this kind of call, and of the others that one without
// an answer had.
func (t *troubles) answered(op string) {
	t.lost = 0
	maps.DeleteFunc(t.failed, func(k string, err error) bool {
		return k == op || k == kindOf(op) || errors.Is(err, ErrUnavailable) || errors.Is(err, ErrOpen)
	})
	if len(t.failed) == 0 && t.logged != "" {
		t.logged = ""
		t.logger.Info("cache store is available again")
	}
}
