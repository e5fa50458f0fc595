package smart

import (
	"regexp"

	"storage_exporter/block"
)

// virtualDisks are the vendors and models by which arrays and RAID controllers
// show what they make of their drives, as SCSI INQUIRY reports them. Both patterns
// must match; an empty one always does. They are anchored at the start, ignore
// case, and are narrow where a vendor sells drives as well. The disks of virtual
// machines (QEMU, virtio, VMware) are not among them: they are what the machine has.
var virtualDisks = []struct {
	vendor, model *regexp.Regexp
	what          string
}{
	// LUNs of arrays.
	{pattern(`NETAPP$`), pattern(`LUN|INF-`), "NetApp LUN"},
	{pattern(`PURE$`), pattern(`FlashArray`), "Pure Storage LUN"},
	{pattern(`DGC$`), nil, "Dell EMC CLARiiON, VNX or Unity LUN"},
	{pattern(`EMC$`), pattern(`SYMMETRIX|Invista`), "Dell EMC LUN"},
	{pattern(`DellEMC$`), pattern(`PowerStore|ME4|ME5`), "Dell EMC LUN"},
	{pattern(`XtremIO$`), nil, "Dell EMC XtremIO LUN"},
	{pattern(`COMPELNT$`), nil, "Dell Compellent LUN"},
	{pattern(`EQLOGIC$`), nil, "Dell EqualLogic LUN"},
	{pattern(`DELL$`), pattern(`MD3|Universal Xport`), "Dell PowerVault LUN"},
	{pattern(`3PARdata$`), pattern(`VV`), "HPE 3PAR or Primera LUN"},
	{pattern(`Nimble$`), pattern(`Server`), "HPE Nimble LUN"},
	{pattern(`HPE?$`), pattern(`HSV|MSA|P2000|OPEN-`), "HPE LUN"},
	{pattern(`HITACHI$`), pattern(`OPEN-|DF600`), "Hitachi LUN"},
	{pattern(`IBM$`), pattern(`2105|2107|2145|1722|1742|1814|1818|FlashSystem`), "IBM LUN"},
	{pattern(`IFT$|INFINIDAT$|NFINIDAT$`), nil, "LUN of an array"},
	{pattern(`HUAWEI$`), pattern(`XSG1|S\d`), "Huawei LUN"},
	{pattern(`Promise$`), pattern(`VTrak|VessRAID`), "Promise LUN"},
	// Software targets.
	{pattern(`IET$`), pattern(`VIRTUAL-DISK`), "LUN of an iSCSI target"},
	{pattern(`LIO-ORG$|SCST|FreeNAS$|TrueNAS$|SYNOLOGY$|QNAP$`), nil, "LUN of a software target"},
	{pattern(`FreeBSD$`), pattern(`CTLDISK|iSCSI`), "LUN of a software target"},
	// What RAID controllers make. Their drives are named by --smartctl.device.
	{pattern(`DELL$`), pattern(`PERC`), "Dell PERC virtual disk"},
	{pattern(`ATA$`), pattern(`DELLBOSS VD`), "Dell BOSS virtual disk"},
	{pattern(`(LSI|AVAGO|BROADCOM)$`), pattern(`MR|MegaR|SAS\d+ MR|9750`), "MegaRAID virtual disk"},
	{pattern(`LSILOGIC$|LSI$`), pattern(`Logical Volume`), "LSI virtual disk"},
	{pattern(`SMC$`), pattern(`SMC\d`), "Supermicro RAID virtual disk"},
	{pattern(`INTEL$`), pattern(`RS\d|RMS|RSP`), "Intel RAID virtual disk"},
	{pattern(`LENOVO$|IBM$`), pattern(`RAID|ServeRAID`), "Lenovo RAID virtual disk"},
	{pattern(`FTS$`), pattern(`PRAID`), "Fujitsu RAID virtual disk"},
	{pattern(`Cisco$`), pattern(`UCS`), "Cisco RAID virtual disk"},
	{pattern(`(HPE?|COMPAQ|MSCC|Microsemi|Adaptec)$`), pattern(`LOGICAL VOLUME`), "Smart Array or Adaptec logical volume"},
	{pattern(`ASR`), nil, "Adaptec array"},
	{pattern(`AMCC$|3ware$`), nil, "3ware unit"},
	{pattern(`Areca$`), nil, "Areca volume"},
}

func pattern(s string) *regexp.Regexp { return regexp.MustCompile(`(?i)^(?:` + s + `)`) }

// driveMakers sell drives with a fibre channel port, which are no LUNs.
var driveMakers = pattern(`SEAGATE|HGST|WDC|TOSHIBA|FUJITSU|SAMSUNG|IBM-ESXS`)

// virtual says what a device is if it is no drive of this host but made by an
// array or a RAID controller, so that it has no health of its own; empty for a
// drive, and for what the kernel knows nothing of.
func virtual(m block.Maker) string {
	if m.NVMe {
		switch m.Transport {
		case "tcp", "rdma", "fc", "loop":
			return "NVMe over fabrics (" + m.Transport + ")"
		}
		return ""
	}
	for _, v := range virtualDisks {
		if v.vendor.MatchString(m.Vendor) && (v.model == nil || v.model.MatchString(m.Model)) {
			return v.what
		}
	}
	switch {
	case m.Transport == "iscsi":
		return "iSCSI LUN"
	case m.Transport == "fc" && !driveMakers.MatchString(m.Vendor):
		return "Fibre Channel LUN"
	}
	return ""
}
