package api

import (
	"context"
	_ "embed" // the document
	"net/http"
)

// openAPI describes all paths and answers; a test holds it against them.
//
//go:embed openapi.yaml
var openAPI []byte

func (a *API) describeAPI(context.Context, *http.Request) (answer, error) {
	return answer{encoded: openAPI, contentType: "application/yaml"}, nil
}
