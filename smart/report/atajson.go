package report

import (
	"fmt"
	"strings"

	"storage_exporter/block"
)

const (
	maxAttributes = 256
	maxStatistics = 512
)

type ataJSON struct {
	AdditionalProductID text  `json:"ata_additional_product_id"`
	ATAVersion          coded `json:"ata_version"`
	SATAVersion         coded `json:"sata_version"`
	InDatabase          truth `json:"in_smartctl_database"`
	WWN                 struct {
		NAA number `json:"naa"`
		OUI number `json:"oui"`
		ID  number `json:"id"`
	} `json:"wwn"`
	InterfaceSpeed struct {
		Max     interfaceSpeed `json:"max"`
		Current interfaceSpeed `json:"current"`
	} `json:"interface_speed"`
	Trim struct {
		Supported truth `json:"supported"`
	} `json:"trim"`
	WriteCache    enabled `json:"write_cache"`
	ReadLookahead enabled `json:"read_lookahead"`
	APM           struct {
		Level number `json:"level"`
	} `json:"ata_apm"`
	AAM struct {
		Level number `json:"level"`
	} `json:"ata_aam"`
	Security    coded  `json:"ata_security"`
	ZonedDevice titled `json:"zoned_device"`
	SMARTData   struct {
		Offline struct {
			Status coded `json:"status"`
		} `json:"offline_data_collection"`
		SelfTest struct {
			Status ataSelfTestStatus `json:"status"`
		} `json:"self_test"`
	} `json:"ata_smart_data"`
	SMARTAttributes struct {
		Table []ataAttribute `json:"table"`
	} `json:"ata_smart_attributes"`
	ErrorLog struct {
		Summary  countedLog `json:"summary"`
		Extended countedLog `json:"extended"`
	} `json:"ata_smart_error_log"`
	SelfTestLog struct {
		Standard *ataSelfTestLog `json:"standard"`
		Extended *ataSelfTestLog `json:"extended"`
	} `json:"ata_smart_self_test_log"`
	SCTStatus struct {
		DeviceState coded `json:"device_state"`
	} `json:"ata_sct_status"`
	ERC struct {
		Read  erc `json:"read"`
		Write erc `json:"write"`
	} `json:"ata_sct_erc"`
	DeviceStatistics struct {
		Pages []struct {
			Name  text           `json:"name"`
			Table []ataStatistic `json:"table"`
		} `json:"pages"`
	} `json:"ata_device_statistics"`
	PendingDefectsLog countedLog `json:"ata_pending_defects_log"`
	PHYEvents         struct {
		Table []struct {
			Name  text   `json:"name"`
			Value number `json:"value"`
		} `json:"table"`
	} `json:"sata_phy_event_counters"`
}

type countedLog struct {
	Count number `json:"count"`
}

type interfaceSpeed struct {
	UnitsPerSecond number `json:"units_per_second"`
	BitsPerUnit    number `json:"bits_per_unit"`
}

func (s interfaceSpeed) bitsPerSecond() *float64 {
	units, bits := s.UnitsPerSecond.positive(), s.BitsPerUnit.positive()
	if units == nil || bits == nil {
		return nil
	}
	return finite(*units * *bits)
}

type ataSelfTestStatus struct {
	Value            number `json:"value"`
	String           text   `json:"string"`
	Passed           truth  `json:"passed"`
	RemainingPercent number `json:"remaining_percent"`
}

// result goes by the upper half of the drive's status: 1 and 2 were broken off, 3
// to 8 failed, 15 runs.
func (s ataSelfTestStatus) result() *bool {
	status := s.Value.octet()
	if status == nil {
		return s.Passed.pointer()
	}
	return testResult(*status>>4, 3, 8)
}

type ataSelfTestLog struct {
	Count              number `json:"count"`
	ErrorCountTotal    number `json:"error_count_total"`
	ErrorCountOutdated number `json:"error_count_outdated"`
	Table              []struct {
		Type          coded             `json:"type"`
		Status        ataSelfTestStatus `json:"status"`
		LifetimeHours number            `json:"lifetime_hours"`
		LBA           number            `json:"lba"`
	} `json:"table"`
}

