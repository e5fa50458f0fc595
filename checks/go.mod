// Module checks holds the tests that need libraries which the exporter itself
// must not carry: a browser's, Compose's, Grafana's.
module storage_exporter/checks

go 1.26.0

require storage_exporter v0.0.0

require (
	github.com/chromedp/cdproto v0.159.0 // indirect
	github.com/chromedp/chromedp v0.23.0 // indirect
	github.com/compose-spec/compose-go/v2 v2.16.2 // indirect
	github.com/go-json-experiment/json v0.0.0-20260213210345-44df1a37e875 // indirect
	github.com/grafana/grafana-foundation-sdk/go v0.0.22 // indirect
	go.yaml.in/yaml/v2 v2.4.4
)

replace storage_exporter => ../
