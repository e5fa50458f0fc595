package graphql

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"sync/atomic"

	graphql "github.com/graph-gophers/graphql-go"
)

// The bounds of a query, beside those of the schema.
const (
	pageSize = 100  // of volumes, without first
	maxPage  = 1000 // of volumes
	// maxValues bounds rows times fields: a list that is asked for under many names
	// would else be many lists.
	maxValues  = 20_000
	maxFolders = 5
)

var errTooMuch = fmt.Errorf("the query asks for more than %d values: leave fields out, or page with first and after", maxValues)

// request is what one query may still cost. It hangs on the query's context.
type request struct {
	view    *view
	values  atomic.Int64
	folders atomic.Int64
	changes atomic.Bool // the answer depends on more than the view
}

type requestKey struct{}

func requestOf(ctx context.Context) *request { return ctx.Value(requestKey{}).(*request) }

// charge takes rows of what the query selects of the field that is being resolved from
// what the query may cost.
func charge(ctx context.Context, rows int) error {
	fields := max(len(graphql.SelectedFieldNames(ctx)), 1)
	if requestOf(ctx).values.Add(int64(rows)*int64(fields)) > maxValues {
		return errTooMuch
	}
	return nil
}

// query resolves the fields of Query.
type query struct{ folders Folders }

// StorageProxyHealthList is all proxies, this exporter first.
func (query) StorageProxyHealthList(ctx context.Context) ([]*proxyRow, error) {
	v := requestOf(ctx).view
	return v.proxies, charge(ctx, len(v.proxies))
}

// Volumes are those of the proxy.
func (p *proxyRow) Volumes(ctx context.Context) ([]*volumeRow, error) {
	return p.rows, charge(ctx, len(p.rows))
}

// StorageHealthList is all proxies with their volumes.
func (query) StorageHealthList(ctx context.Context) ([]*proxyRow, error) {
	v := requestOf(ctx).view
	return v.proxies, charge(ctx, len(v.proxies))
}

// VolumeHealth is the volume of a host.
func (query) VolumeHealth(ctx context.Context, args struct{ Host string }) *volumeRow {
	return requestOf(ctx).view.byHost[args.Host]
}

type listArgs struct {
	ProxyName, BackendType, Status *string
	First                          *int32
	After                          *string
}

// VolumeHealthList is a page of the volumes that the filters let through.
func (query) VolumeHealthList(ctx context.Context, args listArgs) (*connection, error) {
	first := pageSize
	if args.First != nil {
		first = int(*args.First)
	}
	if first < 0 || first > maxPage {
		return nil, fmt.Errorf("first must be 0 to %d", maxPage)
	}
	c := &connection{}
	after := args.After == nil
	for _, r := range requestOf(ctx).view.volumes {
		if !matches(args.ProxyName, r.ProxyName) || !matches(args.BackendType, r.BackendType) || !matches(args.Status, r.Status) {
			continue
		}
		c.count++
		switch {
		case !after:
			c.info.HasPreviousPage = true
			after = r.cursor == *args.After
		case len(c.rows) < first:
			c.rows = append(c.rows, r)
		default:
			c.info.HasNextPage = true
		}
	}
	if !after {
		return nil, errors.New("after is the cursor of no volume that is listed")
	}
	if n := len(c.rows); n > 0 {
		c.info.StartCursor, c.info.EndCursor = &c.rows[0].cursor, &c.rows[n-1].cursor
	}
	return c, nil
}

func matches(wanted *string, got string) bool { return wanted == nil || *wanted == got }

func cursorOf(host string) string { return base64.RawURLEncoding.EncodeToString([]byte(host)) }

type connection struct {
	count int32
	info  pageInfo
	rows  []*volumeRow
}

type pageInfo struct {
	HasNextPage, HasPreviousPage bool
	StartCursor, EndCursor       *string
}

type edge struct {
	Cursor string
	Node   *volumeRow
}

// Count is how many volumes there are on all pages.
func (c *connection) Count() int32 { return c.count }

// PageInfo says where in the list the page is.
func (c *connection) PageInfo() pageInfo { return c.info }

// Edges are the rows with their cursors.
func (c *connection) Edges(ctx context.Context) ([]edge, error) {
	edges := make([]edge, len(c.rows))
	for i, r := range c.rows {
		edges[i] = edge{r.cursor, r}
	}
	return edges, charge(ctx, len(edges))
}

// Nodes are the rows.
func (c *connection) Nodes(ctx context.Context) ([]*volumeRow, error) {
	return c.rows, charge(ctx, len(c.rows))
}
