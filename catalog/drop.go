package catalog

// DropHooks are told of what a deletion removes; every field may be nil.
type DropHooks struct {
	// Relation is called for each relation with storage before its rows go.
	Relation func(r *Relation) error
}
