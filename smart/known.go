package smart

// Known is the monitored drives as List has them, without waiting; false where
// there is no list yet, or no longer.
func (ds *Drives) Known() ([]*Drive, bool) { return ds.current() }
