package catalog

import (
	"embed"
	"io/fs"
	"regexp"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/query"
	"gompho/types"
)

//go:embed views/*.sql
var viewFiles embed.FS

// Script is SQL that makes system objects in a new cluster.
type Script struct {
	Name       string // of the file
	SearchPath []string
	SQL        string
}

// Scripts returns the SQL of the system views and of information_schema, in the order in which it is to run: each with its
// search path, in a session made by NewBootSession.
func Scripts() ([]Script, error) {
	names, err := fs.Glob(viewFiles, "views/*.sql")
	if err != nil {
		return nil, err
	}
	var out []Script
	for _, name := range names { // Glob sorts
		b, err := viewFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		s := Script{Name: name, SearchPath: []string{"pg_catalog"}, SQL: string(b)}
		if infoFile.MatchString(name) {
			s.SearchPath = []string{"information_schema", "pg_catalog"}
		}
		out = append(out, s)
	}
	return out, nil
}

// infoFile matches the files whose objects are in information_schema.
var infoFile = regexp.MustCompile(`/\d+_info_`)

// bootInformationSchema makes the schema information_schema with its domains and functions.
func (s *Session) bootInformationSchema() error {
	ns, err := s.CreateNamespace("information_schema", ids.BootstrapRole, []AclItem{
		{ids.BootstrapRole, ids.BootstrapRole, AclUsage | AclCreate}, {0, ids.BootstrapRole, AclUsage}}, false)
	if err != nil {
		return err
	}
	for _, d := range []struct {
		name      string
		base      ids.Oid
		typmod    int32
		collation ids.Oid
		check     func() query.Expr
	}{
		{"cardinal_number", int4Oid, -1, 0, notNegative}, {"character_data", types.VarcharOid, -1, cCollation, nil},
		{"sql_identifier", nameOid, -1, cCollation, nil}, {"time_stamp", types.TimestamptzOid, 2, 0, nil},
		{"yes_or_no", types.VarcharOid, 7, cCollation, yesOrNo},
	} {
		if err := s.bootDomain(ns, d.name, d.base, d.typmod, d.collation, d.check); err != nil {
			return err
		}
	}
	if err := s.IncrementCommand(); err != nil {
		return err
	}
	return s.bootInfoFunctions(ns)
}

func (s *Session) bootDomain(ns ids.Oid, name string, base ids.Oid, typmod int32, collation ids.Oid, check func() query.Expr) error {
	b, err := s.TypeRow(base)
	if err != nil {
		return err
	}
	array, err := s.NewObjectOid(PgTypeOid)
	if err != nil {
		return err
	}
	d := &PgType{Typname: name, Typnamespace: ns, Typowner: ids.BootstrapRole, Typlen: b.Typlen, Typbyval: b.Typbyval, Typtype: 'd',
		Typcategory: b.Typcategory, Typisdefined: true, Typdelim: ',', Typarray: array, Typinput: domainIn, Typoutput: b.Typoutput,
		Typreceive: domainRecv, Typsend: b.Typsend, Typalign: b.Typalign, Typstorage: b.Typstorage, Typbasetype: base,
		Typtypmod: typmod, Typcollation: collation}
	if err := s.CreateType(d); err != nil {
		return err
	}
	if err := s.CreateArrayType(d, array); err != nil {
		return err
	}
	if check == nil {
		return nil
	}
	_, err = s.CreateConstraint(&NewConstraint{PgConstraint: PgConstraint{Conname: name + "_domain_check", Connamespace: ns, Contype: 'c',
		Contypid: d.Oid, Convalidated: true, Conislocal: true}, Expr: check()})
	return err
}

const (
	domainIn   ids.Oid = 2597
	domainRecv ids.Oid = 2598
)

func boolResult() query.Result { return query.Result{ResType: boolOid, ResTypmod: -1} }

