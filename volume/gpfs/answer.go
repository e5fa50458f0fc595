package gpfs

import (
	"encoding/json"
	"net/http"

	"storage_exporter/volume/rest"
)

// decodeList reads one page of a list, which the answer has under key, and the
// link to the next. Every answer has a status; a list that is empty may be
// missing. Entries that are no objects are left as they are, empty.
func decodeList[T any](a *rest.Answer, key string) (items []T, next string, err error) {
	var status, paging json.RawMessage
	if err := a.Decode(rest.Fields{"status": &status, key: &items, "paging": &paging}); err != nil {
		return nil, "", err
	}
	if err := checkStatus(status); err != nil {
		return nil, "", err
	}
	var page struct{ Next rest.Text }
	if json.Unmarshal(paging, &page) != nil {
		return items, "", nil // one page
	}
	return items, page.Next.String(), nil
}

// checkStatus is an error where an answer's own status is missing, or is a failure
// although HTTP's is not.
func checkStatus(raw json.RawMessage) error {
	var status *struct{ Code rest.Int }
	if json.Unmarshal(raw, &status) != nil || status == nil {
		return rest.Nonsense("the answer has no status: check that the endpoint is a Storage Scale GUI node")
	}
	if status.Code.Value >= http.StatusBadRequest {
		return rest.Nonsense("the answer says that the call failed: its status has the code %d", status.Code.Value)
	}
	return nil
}
