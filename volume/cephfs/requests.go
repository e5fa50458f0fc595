package cephfs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// longWait is how long a request may wait before it is reported, although the mount
// answers.
const longWait = 30 * time.Second

// waiting are requests that no metadata server has answered yet.
type waiting struct {
	count int
	first request // the oldest
}

type request struct {
	Op  string  `json:"op"`
	Age float64 `json:"age"` // seconds
	MDS int     `json:"mds"` // rank; -1 is none
}

// parseRequests reads the answer of `mds_requests`, an object in which the key
// `request` is there once for each. What cannot be read ends it.
func parseRequests(answer []byte) waiting {
	var w waiting
	d := json.NewDecoder(bytes.NewReader(answer))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return w
	}
	for d.More() {
		if _, err := d.Token(); err != nil {
			return w
		}
		var r request
		if err := d.Decode(&r); err != nil {
			return w
		}
		// Who waits for a file's lock may do so for as long as he likes.
		if r.Op == "setfilelock" || r.Age < 0 {
			continue
		}
		if w.count++; w.count == 1 || r.Age > w.first.Age {
			w.first = r
		}
	}
	return w
}

func (w waiting) oldest() time.Duration {
	return time.Duration(min(w.first.Age, maxAge) * float64(time.Second))
}

// maxAge is a year of seconds.
const maxAge = 365 * 24 * 3600

// text is empty when nothing waits.
func (w waiting) text() string {
	if w.count == 0 {
		return ""
	}
	server := "no metadata server yet"
	if w.first.MDS >= 0 {
		server = fmt.Sprintf("metadata server %d", w.first.MDS)
	}
	return fmt.Sprintf("requests that wait for an answer: %d, the oldest (%.20q, of %s) for %v",
		w.count, w.first.Op, server, w.oldest().Round(time.Second))
}
