package graphql

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page
	"encoding/base64"
	"html/template"
	"net/http"
	"regexp"
	"strconv"
)

//go:embed page.html
var pageText string

// page is what a browser is shown, and policy what it may do with it: run this script,
// use this style, and ask here.
var page, policy = makePage()

func makePage() ([]byte, string) {
	var b bytes.Buffer
	if err := template.Must(template.New("page").Parse(pageText)).Execute(&b, struct{ Schema string }{schemaText}); err != nil {
		panic(err) // both are ours
	}
	hash := func(element string) string {
		m := regexp.MustCompile(`(?s)<` + element + `>(.*?)</` + element + `>`).FindSubmatch(b.Bytes())
		sum := sha256.Sum256(m[1])
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return b.Bytes(), "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; connect-src 'self'; style-src " +
		hash("style") + "; script-src " + hash("script")
}

func servePage(w http.ResponseWriter) {
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", policy)
	header.Set("Vary", "Accept")
	header.Set("Content-Length", strconv.Itoa(len(page)))
	_, _ = w.Write(page) // the client may have gone
}