// notNegative is VALUE >= 0.
func notNegative() query.Expr {
	return &query.OpExpr{Result: boolResult(), OpNo: 525, FuncID: 150, Args: []query.Expr{
		&query.CoerceToDomainValue{Result: query.Result{ResType: int4Oid, ResTypmod: -1}},
		&query.Const{Result: query.Result{ResType: int4Oid, ResTypmod: -1}, Value: types.Int(0), Location: -1}}, Location: -1}
}

// yesOrNo is VALUE IN ('YES', 'NO').
func yesOrNo() query.Expr {
	text := query.Result{ResType: textOid, ResTypmod: -1, ResCollation: cCollation}
	value := &query.RelabelType{Result: text, Format: query.CoerceImplicitCast, Location: -1,
		Arg: &query.CoerceToDomainValue{Result: query.Result{ResType: types.VarcharOid, ResTypmod: 7, ResCollation: cCollation}}}
	list := types.NewArray(textOid, []types.Datum{types.String("YES"), types.String("NO")}).Encode(types.Builtin(textOid))
	array := &query.Const{Result: query.Result{ResType: textArrayOid, ResTypmod: -1, ResCollation: cCollation}, Value: list, Location: -1}
	return &query.ScalarArrayOpExpr{Result: boolResult(), OpNo: 98, FuncID: 67, UseOr: true, InputCollid: cCollation,
		Args: []query.Expr{value, array}, Location: -1}
}

// bootInfoFunctions makes the helper functions that PostgreSQL writes in SQL; here they are built in.
func (s *Session) bootInfoFunctions(ns ids.Oid) error {
	pgAttribute, pgType := s.cat.facts.relations[PgAttributeOid].RowType, s.cat.facts.relations[PgTypeOid].RowType
	oidInt, names := []ids.Oid{oidOid, int4Oid}, []string{"typid", "typmod"}
	for _, f := range []struct {
		name  string
		args  []ids.Oid
		names []string
		ret   ids.Oid
		vol   byte
	}{
		{"_pg_truetypid", []ids.Oid{pgAttribute, pgType}, nil, oidOid, 'i'},
		{"_pg_truetypmod", []ids.Oid{pgAttribute, pgType}, nil, int4Oid, 'i'},
		{"_pg_char_max_length", oidInt, names, int4Oid, 'i'}, {"_pg_char_octet_length", oidInt, names, int4Oid, 'i'},
		{"_pg_numeric_precision", oidInt, names, int4Oid, 'i'}, {"_pg_numeric_precision_radix", oidInt, names, int4Oid, 'i'},
		{"_pg_numeric_scale", oidInt, names, int4Oid, 'i'}, {"_pg_datetime_precision", oidInt, names, int4Oid, 'i'},
		{"_pg_interval_type", oidInt, []string{"typid", "mod"}, textOid, 'i'},
		{"_pg_index_position", []ids.Oid{oidOid, int2Oid}, nil, int4Oid, 's'},
	} {
		p := internalProc(ns, f.name, f.args, f.ret)
		p.Proargnames, p.Provolatile = f.names, f.vol
		if err := s.CreateProc(p); err != nil {
			return err
		}
	}
	p := internalProc(ns, "_pg_expandarray", []ids.Oid{anyArrayOid}, recordOid)
	p.Proretset, p.Prorows = true, 1000
	p.Proallargtypes = []ids.Oid{anyArrayOid, anyElementOid, int4Oid}
	p.Proargmodes, p.Proargnames = []byte("ioo"), []string{"", "x", "n"}
	return s.CreateProc(p)
}

const internalLanguage ids.Oid = 12

func internalProc(ns ids.Oid, name string, args []ids.Oid, ret ids.Oid) *PgProc {
	return &PgProc{Proname: name, Pronamespace: ns, Proowner: ids.BootstrapRole, Prolang: internalLanguage, Procost: 1, Prokind: 'f',
		Proisstrict: true, Provolatile: 'i', Proparallel: 's', Pronargs: int16(len(args)), Prorettype: ret, Proargtypes: args, Prosrc: name}
}

