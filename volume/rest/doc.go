// Package rest is what the backends of appliances with a REST API share: how an
// appliance is reached, one client for each with its session, errors that an
// operator can act on, JSON values that may be anything, paging, and facts that are
// asked for seldom.
//
// A backend reads its options with ReadAccess, makes one Client with NewClient and
// calls Get and Pages. It decodes into structs whose scalars are Text, Float,
// Int, Flag and Time, so that one odd value never costs the whole answer, and
// returns errors as it got them: volume.Diagnose knows what they mean.
package rest
