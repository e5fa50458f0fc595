package graphql

import (
	"os"
	"strings"
	"testing"
)

func TestSchemaIsDocumented(t *testing.T) {
	doc, err := os.ReadFile("../docs/graphql.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(doc), "```graphql\n"+strings.TrimSpace(schemaText)+"\n```") {
		t.Error("docs/graphql.md has another schema")
	}
}