// CreateProc inserts a function's row, giving it an Oid when it has none, and records what it depends on, expressions apart.
func (s *Session) CreateProc(p *PgProc) error {
	if p.Oid == 0 {
		o, err := s.NewObjectOid(PgProcOid)
		if err != nil {
			return err
		}
		p.Oid = o
	}
	if err := s.Insert(p); err != nil {
		return err
	}
	me := Object{Class: PgProcOid, Oid: p.Oid}
	refs := []Object{{Class: PgNamespaceOid, Oid: p.Pronamespace}, {Class: PgLanguageOid, Oid: p.Prolang}, {Class: PgTypeOid, Oid: p.Prorettype}}
	args := p.Proargtypes
	if p.Proallargtypes != nil {
		args = p.Proallargtypes
	}
	for _, t := range args {
		refs = append(refs, Object{Class: PgTypeOid, Oid: t})
	}
	if p.Prosupport != 0 {
		refs = append(refs, Object{Class: PgProcOid, Oid: p.Prosupport})
	}
	if err := s.RecordDependencies(me, refs, DepNormal); err != nil {
		return err
	}
	if err := s.RecordOwner(me, p.Proowner); err != nil {
		return err
	}
	return s.RecordAcl(me, p.Proowner, p.Proacl)
}

// FinishViews gives everybody the right to read the system views, apart from those with secrets, and ends the making of the
// system. It runs after Scripts.
func (s *Session) FinishViews() error {
	defer s.cat.booting.Store(false)
	reserved := map[string][]AclItem{
		"pg_shadow": {}, "pg_file_settings": {}, "pg_hba_file_rules": {}, "pg_ident_file_mappings": {}, "pg_config": {},
		"pg_replication_origin_status": {}, "pg_settings": {{0, ids.BootstrapRole, AclSelect | AclUpdate}},
		"pg_backend_memory_contexts": {{readAllStats, ids.BootstrapRole, AclSelect}},
		"pg_shmem_allocations":       {{readAllStats, ids.BootstrapRole, AclSelect}},
		"pg_buffercache":             {{monitor, ids.BootstrapRole, AclSelect}},
	}
	rows, err := fetchAll[PgClass](s, 0)
	if err != nil {
		return err
	}
	for _, c := range rows {
		if c.Oid < firstUnpinned || c.Relkind != 'v' && c.Relkind != 'r' || c.Relnamespace == ids.PgToastNamespace {
			continue
		}
		extra, ok := reserved[c.Relname]
		if !ok {
			extra = []AclItem{{0, ids.BootstrapRole, AclSelect}}
		}
		if c.Relname[0] == '_' { // helpers of information_schema
			continue
		}
		c.Relacl = append([]AclItem{{ids.BootstrapRole, ids.BootstrapRole, AclAllTable}}, extra...)
		if err := s.Update(c); err != nil {
			return err
		}
		if c.Relnamespace == ids.PgCatalogNamespace { // pg_dump writes out what differs from this
			if err := s.Insert(&PgInitPrivs{Objoid: c.Oid, Classoid: PgClassOid, Privtype: 'i', Initprivs: c.Relacl}); err != nil {
				return err
			}
		}
	}
	return s.bootColumnAcls()
}

// bootColumnAcls gives the columns of catalogs the privileges that pg_init_privs says they start with.
func (s *Session) bootColumnAcls() error {
	rows, err := fetchAll[PgInitPrivs](s, 0)
	if err != nil {
		return err
	}
	for _, p := range rows {
		if p.Objsubid == 0 || p.Classoid != PgClassOid {
			continue
		}
		a, err := Fetch[PgAttribute](s, PgAttributeRelidAttnumIndex, OidKey(AttPgAttributeAttrelid, p.Objoid),
			IntKey(AttPgAttributeAttnum, int64(p.Objsubid)))
		if err != nil {
			return err
		}
		if a == nil {
			return pgerr.Internal("privileges of column %d of catalog %d, which is not there", p.Objsubid, p.Objoid)
		}
		a.Attacl = p.Initprivs
		if err := s.Update(a); err != nil {
			return err
		}
	}
	return nil
}

const readAllStats ids.Oid = 3375

// monitor is the role pg_monitor.
const monitor ids.Oid = 3373
