package sysviews

import (
	"gompho/functions"
	"gompho/session"
	"gompho/stats"
	"gompho/types"
)

func stepEntries() []functions.Entry {
	return []functions.Entry{
		{Name: "gompho_get_request_steps", Set: setOf(requestSteps)},
		{Name: "gompho_request_steps_reset", Scalar: in(func(s *session.Session, _ *functions.Call) (types.Datum, error) {
			s.Stats.ResetRequestSteps()
			return void, nil
		})},
	}
}

// requestSteps lists the columns of gompho_get_request_steps: durations in milliseconds, and the number of steps below each power of two of microseconds.
func requestSteps(s *session.Session, _ *functions.Call) (out [][]types.Datum, err error) {
	for db, steps := range s.Stats.RequestSteps() {
		for k := range steps {
			c := &steps[k]
			mean := 0.0
			if c.Calls > 0 {
				mean = float64(c.Nanos) / 1e6 / float64(c.Calls)
			}
			row := []types.Datum{types.OidDatum(db), types.String(stats.Step(k).String()), types.Int(c.Calls), types.Float(float64(c.Nanos) / 1e6),
				types.Float(mean), types.Float(float64(c.MaxNanos) / 1e6)}
			for _, q := range []float64{0.5, 0.95, 0.99} {
				row = append(row, types.Float(float64(c.Quantile(q))/1e6))
			}
			a := types.Array{Elem: 20, Dims: []int32{stats.StepBuckets}, Lbounds: []int32{1}}
			for _, n := range c.Buckets {
				a.Elems = append(a.Elems, types.Int(n))
			}
			out = append(out, append(row, a.Encode(types.Builtin(20))))
		}
	}
	return out, nil
}
