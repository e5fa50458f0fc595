package report

// ATA is what only SATA and PATA drives report.
type ATA struct {
	AdditionalProductID string `json:"additional_product_id,omitempty"`
	Version             string `json:"version,omitempty"`
	SATAVersion         string `json:"sata_version,omitempty"`
	InDatabase          *bool  `json:"in_smartctl_database,omitempty"`
	// Interface speeds are bits per second.
	InterfaceSpeedMax     *float64 `json:"interface_speed_max,omitempty"`
	InterfaceSpeedCurrent *float64 `json:"interface_speed_current,omitempty"`
	TrimSupported         *bool    `json:"trim_supported,omitempty"`
	WriteCacheEnabled     *bool    `json:"write_cache_enabled,omitempty"`
	ReadLookaheadEnabled  *bool    `json:"read_lookahead_enabled,omitempty"`
	APMLevel              *float64 `json:"apm_level,omitempty"`
	AAMLevel              *float64 `json:"aam_level,omitempty"`
	Security              string   `json:"security,omitempty"`
	Zoned                 string   `json:"zoned,omitempty"`

	Attributes        []Attribute `json:"attributes,omitempty"`
	OfflineCollection string      `json:"offline_collection,omitempty"`
	// SelfTestStatus is of the test that runs or ran last.
	SelfTestStatus *SelfTest `json:"self_test_status,omitempty"`
	// Counts of the error log: of the summary log, or of the extended one.
	ErrorsSummary  *float64 `json:"errors_summary,omitempty"`
	ErrorsExtended *float64 `json:"errors_extended,omitempty"`
	// Counts of the self-test logs.
	SelfTestsStandard *SelfTestLog `json:"self_tests_standard,omitempty"`
	SelfTestsExtended *SelfTestLog `json:"self_tests_extended,omitempty"`

	// SCTState is 0 active, 1 standby, 2 sleep, 3 self-test, 4 offline
	// collection, 5 a SCT command.
	SCTState *float64 `json:"sct_state,omitempty"`
	// Error recovery control, in seconds; nil where it is off or unsupported.
	ERCEnabled      *bool       `json:"erc_enabled,omitempty"`
	ERCReadSeconds  *float64    `json:"erc_read_seconds,omitempty"`
	ERCWriteSeconds *float64    `json:"erc_write_seconds,omitempty"`
	Statistics      []Statistic `json:"statistics,omitempty"`
}

// Attribute is one line of the vendor's attribute table.
type Attribute struct {
	ID    int    `json:"id"`
	Name  string `json:"name,omitempty"`
	Flags string `json:"flags,omitempty"` // "PO--CK"
	// FlagsLong names the flags that are set: "prefailure,updated_online".
	FlagsLong  string   `json:"flags_long,omitempty"`
	Value      *float64 `json:"value,omitempty"`  // normalised by the vendor; lower is worse
	Worst      *float64 `json:"worst,omitempty"`  // the lowest value so far
	Thresh     *float64 `json:"thresh,omitempty"` // at or below it the attribute has failed; 0 never
	WhenFailed string   `json:"when_failed,omitempty"`
	Raw        *float64 `json:"raw,omitempty"`        // up to 48 bits, which some vendors pack
	RawString  string   `json:"raw_string,omitempty"` // as smartctl unpacks it
}

// SelfTestLog counts the entries of a self-test log.
type SelfTestLog struct {
	Count      *float64 `json:"count,omitempty"`
	ErrorCount *float64 `json:"error_count,omitempty"`
	// OutdatedErrorCount is how many of the errors a newer extended test that
	// passed has made good.
	OutdatedErrorCount *float64 `json:"outdated_error_count,omitempty"`
}

// Statistic is one entry of the device statistics or of the SATA PHY event counters.
type Statistic struct {
	Table     string   `json:"table"`
	Name      string   `json:"name"`
	Value     *float64 `json:"value,omitempty"`
	Flags     string   `json:"flags,omitempty"` // "V---"
	FlagsLong string   `json:"flags_long,omitempty"`
}
