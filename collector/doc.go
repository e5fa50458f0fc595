// Package collector turns snapshots into metrics, a file for each subject's
// families. It asks no drive and no array: it reads what the cache holds, and only
// waits, within a scrape's deadline, for what was never observed.
package collector
