package weka

import (
	"cmp"
	"context"
	"fmt"

	"storage_exporter/volume/rest"
)

// cluster is what a cluster says of itself. Releases differ in what counts the
// servers: the first of servers, containers and hosts that is there does.
type cluster struct {
	Name, GUID, Release rest.Text
	Status              rest.Text
	IOStatus            rest.Text `json:"io_status"`
	Alerts              rest.Int  `json:"active_alerts_count"`
	Drives              count
	IONodes             count `json:"io_nodes"`
	Buckets             count
	Servers             struct{ Backends count }
	Containers          struct{ Backends count }
	Hosts               struct{ Backends count }
	Rebuild             rebuild
	Licensing           struct{ Mode rest.Text }
}

// rebuild is about data that lost part of its protection.
type rebuild struct {
	Progress    rest.Float     `json:"progressPercent"`
	Unavailable rest.Float     `json:"unavailablePercent"`
	Protection  []protectState `json:"protectionState"`
}

// protectState is the share of the data that has lost so many of its copies.
type protectState struct {
	Failures rest.Int `json:"numFailures"`
	Percent  rest.Float
}

// count is how many there are, and how many work.
type count struct{ Active, Total rest.Int }

// short is whether some are known to be missing.
func (c count) short() bool {
	return c.Active.Valid && c.Total.Valid && c.Active.Value < c.Total.Value
}

func (c count) String() string {
	return fmt.Sprintf("%d of %d", c.Active.Value, c.Total.Value)
}

// backends counts the backend servers, and says what they are.
func (c *cluster) backends() (count, string) {
	servers := count{}
	for _, n := range []struct {
		count
		what string
	}{
		{c.Servers.Backends, "backend servers"}, {c.Containers.Backends, "backend containers"}, {c.Hosts.Backends, "backend hosts"},
	} {
		if n.Total.Valid {
			return n.count, n.what
		}
	}
	return servers, ""
}

// fetchCluster asks the cluster how it is.
func (b *backend) fetchCluster(ctx context.Context) (*cluster, error) {
	return rest.Fetch(ctx, b.client, rest.Request{Path: "/cluster"}, clusterOf)
}

func clusterOf(answer *rest.Answer) (*cluster, error) {
	var said struct{ Data *cluster }
	if err := answer.Decode(&said); err != nil {
		return nil, err
	}
	if said.Data == nil || said.Data.Status == "" {
		return nil, rest.Nonsense("the answer does not say what state the cluster is in")
	}
	return said.Data, nil
}

// alert is something that the cluster finds wrong.
type alert struct {
	Title, Type, Severity rest.Text
	Muted                 rest.Flag
	Params                struct{ Hostname rest.Text }
}

// String is a few words.
func (a alert) String() string {
	text := rest.Clean(cmp.Or(a.Title, a.Type).String(), 60)
	if host := rest.Clean(a.Params.Hostname.String(), 40); host != "" {
		text += " (" + host + ")"
	}
	return text
}

// fetchAlerts gets those that nobody has muted.
func (b *backend) fetchAlerts(ctx context.Context) ([]alert, error) {
	return rest.Fetch(ctx, b.client, rest.Request{Path: "/alerts", Optional: true}, alertsOf)
}

func alertsOf(answer *rest.Answer) ([]alert, error) {
	var said struct{ Data []alert }
	if err := answer.Decode(&said); err != nil {
		return nil, err
	}
	var loud []alert
	for _, a := range said.Data {
		if !a.Muted.Value && a.String() != "" {
			loud = append(loud, a)
		}
	}
	return loud, nil
}
