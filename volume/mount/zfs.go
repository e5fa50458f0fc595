package mount

import (
	"path/filepath"
	"strings"

	"storage_exporter/volume/rates"
)

// poolOf is the pool of a mounted dataset, which its source names.
func poolOf(m Mount) (string, bool) {
	pool, _, _ := strings.Cut(m.Source, "/")
	return pool, pool != "" && pool != "." && pool != ".."
}

// kstat is where the kernel shows what it knows of a pool.
func (h *Host) kstat(pool string) string { return h.Proc("spl", "kstat", "zfs", pool) }

// zfsSample reads a dataset's counters: /proc/spl/kstat/zfs/<pool>/objset-*. They
// have no times.
func (h *Host) zfsSample(m Mount) (rates.Sample, error) {
	pool, ok := poolOf(m)
	if !ok {
		return rates.Sample{}, Unsupported("%q at %s is no dataset", m.Source, m.Point)
	}
	sets, err := filepath.Glob(h.kstat(pool) + "/objset-*")
	if err != nil {
		return rates.Sample{}, err
	}
	for _, set := range sets {
		content, err := ReadFile(set)
		if err != nil {
			continue // a dataset may go while we look
		}
		name, read, write := parseObjset(string(content))
		if name == m.Source {
			return rates.Sample{Identity: set, Read: read, Write: write, ByteUnit: 1}, nil
		}
	}
	return rates.Sample{}, Unsupported("no counters are known of the dataset %s", m.Source)
}

// parseObjset reads lines of `name type value`.
func parseObjset(content string) (dataset string, read, write rates.Counters) {
	for line := range strings.Lines(content) {
		fields := strings.Fields(line)
		if len(fields) < 3 {
			continue
		}
		if fields[0] == "dataset_name" {
			dataset = strings.Join(fields[2:], " ")
			continue
		}
		switch n := Count(fields[2]); fields[0] {
		case "reads":
			read.Ops = n
		case "nread":
			read.Bytes = n
		case "writes":
			write.Ops = n
		case "nwritten":
			write.Bytes = n
		}
	}
	return dataset, read, write
}
