package graphql

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"storage_exporter/volume"
)

// folders are those that Find finds, by id.
type folders struct {
	found map[string][]string
	err   error
	hold  chan struct{} // Find waits for it
}

func (f *folders) Find(ctx context.Context, id string) ([]string, error) {
	if f.hold != nil {
		select {
		case <-f.hold:
		case <-ctx.Done():
		}
	}
	return f.found[id], f.err
}

// site is what a handler under test answers from.
type site struct {
	*Handler
	folders  folders
	revision atomic.Uint64
	proxies  []Proxy
	read     atomic.Int64 // how often the proxies were read
}

func newSite(proxies ...Proxy) *site {
	s := &site{proxies: proxies}
	s.Handler = New(Config{
		Revision: s.revision.Load, Folders: &s.folders, Logger: slog.New(slog.DiscardHandler),
		Proxies: func() []Proxy { s.read.Add(1); return s.proxies },
	})
	return s
}

var at = time.Date(2026, 1, 9, 23, 6, 40, 0, time.UTC)

func twoProxies() []Proxy {
	return []Proxy{
		{Name: "local", Healthy: true, Volumes: []Volume{
			{Name: "a", Backend: "xfs", Status: volume.Healthy, LastCheckedAt: &at},
			{Name: "b", Backend: "netapp", Status: volume.Degraded, Info: "a node is down", LastCheckedAt: &at},
			{Name: "c", Backend: "netapp", Status: volume.Offline, Info: "gone", LastCheckedAt: &at},
		}},
		{Name: "proxy2", Error: "connection refused", LastCheckedAt: &at, Volumes: []Volume{
			{Name: "a", Status: volume.Unknown},
			{Name: "d", Backend: "vfs", Status: "strange"},
		}},
	}
}

func manyVolumes(n int) Proxy {
	p := Proxy{Name: "local", Healthy: true}
	for i := range n {
		p.Volumes = append(p.Volumes, Volume{Name: fmt.Sprintf("volume-%04d", i), Backend: "netapp", Status: volume.Healthy, LastCheckedAt: &at})
	}
	return p
}

