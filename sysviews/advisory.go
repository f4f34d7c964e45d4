package sysviews

import (
	"gompho/functions"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/session"
	"gompho/types"
)

// advisoryEntries are the sixteen functions of advisory locks in both forms of keys, named by scope, mode and form.
func advisoryEntries() []functions.Entry {
	var out []functions.Entry
	for _, form := range []string{"int8", "int4"} {
		for _, mode := range []struct {
			suffix string
			mode   locks.Mode
		}{{"", locks.Exclusive}, {"_shared", locks.Share}} {
			m := mode.mode
			for _, scope := range []struct {
				infix   string
				session bool
			}{{"", true}, {"xact_", false}} {
				sess := scope.session
				out = append(out,
					functions.Entry{Name: "pg_advisory_" + scope.infix + "lock" + mode.suffix + "_" + form, Scalar: scalarOf(func(s *session.Session, a []types.Datum) (types.Datum, error) {
						return types.String(""), s.Owner.Acquire(advisoryTag(s, a), m, locks.Opts{Session: sess})
					})},
					functions.Entry{Name: "pg_try_advisory_" + scope.infix + "lock" + mode.suffix + "_" + form, Scalar: scalarOf(func(s *session.Session, a []types.Datum) (types.Datum, error) {
						ok, err := s.Owner.TryAcquire(advisoryTag(s, a), m, sess)
						return types.Bool(ok), err
					})})
			}
			out = append(out, functions.Entry{Name: "pg_advisory_unlock" + mode.suffix + "_" + form, Scalar: scalarOf(func(s *session.Session, a []types.Datum) (types.Datum, error) {
				ok := s.Owner.Release(advisoryTag(s, a), m, true)
				if !ok {
					s.Warn(pgerr.WarningCode, "you don't own a lock of type %s", m)
				}
				return types.Bool(ok), nil
			})})
		}
	}
	return append(out, functions.Entry{Name: "pg_advisory_unlock_all", Scalar: scalarOf(func(s *session.Session, _ []types.Datum) (types.Datum, error) {
		s.Owner.ReleaseAdvisory()
		return types.String(""), nil
	})})
}

func advisoryTag(s *session.Session, a []types.Datum) locks.Tag {
	if len(a) == 1 {
		return locks.AdvisoryKey(s.DB, a[0].Int())
	}
	return locks.AdvisoryKeys(s.DB, int32(a[0].Int()), int32(a[1].Int()))
}
