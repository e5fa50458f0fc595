package web

import (
	"crypto/sha256"
	_ "embed" // the style sheet and the script
	"encoding/hex"
	"net/http"
	"strconv"

	"storage_exporter/internal/inbound"
)

//go:embed style.css
var styleSheet []byte

//go:embed script.js
var script []byte

// asset is a file that pages use. Its name has its hash, so that it can be kept for good.
type asset struct {
	name, kind string
	page       *rendered
}

var (
	styleAsset  = newAsset("style", "css", "text/css; charset=utf-8", styleSheet)
	scriptAsset = newAsset("script", "js", "text/javascript; charset=utf-8", script)
)

func newAsset(name, suffix, kind string, body []byte) *asset {
	sum := sha256.Sum256(body)
	return &asset{"assets/" + name + "-" + hex.EncodeToString(sum[:8]) + "." + suffix, kind, &rendered{body: body}}
}

// ServeHTTP answers with the file.
func (a *asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	setPolicy(h)
	h.Set("Content-Type", a.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	a.page.send(w, r, http.StatusOK)
}

// send answers with the page, compressed where the client takes that.
func (r *rendered) send(w http.ResponseWriter, req *http.Request, status int) {
	h, body := w.Header(), r.body
	h.Add("Vary", "Accept-Encoding")
	if inbound.AcceptsGzip(req.Header) {
		if packed := r.gzip(); packed != nil {
			body = packed
			h.Set("Content-Encoding", "gzip")
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	inbound.Made(w) // what is sent belongs to all who ask
	w.WriteHeader(status)
	_, _ = w.Write(body) //nolint:gosec // html/template has escaped it; the client may have gone
}
