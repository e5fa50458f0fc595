package inbound

import (
	"bytes"
	"net/http"
	"strings"
	"time"
)

const (
	// piece is how much is sent at a time, so that it shows whether a client goes on
	// taking its answer.
	piece = 64 << 10
	// maxMessage bounds the text of an error, in bytes.
	maxMessage = 4 << 10
	// policy is for what is no page: nothing in it is run, shown in a frame or loaded.
	policy = "default-src 'none'; frame-ancestors 'none'"
)

// response is what every handler writes to. It sets the headers that all answers have,
// makes problem documents of errors in plain text, and bounds how long a client may
// take.
type response struct {
	http.ResponseWriter
	request *request
	left    time.Duration // that the client may keep us waiting
	status  int           // 0: not written yet
	message *bytes.Buffer // of an error in plain text, until the end; else nil
}

// Unwrap is for http.ResponseController.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader keeps an error in plain text back.
func (w *response) WriteHeader(status int) {
	if status >= 100 && status < 200 {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	if w.status != 0 {
		return
	}
	w.status = status
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	if h.Get("Content-Security-Policy") == "" {
		h.Set("Content-Security-Policy", policy)
	}
	if !w.request.arrived {
		h.Set("Connection", "close") // else net/http would wait for the rest of the request
	}
	if status >= http.StatusBadRequest && strings.HasPrefix(h.Get("Content-Type"), "text/plain") {
		w.message = &bytes.Buffer{}
		return
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write sends, and waits for the client at most as long as it has left.
func (w *response) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.message != nil {
		w.message.Write(p[:min(len(p), maxMessage-w.message.Len())])
		return len(p), nil
	}
	for sent := 0; ; {
		n, err := w.send(p[sent:min(sent+piece, len(p))])
		if sent += n; err != nil || sent == len(p) {
			return sent, err
		}
	}
}

func (w *response) send(p []byte) (int, error) {
	w.request.waits(true)
	defer w.request.waits(false)
	begun := time.Now()
	w.mayWait(w.left)
	n, err := w.ResponseWriter.Write(p)
	w.left -= time.Since(begun)
	return n, err
}

func (w *response) mayWait(d time.Duration) {
	_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(time.Now().Add(d))
}

// end sends the headers if nothing was sent, or the problem document if there is one. It bounds how long net/http may take
// to send what it still has, and keeps it from waiting for the rest of a request.
func (w *response) end() {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if !w.request.arrived {
		_ = http.NewResponseController(w.ResponseWriter).SetReadDeadline(time.Now())
	}
	if w.message != nil {
		p := Problem{Status: w.status, Title: title(w.status), Detail: strings.TrimSpace(w.message.String())}
		switch {
		case w.status == http.StatusUnauthorized:
			p.Detail = "name a user and the password (HTTP basic authentication)"
		case p.Detail == http.StatusText(w.status):
			p.Detail = ""
		}
		body := p.encode(w.Header())
		w.message = nil
		w.ResponseWriter.WriteHeader(w.status)
		_, _ = w.send(body)
	}
	w.mayWait(max(w.left, time.Second))
}

// waits notes that the request waits for its client, or does so no more.
func (q *request) waits(yes bool) {
	if q.place == nil {
		return // it counts as waiting already
	}
	if yes {
		q.conn.count(-1)
	} else {
		q.conn.count(1)
	}
	q.place.waits(yes)
}
