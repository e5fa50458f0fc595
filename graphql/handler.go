package graphql

import (
	"bytes"
	"context"
	_ "embed" // the schema
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	graphql "github.com/graph-gophers/graphql-go"
	gqlerrors "github.com/graph-gophers/graphql-go/errors"

	"storage_exporter/internal/inbound"
)

// schemaText is the schema, also shown by the page.
//
//go:embed schema.graphql
var schemaText string

// The bounds of a query.
const (
	// MaxBody bounds a request's body, in bytes.
	MaxBody       = 64 << 10
	maxQuery      = 16 << 10 // bytes
	maxDepth      = 16       // the usual introspection has 15
	maxSelections = 1000
	maxErrors     = 10
	maxOverlaps   = 20_000
	atOnce        = 4
	maxWait       = 2 * time.Second // for one of those
	maxTime       = 5 * time.Second
)

// Config is what queries are answered from.
type Config struct {
	// Revision changes whenever Proxies would return something else.
	Revision func() uint64
	// Proxies are all, this exporter first. Neither call waits.
	Proxies func() []Proxy
	Folders Folders
	Logger  *slog.Logger
}

// Handler serves GET and POST.
type Handler struct {
	cfg    Config
	schema *graphql.Schema
	slots  chan struct{}

	mu      sync.Mutex // guards the fields below
	view    *view
	answers answers // of the view
}

// New makes a handler.
func New(cfg Config) *Handler {
	h := &Handler{cfg: cfg, slots: make(chan struct{}, atOnce)}
	h.schema = graphql.MustParseSchema(schemaText, &query{cfg.Folders}, graphql.UseFieldResolvers(), graphql.UseStringDescriptions(),
		graphql.MaxDepth(maxDepth), graphql.MaxSelections(maxSelections), graphql.MaxQueryLength(maxQuery), graphql.MaxParallelism(atOnce),
		graphql.OverlapValidationLimit(maxOverlaps), graphql.Logger(panics{cfg.Logger}), graphql.PanicHandler(panics{cfg.Logger}))
	return h
}

// panics logs what went wrong in a resolver, and says nothing of it in the answer.
type panics struct{ logger *slog.Logger }

// LogPanic logs it.
func (p panics) LogPanic(_ context.Context, value any) {
	p.logger.Error("GraphQL resolver panicked", "err", fmt.Sprint(value))
}

// MakePanicError is what the client gets.
func (panics) MakePanicError(context.Context, any) *gqlerrors.QueryError {
	return &gqlerrors.QueryError{Message: "internal error"}
}

// question is a query as a client sends it.
type question struct {
	Query     string         `json:"query"`
	Operation string         `json:"operationName"`
	Variables map[string]any `json:"variables"`

	key string // equal for equal questions
}

const (
	asJSON     = "application/json"
	asResponse = "application/graphql-response+json"
)

// ServeHTTP answers a query, or shows the page to a browser that asks nothing.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q, err := read(r)
	switch {
	case errors.Is(err, errMethod):
		w.Header().Set("Allow", "GET, HEAD, POST")
		inbound.Problem{Status: http.StatusMethodNotAllowed, Title: "Method not allowed", Detail: "use GET or POST"}.Write(w)
		return
	case errors.Is(err, errNoQuery) && strings.Contains(r.Header.Get("Accept"), "text/html"):
		servePage(w)
		return
	case err != nil:
		inbound.Problem{Status: http.StatusBadRequest, Title: "Bad request", Detail: err.Error()}.Write(w)
		return
	}
	answer, err := h.answer(r.Context(), q)
	if err != nil {
		inbound.Problem{Status: http.StatusServiceUnavailable, Title: "Too many queries", Detail: err.Error()}.Write(w)
		return
	}
	status, contentType := http.StatusOK, asJSON
	if strings.Contains(r.Header.Get("Accept"), asResponse) {
		contentType = asResponse
		if !answer.executed {
			status = http.StatusBadRequest
		}
	}
	header := w.Header()
	header.Set("Content-Type", contentType)
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Length", strconv.Itoa(len(answer.body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(answer.body) // the client may have gone
	}
}

var (
	errMethod  = errors.New("method not allowed")
	errNoQuery = errors.New("no query: send ?query=… or a JSON body {\"query\": \"…\"}")
)

// read takes the question out of a request, as GraphQL over HTTP has it.
func read(r *http.Request) (*question, error) {
	q := &question{}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		values, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			return nil, fmt.Errorf("the query string is not valid: %w", err)
		}
		q.Query, q.Operation = values.Get("query"), values.Get("operationName")
		if text := values.Get("variables"); text != "" {
			if err := json.Unmarshal([]byte(text), &q.Variables); err != nil {
				return nil, errors.New("variables are no JSON object")
			}
		}
	case http.MethodPost:
		if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != asJSON {
			return nil, errors.New("the body must be application/json")
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, MaxBody+1))
		if err != nil || len(body) > MaxBody {
			return nil, fmt.Errorf("the body must be at most %d bytes", MaxBody)
		}
		if err := json.Unmarshal(body, q); err != nil {
			return nil, errors.New("the body is no JSON object with a query")
		}
	default:
		return nil, errMethod
	}
	if strings.TrimSpace(q.Query) == "" {
		return nil, errNoQuery
	}
	variables, err := json.Marshal(q.Variables)
	if err != nil {
		return nil, err
	}
	q.key = strings.Join([]string{q.Query, q.Operation, string(variables)}, "\x00")
	return q, nil
}

// answered is an answer as it is sent.
type answered struct {
	body     []byte
	executed bool // the query was valid
}

// answer answers from what was answered before, as long as nothing has changed since.
// The error says that too many ask.
func (h *Handler) answer(ctx context.Context, q *question) (*answered, error) {
	v := h.current()
	if a := h.remembered(v, q.key); a != nil {
		return a, nil
	}
	wait := time.NewTimer(maxWait)
	defer wait.Stop()
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-wait.C:
		return nil, fmt.Errorf("%d are being answered: ask again", atOnce)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	req := &request{view: v}
	response := h.schema.Exec(context.WithValue(ctx, requestKey{}, req), q.Query, q.Operation, q.Variables)
	response.Errors = response.Errors[:min(len(response.Errors), maxErrors)]
	var body bytes.Buffer
	if err := json.NewEncoder(&body).Encode(response); err != nil {
		return nil, err
	}
	a := &answered{body: body.Bytes(), executed: len(response.Data) > 0}
	if len(response.Errors) == 0 && !req.changes.Load() {
		h.remember(v, q.key, a)
	}
	return a, nil
}

// current is the view of now.
func (h *Handler) current() *view {
	revision := h.cfg.Revision()
	h.mu.Lock()
	v := h.view
	h.mu.Unlock()
	if v != nil && v.revision == revision {
		return v
	}
	v = newView(revision, h.cfg.Proxies())
	h.mu.Lock()
	defer h.mu.Unlock()
	h.view, h.answers = v, answers{}
	return v
}

func (h *Handler) remembered(v *view, key string) *answered {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.view != v {
		return nil
	}
	return h.answers.get(key)
}

func (h *Handler) remember(v *view, key string, a *answered) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.view == v {
		h.answers.put(key, a)
	}
}
