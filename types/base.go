package types

import "gompho/internal/ids"

// baseIO returns the functions of a type that is not made of other types, nil when it is not supported.
func baseIO(oid ids.Oid) *typeIO {
	switch oid {
	case BoolOid:
		return &boolIO
	case ByteaOid:
		return &byteaIO
	case CharOid:
		return &charIO
	case NameOid:
		return &nameIO
	case Int2Oid:
		return intIO(16, "smallint")
	case Int4Oid:
		return intIO(32, "integer")
	case Int8Oid:
		return intIO(64, "bigint")
	case Float4Oid:
		return floatIO(32)
	case Float8Oid:
		return floatIO(64)
	case NumericOid:
		return &numericIO
	case DateOid:
		return &dateIO
	case TimeOid:
		return &timeIO
	case TimetzOid:
		return &timetzIO
	case TimestampOid:
		return timestampIO(false)
	case TimestamptzOid:
		return timestampIO(true)
	case IntervalOid:
		return &intervalIO
	case JsonOid:
		return &jsonIO
	case TextOid:
		return &textIO
	case VarcharOid:
		return &varcharIO
	case BPCharOid:
		return &bpcharIO
	case OidOid:
		return oidIO(32, "oid")
	case XidOid:
		return xidIO()
	case CidOid:
		return oidIO(32, "cid")
	case Xid8Oid:
		return oidIO(64, "xid8")
	case TIDOid:
		return &tidIO
	case PgLsnOid:
		return &lsnIO
	case UuidOid:
		return &uuidIO
	case InetOid:
		return inetIO("inet", false)
	case CidrOid:
		return inetIO("cidr", true)
	case MacaddrOid:
		return macIO(parseMac, receiveMac)
	case Macaddr8Oid:
		return macIO(parseMac8, receiveMac8)
	case PgSnapshotOid, TxidSnapshotOid:
		return &snapshotIO
	case AclItemOid:
		return &aclIO
	case UnknownOid, CstringOid:
		return &cstringIO
	case RefcursorOid, XmlOid:
		return &opaqueTextIO
	case PgNodeTreeOid, PgNdistinctOid, PgDependenciesOid, PgMcvListOid:
		return &nodeTreeIO
	case VoidOid:
		return &voidIO
	case AnyArrayOid, AnyCompatibleArrayOid:
		return anyArrayIO()
	}
	if kind, ok := regTypes[oid]; ok {
		return regIO(kind)
	}
	return nil
}
