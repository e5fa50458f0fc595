package api

// capabilities are what a Backend.AI storage proxy says that volumes of a backend can
// do, by the backend's name. Its manager offers by them what users can choose.
var capabilities = map[string][]string{
	"cephfs":           {"vfolder", "quota", "fast-size"},
	"dellemc-onefs":    {"vfolder", "quota", "metric", "fast-fs-size"},
	"exascaler":        {"vfolder", "quota"},
	"gpfs":             {"vfolder", "quota", "metric", "fast-fs-size"},
	"hammerspace":      {"vfolder", "quota"},
	"hammerspace-base": {"vfolder"},
	"netapp":           {"vfolder", "quota", "metric", "fast-fs-size", "fast-size"},
	"nfs":              {"vfolder"}, // the proxy has no such backend
	"purestorage":      {"vfolder", "metric", "fast-fs-size", "fast-scan"},
	"spectrumscale":    {"vfolder", "quota", "metric", "fast-fs-size"},
	"vast":             {"vfolder", "quota", "metric", "fast-fs-size", "fast-size"},
	"vfs":              {"vfolder"},
	"weka":             {"vfolder", "quota", "metric", "fast-fs-size"},
	"xfs":              {"vfolder", "quota"},
}
