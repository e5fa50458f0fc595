// Package checks holds the tests that need libraries which the exporter itself must
// not carry. Each folder below it is one subject.
package checks