type erc struct {
	Enabled     truth  `json:"enabled"`
	Deciseconds number `json:"deciseconds"`
}

func (e erc) seconds() *float64 {
	if e.Enabled.present && !e.Enabled.value {
		return nil
	}
	d := e.Deciseconds.count()
	if d == nil {
		return nil
	}
	return new(*d / 10)
}

type ataAttribute struct {
	ID         number `json:"id"`
	Name       text   `json:"name"`
	Value      number `json:"value"`
	Worst      number `json:"worst"`
	Thresh     number `json:"thresh"`
	WhenFailed text   `json:"when_failed"`
	Flags      struct {
		String        text  `json:"string"`
		Prefailure    truth `json:"prefailure"`
		UpdatedOnline truth `json:"updated_online"`
		Performance   truth `json:"performance"`
		ErrorRate     truth `json:"error_rate"`
		EventCount    truth `json:"event_count"`
		AutoKeep      truth `json:"auto_keep"`
	} `json:"flags"`
	Raw coded `json:"raw"`
}

type ataStatistic struct {
	Name  text   `json:"name"`
	Value number `json:"value"`
	Flags struct {
		String                text  `json:"string"`
		Valid                 truth `json:"valid"`
		Normalized            truth `json:"normalized"`
		SupportsDSN           truth `json:"supports_dsn"`
		MonitoredConditionMet truth `json:"monitored_condition_met"`
	} `json:"flags"`
}

func (d *ataJSON) fill(r *Report) {
	a := &ATA{
		AdditionalProductID:   string(d.AdditionalProductID),
		Version:               string(d.ATAVersion.String),
		SATAVersion:           string(d.SATAVersion.String),
		InDatabase:            d.InDatabase.pointer(),
		InterfaceSpeedMax:     d.InterfaceSpeed.Max.bitsPerSecond(),
		InterfaceSpeedCurrent: d.InterfaceSpeed.Current.bitsPerSecond(),
		TrimSupported:         d.Trim.Supported.pointer(),
		WriteCacheEnabled:     d.WriteCache.Enabled.pointer(),
		ReadLookaheadEnabled:  d.ReadLookahead.Enabled.pointer(),
		APMLevel:              d.APM.Level.count(),
		AAMLevel:              d.AAM.Level.count(),
		Security:              string(d.Security.String),
		Zoned:                 string(d.ZonedDevice.Name),
		Attributes:            d.attributes(),
		OfflineCollection:     string(d.SMARTData.Offline.Status.String),
		ErrorsSummary:         d.ErrorLog.Summary.Count.count(),
		ErrorsExtended:        d.ErrorLog.Extended.Count.count(),
		SelfTestsStandard:     d.SelfTestLog.Standard.counts(),
		SelfTestsExtended:     d.SelfTestLog.Extended.counts(),
		SCTState:              d.SCTStatus.DeviceState.Value.count(),
		ERCEnabled:            d.ERC.Read.Enabled.pointer(),
		ERCReadSeconds:        d.ERC.Read.seconds(),
		ERCWriteSeconds:       d.ERC.Write.seconds(),
		Statistics:            d.statistics(),
	}
	if s := d.SMARTData.SelfTest.Status; s.String != "" {
		a.SelfTestStatus = &SelfTest{Result: string(s.String), Passed: s.result(), RemainingPercent: s.RemainingPercent.count()}
	}
	r.WWN = d.wwn()
	r.PendingDefects = d.PendingDefectsLog.Count.count()
	r.SelfTests = d.selfTests()
	r.ATA = a
}

// wwn puts the name together: four bits of the naming authority, 24 of the
// vendor and 36 of the vendor's own number.
func (d *ataJSON) wwn() string {
	naa, ok1 := d.WWN.NAA.uint64()
	oui, ok2 := d.WWN.OUI.uint64()
	id, ok3 := d.WWN.ID.uint64()
	if !ok1 || !ok2 || !ok3 || naa >= 1<<4 || oui >= 1<<24 || id >= 1<<36 {
		return ""
	}
	return block.NormalWWN(fmt.Sprintf("0x%016x", naa<<60|oui<<36|id))
}

