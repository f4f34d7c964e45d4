package functions

import "sync"

// Entry is one built-in function. Exactly one of Scalar, Set, Agg and Window is set; Kernel goes with Scalar.
type Entry struct {
	Name   string // pg_proc.prosrc, or of an aggregate name(types)
	Scalar Scalar
	Kernel Kernel
	Set    SetFunc
	Agg    *Aggregate
	Window *Window
}

// Registry finds built-in functions by name. It never changes once made.
type Registry struct {
	entries map[string]*Entry
	below   *Registry
}

// Lookup returns the function of that name, nil if there is none.
func (r *Registry) Lookup(prosrc string) *Entry {
	for ; r != nil; r = r.below {
		if e := r.entries[prosrc]; e != nil {
			return e
		}
	}
	return nil
}

// With returns a registry that has the given entries, too; of two with one name the later wins.
func (r *Registry) With(families ...[]Entry) *Registry {
	n := 0
	for _, f := range families {
		n += len(f)
	}
	m := make(map[string]*Entry, n)
	for _, f := range families {
		for i := range f {
			m[f[i].Name] = &f[i]
		}
	}
	return &Registry{entries: m, below: r}
}

// Names returns the names of all entries, in no order.
func (r *Registry) Names() []string {
	var names []string
	seen := map[string]bool{}
	for ; r != nil; r = r.below {
		for n := range r.entries {
			if !seen[n] {
				seen[n] = true
				names = append(names, n)
			}
		}
	}
	return names
}

// Builtins returns the registry of all functions of this package.
func Builtins() *Registry {
	builtinsOnce.Do(func() { builtins = (*Registry)(nil).With(families()...) })
	return builtins
}

var (
	builtinsOnce sync.Once
	builtins     *Registry
)
