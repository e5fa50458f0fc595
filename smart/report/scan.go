package report

import "fmt"

// ParseScan reads what a scan found, n devices at most. Of an answer only the
// name and the type are there.
func ParseScan(b []byte, n int) ([]Answer, error) {
	var doc struct {
		Devices []struct {
			Name text `json:"name"`
			Type text `json:"type"`
		} `json:"devices"`
	}
	if err := decode(b, &doc); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadOutput, err)
	}
	devices := make([]Answer, 0, min(len(doc.Devices), n))
	for _, found := range bounded(doc.Devices, n) {
		devices = append(devices, Answer{Name: string(found.Name), Type: string(found.Type)})
	}
	return devices, nil
}
