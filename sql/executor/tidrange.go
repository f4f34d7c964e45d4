package executor

import (
	"gompho/internal/ids"
	"gompho/sql/plan"
	"gompho/sql/query"
)

// tidRangeScan reads the blocks that conditions on ctid leave over. Each row is checked as well.
type tidRangeScan struct {
	seqScan
	bounds []tidBound
}

// tidBound is a condition on ctid: above or below a value, or at it.
type tidBound struct {
	lower bool
	value expr
}

func (ex *Exec) makeTidRangeScan(p *plan.TidRangeScan) (node, error) {
	s := p.Scan
	quals := append([]query.Expr(nil), p.TidRangeQuals...)
	if s.Qual != nil {
		quals = append(quals, s.Qual)
	}
	s.Qual = quals[0]
	if len(quals) > 1 {
		s.Qual = &query.BoolExpr{Result: query.Result{ResType: boolOid, ResTypmod: -1}, Op: query.AndExpr, Args: quals}
	}
	n := &tidRangeScan{}
	if err := n.setupScan(ex, &s, nil); err != nil {
		return nil, err
	}
	n.limited.source, n.pieces = n.fetch, n.blocks
	c := n.compiler()
	for _, q := range p.TidRangeQuals {
		op, ok := q.(*query.OpExpr)
		if !ok || len(op.Args) != 2 {
			continue
		}
		o, err := ex.env.Catalog.Operator(op.OpNo)
		if err != nil {
			return nil, err
		}
		val := 1
		if v, ok := op.Args[1].(*query.Var); ok && v.Varno == n.rti {
			val = 0
		}
		value, err := c.compile(op.Args[val])
		if err != nil {
			return nil, err
		}
		n.bounds = append(n.bounds, tidBound{o != nil && (o.Oprname[0] == '>') == (val == 1), value})
	}
	return n, nil
}

// blocks evaluates the conditions: the scan reads [from, to).
func (n *tidRangeScan) blocks() (from, to ids.BlockNumber, err error) {
	to = ids.InvalidBlock
	for _, b := range n.bounds {
		d, err := b.value.scalar(0)
		if err != nil {
			return 0, 0, err
		}
		if d.IsNull() {
			return ids.InvalidBlock, ids.InvalidBlock, nil
		}
		switch t := ids.UnpackTID(d.Word()); {
		case b.lower:
			from = max(from, t.Block)
		case t.Block < ids.InvalidBlock:
			to = min(to, t.Block+1)
		}
	}
	return from, to, nil
}