func (d *ataJSON) attributes() []Attribute {
	var out []Attribute
	seen := make(map[int]bool)
	for _, a := range d.SMARTAttributes.Table {
		id := a.ID.int(0)
		if id < 1 || id > 255 || seen[id] || len(out) == maxAttributes {
			continue
		}
		seen[id] = true
		out = append(out, Attribute{
			ID:    id,
			Name:  string(a.Name),
			Flags: string(a.Flags.String),
			FlagsLong: flagNames(
				flagBit{"prefailure", a.Flags.Prefailure}, flagBit{"updated_online", a.Flags.UpdatedOnline},
				flagBit{"performance", a.Flags.Performance}, flagBit{"error_rate", a.Flags.ErrorRate},
				flagBit{"event_count", a.Flags.EventCount}, flagBit{"auto_keep", a.Flags.AutoKeep}),
			Value:      a.Value.count(),
			Worst:      a.Worst.count(),
			Thresh:     a.Thresh.count(),
			WhenFailed: string(a.WhenFailed),
			Raw:        a.Raw.Value.count(),
			RawString:  string(a.Raw.String),
		})
	}
	return out
}

// statistics flattens the pages. The vendor's page repeats what stands in the others.
func (d *ataJSON) statistics() []Statistic {
	var out []Statistic
	for _, page := range d.DeviceStatistics.Pages {
		if page.Name == "Vendor Specific Statistics" {
			continue
		}
		for _, s := range page.Table {
			if s.Name == "" || len(out) == maxStatistics {
				continue
			}
			out = append(out, Statistic{
				Table: string(page.Name),
				Name:  string(s.Name),
				Value: s.Value.signed(),
				Flags: string(s.Flags.String),
				FlagsLong: flagNames(
					flagBit{"valid", s.Flags.Valid}, flagBit{"normalized", s.Flags.Normalized},
					flagBit{"supports_dsn", s.Flags.SupportsDSN}, flagBit{"monitored_condition_met", s.Flags.MonitoredConditionMet}),
			})
		}
	}
	for _, e := range d.PHYEvents.Table {
		if e.Name == "" || len(out) == maxStatistics {
			continue
		}
		out = append(out, Statistic{Table: "SATA PHY Event Counters", Name: string(e.Name), Value: e.Value.signed(), Flags: "V---", FlagsLong: "valid"})
	}
	return out
}

// selfTests reads the extended log where there is one: it holds more entries.
func (d *ataJSON) selfTests() []SelfTest {
	log := d.SelfTestLog.Extended
	if log == nil {
		log = d.SelfTestLog.Standard
	}
	if log == nil {
		return nil
	}
	var out []SelfTest
	for _, t := range bounded(log.Table, maxSelfTests) {
		if t.Status.String == "" && t.Type.String == "" {
			continue
		}
		out = append(out, SelfTest{
			Type:             string(t.Type.String),
			Result:           string(t.Status.String),
			Passed:           t.Status.result(),
			RemainingPercent: t.Status.RemainingPercent.count(),
			PowerOnHours:     t.LifetimeHours.count(),
			LBA:              t.LBA.count(),
		})
	}
	return out
}

func (l *ataSelfTestLog) counts() *SelfTestLog {
	if l == nil {
		return nil
	}
	return &SelfTestLog{Count: l.Count.count(), ErrorCount: l.ErrorCountTotal.count(), OutdatedErrorCount: l.ErrorCountOutdated.count()}
}

type flagBit struct {
	name string
	set  truth
}

// flagNames lists the flags that are set, as in "prefailure,auto_keep".
func flagNames(flags ...flagBit) string {
	var set []string
	for _, f := range flags {
		if f.set.value {
			set = append(set, f.name)
		}
	}
	return strings.Join(set, ",")
}