// ask posts a query and returns the data, and the messages of the errors.
func (s *site) ask(t testing.TB, query, variables string) (data any, messages []string) {
	t.Helper()
	body := fmt.Sprintf(`{"query": %q}`, query)
	if variables != "" {
		body = fmt.Sprintf(`{"query": %q, "variables": %s}`, query, variables)
	}
	w := s.send(http.MethodPost, "/graphql", body, "Content-Type", "application/json")
	var answer struct {
		Data   any
		Errors []struct{ Message string }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	for _, e := range answer.Errors {
		messages = append(messages, e.Message)
	}
	return answer.Data, messages
}

func (s *site) send(method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestQueries(t *testing.T) {
	s := newSite(twoProxies()...)
	s.folders.found = map[string][]string{"0123456789abcdef0123456789abcdef": {"b"}, "ffffffffffffffffffffffffffffffff": {"elsewhere"}}
	const folder = `{ vfolderNode(id: %q) { id name host storageHealth { proxyName volumeId backendType status isHealthy } } }`
	found := func(id string) string {
		return fmt.Sprintf(`{"vfolderNode": {"id": %q, "name": null, "host": "local:b",
			"storageHealth": {"proxyName": "local", "volumeId": "b", "backendType": "netapp", "status": "DEGRADED", "isHealthy": false}}}`, id)
	}
	tests := []struct{ name, query, variables, want string }{
		{"proxies", `{ storageProxyHealthList { proxyName status isHealthy lastCheckedAt errorMessage } }`, "", `{"storageProxyHealthList": [
			{"proxyName": "local", "status": "HEALTHY", "isHealthy": true, "lastCheckedAt": null, "errorMessage": null},
			{"proxyName": "proxy2", "status": "UNHEALTHY", "isHealthy": false, "lastCheckedAt": "2026-01-09T23:06:40Z", "errorMessage": "connection refused"}]}`},
		{"all volumes", `{ volumeHealthList { count nodes { proxyName volumeId backendType status statusInfo isHealthy lastCheckedAt } } }`, "", `{"volumeHealthList": {"count": 5, "nodes": [
			{"proxyName": "local", "volumeId": "a", "backendType": "xfs", "status": "HEALTHY", "statusInfo": null, "isHealthy": true, "lastCheckedAt": "2026-01-09T23:06:40Z"},
			{"proxyName": "local", "volumeId": "b", "backendType": "netapp", "status": "DEGRADED", "statusInfo": "a node is down", "isHealthy": false, "lastCheckedAt": "2026-01-09T23:06:40Z"},
			{"proxyName": "local", "volumeId": "c", "backendType": "netapp", "status": "OFFLINE", "statusInfo": "gone", "isHealthy": false, "lastCheckedAt": "2026-01-09T23:06:40Z"},
			{"proxyName": "proxy2", "volumeId": "a", "backendType": "unknown", "status": "UNKNOWN", "statusInfo": null, "isHealthy": false, "lastCheckedAt": null},
			{"proxyName": "proxy2", "volumeId": "d", "backendType": "vfs", "status": "UNKNOWN", "statusInfo": null, "isHealthy": false, "lastCheckedAt": null}]}}`},
		{"filters", `query ($s: VolumeHealthStatusEnum) { volumeHealthList(proxyName: "local", backendType: "netapp", status: $s) { count edges { node { volumeId } } } }`, `{"s": "OFFLINE"}`,
			`{"volumeHealthList": {"count": 1, "edges": [{"node": {"volumeId": "c"}}]}}`},
		{"one volume", `{ volumeHealth(host: "proxy2:a") { proxyName status } }`, "", `{"volumeHealth": {"proxyName": "proxy2", "status": "UNKNOWN"}}`},
		{"a volume that is not there", `{ volumeHealth(host: "local:x") { status } }`, "", `{"volumeHealth": null}`},
		{"proxies with volumes", `{ storageHealthList { proxyName status volumes { volumeId } } }`, "", `{"storageHealthList": [
			{"proxyName": "local", "status": "HEALTHY", "volumes": [{"volumeId": "a"}, {"volumeId": "b"}, {"volumeId": "c"}]},
			{"proxyName": "proxy2", "status": "UNHEALTHY", "volumes": [{"volumeId": "a"}, {"volumeId": "d"}]}]}`},
		{"folder", fmt.Sprintf(folder, "01234567-89AB-cdef-0123-456789abcdef"), "", found("01234567-89AB-cdef-0123-456789abcdef")},
		{"folder without dashes", fmt.Sprintf(folder, "0123456789abcdef0123456789abcdef"), "", found("0123456789abcdef0123456789abcdef")},
		{"folder by a global id", fmt.Sprintf(folder, "VkZvbGRlcjowMTIzNDU2Ny04OWFiLWNkZWYtMDEyMy00NTY3ODlhYmNkZWY="), "", found("VkZvbGRlcjowMTIzNDU2Ny04OWFiLWNkZWYtMDEyMy00NTY3ODlhYmNkZWY=")},
		{"folder by the older schema's", `{ vfolder_node(id: "VmlydHVhbEZvbGRlck5vZGU6MDEyMzQ1NjctODlhYi1jZGVmLTAxMjMtNDU2Nzg5YWJjZGVm") { host } }`, "", `{"vfolder_node": {"host": "local:b"}}`},
		{"folder on a volume that is not shown", fmt.Sprintf(folder, "ffffffffffffffffffffffffffffffff"), "", `{"vfolderNode": {"id": "ffffffffffffffffffffffffffffffff", "name": null,
			"host": "local:elsewhere", "storageHealth": {"proxyName": "local", "volumeId": "elsewhere", "backendType": "unknown", "status": "UNKNOWN", "isHealthy": false}}}`},
		{"folder that is nowhere", fmt.Sprintf(folder, "00000000000000000000000000000000"), "", `{"vfolderNode": null}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			data, messages := s.ask(t, tt.query, tt.variables)
			var want any
			if err := json.Unmarshal([]byte(tt.want), &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, data); diff != "" || messages != nil {
				t.Errorf("%v (-want +got):\n%s", messages, diff)
			}
		})
	}
	s.folders.err = errors.New("volume c was not asked: it hangs")
	if data, messages := s.ask(t, fmt.Sprintf(folder, "00000000000000000000000000000000"), ""); !cmp.Equal(messages, []string{"volume c was not asked: it hangs"}) || data.(map[string]any)["vfolderNode"] != nil {
		t.Errorf("%v %v, want the volume that could not be asked among the errors", data, messages)
	}
	for _, id := range []string{"", "x", strings.Repeat("0", 31), strings.Repeat("0", 33), "../../../../../../../../../../etc", strings.Repeat("é", 16), "VXNlcjowMTIzNDU2Nw=="} {
		if _, messages := s.ask(t, fmt.Sprintf(`{ vfolderNode(id: %q) { id } }`, id), ""); len(messages) != 1 || !strings.Contains(messages[0], "must be a UUID") {
			t.Errorf("id %q: %v", id, messages)
		}
	}
}

// Every page together is the list, whatever the size of a page.
func TestPaging(t *testing.T) {
	s := newSite(manyVolumes(250))
	for _, size := range []int{1, 99, 100, 250, 1000} {
		var got []string
		after := ""
		for pages := 0; pages < 300; pages++ {
			data, messages := s.ask(t, fmt.Sprintf(`{ volumeHealthList(first: %d%s) { count pageInfo { hasNextPage hasPreviousPage endCursor } nodes { volumeId } } }`, size, after), "")
			if messages != nil {
				t.Fatal(messages)
			}
			list := data.(map[string]any)["volumeHealthList"].(map[string]any)
			for _, n := range list["nodes"].([]any) {
				got = append(got, n.(map[string]any)["volumeId"].(string))
			}
			info := list["pageInfo"].(map[string]any)
			if list["count"] != 250.0 || info["hasPreviousPage"] != (pages > 0) {
				t.Fatalf("page %d of %d: %v", pages, size, list)
			}
			if info["hasNextPage"] == false {
				break
			}
			after = fmt.Sprintf(", after: %q", info["endCursor"])
		}
		if len(got) != 250 || !slices.IsSorted(got) || len(slices.Compact(got)) != 250 {
			t.Errorf("pages of %d: %d volumes", size, len(got))
		}
	}
	for _, wrong := range []string{"first: -1", "first: 1001", `after: "nowhere"`} {
		if _, messages := s.ask(t, "{ volumeHealthList("+wrong+") { count } }", ""); len(messages) != 1 {
			t.Errorf("%s: %v", wrong, messages)
		}
	}
}

// A query costs little, whatever it asks for.
func TestHostileQueries(t *testing.T) {
	s := newSite(manyVolumes(1000))
	repeat := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for name, query := range map[string]string{
		"deep":                      "{ __schema { types " + strings.Repeat("{ ofType ", 50) + "{ name }" + strings.Repeat(" }", 50) + " } }",
		"long":                      "{ storageProxyHealthList { proxyName } } #" + strings.Repeat("x", 20_000),
		"450 aliases":               "{ " + repeat(450, "a%d: storageProxyHealthList { proxyName status isHealthy } ") + "}",
		"125 lists":                 "{ " + repeat(125, "a%d: volumeHealthList(first: 1000) { nodes { volumeId status } } ") + "}",
		"lists beside each other":   "{ storageHealthList { " + repeat(30, "a%d: volumes { volumeId } ") + "} }",
		"edges and nodes":           "{ volumeHealthList(first: 1000) { " + repeat(8, "a%d: edges { cursor node { volumeId status } } ") + "} }",
		"a cycle of fragments":      "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }",
		"5,000 directives":          "{ storageProxyHealthList { proxyName " + strings.Repeat("@x ", 5000) + "} }",
		"many folders":              "{ " + repeat(6, `a%d: vfolderNode(id: "00000000000000000000000000000000") { id } `) + "}",
		"fragments that multiply":   "{ ...f0 } " + repeat(20, "fragment f%d on Query { x: storageProxyHealthList { proxyName } } "),
		"not even a query":          strings.Repeat("{", 3000),
		"a list of what is not one": "mutation { x }",
	} {
		t.Run(name, func(t *testing.T) {
			w := s.send(http.MethodPost, "/graphql", fmt.Sprintf(`{"query": %q}`, query), "Content-Type", "application/json")
			var answer struct{ Errors []any }
			if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || len(answer.Errors) == 0 || len(answer.Errors) > maxErrors {
				t.Errorf("%d, %d errors: %.300s", w.Code, len(answer.Errors), w.Body)
			}
			if w.Body.Len() > 200_000 {
				t.Errorf("an answer of %d bytes", w.Body.Len())
			}
		})
	}
	data, messages := s.ask(t, "{ volumeHealthList(first: 1000) { edges { cursor node { proxyName volumeId backendType status statusInfo isHealthy lastCheckedAt } } } }", "")
	if messages != nil || len(data.(map[string]any)["volumeHealthList"].(map[string]any)["edges"].([]any)) != 1000 {
		t.Errorf("an honest query: %v", messages)
	}
}

// The query by which GraphiQL and code generators learn the schema.
func TestIntrospection(t *testing.T) {
	const ofType = "kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } }"
	_, messages := newSite(twoProxies()...).ask(t, `query IntrospectionQuery { __schema { queryType { name } mutationType { name } subscriptionType { name }
		types { ...FullType } directives { name description locations args { ...InputValue } } } }
		fragment FullType on __Type { kind name description fields(includeDeprecated: true) { name description args { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason }
			inputFields { ...InputValue } interfaces { ...TypeRef } enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...TypeRef } }
		fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue }
		fragment TypeRef on __Type { `+ofType+` }`, "")
	if messages != nil {
		t.Error(messages)
	}
}

func TestOverHTTP(t *testing.T) {
	s := newSite(twoProxies()...)
	const query = "{ storageProxyHealthList { proxyName } }"
	get := "/graphql?query=" + url.QueryEscape(query)
	tests := []struct {
		name, method, target, body string
		headers                    []string
		status                     int
		contentType                string
	}{
		{"get", "GET", get, "", nil, 200, asJSON},
		{"head", "HEAD", get, "", nil, 200, asJSON},
		{"get with variables", "GET", get + "&variables=%7B%7D&operationName=", "", nil, 200, asJSON},
		{"get with no variables", "GET", get + "&variables=%5B1%5D", "", nil, 400, "application/problem+json"},
		{"post", "POST", "/graphql", `{"query": "{ storageProxyHealthList { proxyName } }"}`, []string{"Content-Type", "application/json; charset=utf-8"}, 200, asJSON},
		{"post of a form", "POST", "/graphql", "query=x", []string{"Content-Type", "application/x-www-form-urlencoded"}, 400, "application/problem+json"},
		{"post of text", "POST", "/graphql", "x", []string{"Content-Type", "application/json"}, 400, "application/problem+json"},
		{"post of a list", "POST", "/graphql", "[]", []string{"Content-Type", "application/json"}, 400, "application/problem+json"},
		{"post of much", "POST", "/graphql", strings.Repeat(" ", MaxBody+1), []string{"Content-Type", "application/json"}, 400, "application/problem+json"},
		{"wrong query, as JSON", "GET", "/graphql?query=%7Bnope%7D", "", nil, 200, asJSON},
		{"wrong query, as a response", "GET", "/graphql?query=%7Bnope%7D", "", []string{"Accept", asResponse}, 400, asResponse},
		{"query, as a response", "GET", get, "", []string{"Accept", asResponse + ", application/json;q=0.9"}, 200, asResponse},
		{"nothing", "GET", "/graphql", "", nil, 400, "application/problem+json"},
		{"a browser", "GET", "/graphql", "", []string{"Accept", "text/html,*/*"}, 200, "text/html; charset=utf-8"},
		{"a browser that asks", "GET", get, "", []string{"Accept", "text/html,*/*"}, 200, asJSON},
		{"put", "PUT", get, "", nil, 405, "application/problem+json"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := s.send(tt.method, tt.target, tt.body, tt.headers...)
			if w.Code != tt.status || w.Header().Get("Content-Type") != tt.contentType || (w.Body.Len() == 0) != (tt.method == "HEAD") {
				t.Errorf("%d %v %.200s", w.Code, w.Header(), w.Body)
			}
		})
	}
}

// What was answered is remembered until something changes, within bounds.
func TestAnswersAreRemembered(t *testing.T) {
	s := newSite(twoProxies()...)
	const query = `{ volumeHealth(host: "local:a") { status } }`
	status := func() any {
		t.Helper()
		data, _ := s.ask(t, query, "")
		return data.(map[string]any)["volumeHealth"].(map[string]any)["status"]
	}
	for range 3 {
		if got := status(); got != "HEALTHY" {
			t.Error(got)
		}
	}
	if n := s.read.Load(); n != 1 {
		t.Errorf("read %d times, want once", n)
	}
	s.proxies = twoProxies()
	s.proxies[0].Volumes[0].Status = volume.Offline
	s.revision.Add(1)
	if got := status(); got != "OFFLINE" {
		t.Errorf("%v after it changed", got)
	}
	for i := range 3 * maxAnswers {
		s.ask(t, fmt.Sprintf(`{ volumeHealth(host: "x:%d") { status } }`, i), "")
	}
	if len(s.answers.byKey) > maxAnswers || len(s.answers.order) != len(s.answers.byKey) || s.answers.bytes > maxAnswerBytes {
		t.Errorf("%d answers of %d bytes", len(s.answers.byKey), s.answers.bytes)
	}
	s.folders.found = map[string][]string{"0123456789abcdef0123456789abcdef": {"b"}}
	const folder = `{ vfolderNode(id: "0123456789abcdef0123456789abcdef") { host } }`
	s.ask(t, folder, "")
	s.folders.found = nil
	if data, _ := s.ask(t, folder, ""); data.(map[string]any)["vfolderNode"] != nil {
		t.Error("where a folder was is remembered with the answer")
	}
}

// Four queries run at once; the next waits, and is refused where that does not help.
func TestQueriesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(twoProxies()...)
		s.folders.hold = make(chan struct{})
		send := func() int {
			return s.send(http.MethodGet, "/graphql?query="+url.QueryEscape(`{ vfolderNode(id: "00000000000000000000000000000000") { id } }`), "").Code
		}
		var wg sync.WaitGroup
		for range atOnce {
			wg.Go(func() {
				if got := send(); got != 200 {
					t.Errorf("%d, want 200", got)
				}
			})
		}
		synctest.Wait()
		begun := time.Now()
		if got := send(); got != 503 || time.Since(begun) != maxWait {
			t.Errorf("%d after %v, want 503 after %v", got, time.Since(begun), maxWait)
		}
		wg.Go(func() {
			if got := send(); got != 200 {
				t.Errorf("%d for the one that waited, want 200", got)
			}
		})
		time.Sleep(time.Second)
		close(s.folders.hold)
		wg.Wait()
	})
}

// BenchmarkVolumes asks for 1,000 volumes: anew, remembered, and a bare handler of the
// same bytes.
func BenchmarkVolumes(b *testing.B) {
	s := newSite(manyVolumes(1000))
	target := "/graphql?query=" + url.QueryEscape(`{ volumeHealthList(first: 1000) { nodes { proxyName volumeId backendType status statusInfo isHealthy lastCheckedAt } } }`)
	body := s.send(http.MethodGet, target, "").Body.Bytes()
	bare := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", asJSON)
		_, _ = w.Write(body)
	})
	for _, bb := range []struct {
		name    string
		handler http.Handler
		anew    bool
	}{{"anew", s, true}, {"remembered", s, false}, {"bare", bare, false}} {
		b.Run(bb.name, func(b *testing.B) {
			server := httptest.NewServer(bb.handler)
			defer server.Close()
			for b.Loop() {
				if bb.anew {
					s.revision.Add(1)
				}
				resp, err := http.Get(server.URL + target)
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		})
	}
}
