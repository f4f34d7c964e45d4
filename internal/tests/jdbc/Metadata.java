import java.sql.*;
import java.util.*;

/** Prints what DatabaseMetaData says of a database, for comparison with what PostgreSQL says. Arguments: URL, user. */
public class Metadata {
    static void print(String title, ResultSet rs) throws SQLException {
        System.out.println("== " + title);
        ResultSetMetaData m = rs.getMetaData();
        StringBuilder head = new StringBuilder();
        for (int i = 1; i <= m.getColumnCount(); i++) head.append(i > 1 ? "|" : "").append(m.getColumnName(i));
        System.out.println(head);
        List<String> lines = new ArrayList<>();
        while (rs.next()) {
            StringBuilder line = new StringBuilder();
            for (int i = 1; i <= m.getColumnCount(); i++) {
                String v = rs.getString(i);
                // built-in functions and types have no descriptions
                if (m.getColumnName(i).equalsIgnoreCase("REMARKS") && "pg_catalog".equals(schemaOf(rs, m))) v = null;
                line.append(i > 1 ? "|" : "").append(v);
            }
            lines.add(line.toString());
        }
        rs.close();
        if (title.equals("type info")) Collections.sort(lines); // ordered by the JDBC type alone
        for (String line : lines) System.out.println(line);
    }

    static String schemaOf(ResultSet rs, ResultSetMetaData m) throws SQLException {
        for (int i = 1; i <= m.getColumnCount(); i++)
            if (m.getColumnName(i).toUpperCase().endsWith("_SCHEM")) return rs.getString(i);
        return null;
    }

    public static void main(String[] args) throws Exception {
        try (Connection c = DriverManager.getConnection(args[0], args[1], "")) {
            DatabaseMetaData m = c.getMetaData();
            print("schemas", m.getSchemas());
            print("schemas like", m.getSchemas(null, "s%"));
            print("table types", m.getTableTypes());
            print("type info", m.getTypeInfo());
            print("tables of public", m.getTables(null, "public", "%", null));
            print("tables of s1", m.getTables(null, "s1", null, new String[] {"TABLE", "VIEW"}));
            print("tables of the system", m.getTables(null, "pg_catalog", "pg_cl%", new String[] {"SYSTEM TABLE", "SYSTEM INDEX"}));
            print("information_schema", m.getTables(null, "information_schema", "tab%", null));
            print("temporary", m.getTables(null, null, "temp%", new String[] {"TEMPORARY TABLE"}));
            for (String t : new String[] {"t", "v", "ut", "comp", "Odd \"Name", "dropped", "sq", "emptyv"}) {
                print("columns of " + t, m.getColumns(null, null, t, "%"));
                print("key of " + t, m.getPrimaryKeys(null, null, t));
                print("indexes of " + t, m.getIndexInfo(null, null, t, false, false));
                print("unique indexes of " + t, m.getIndexInfo(null, null, t, true, true));
                print("best row of " + t, m.getBestRowIdentifier(null, null, t, DatabaseMetaData.bestRowSession, true));
                print("version columns of " + t, m.getVersionColumns(null, null, t));
                print("imported keys of " + t, m.getImportedKeys(null, null, t));
                print("exported keys of " + t, m.getExportedKeys(null, null, t));
                print("table privileges of " + t, m.getTablePrivileges(null, null, t));
                print("column privileges of " + t, m.getColumnPrivileges(null, null, t, "%"));
            }
            print("columns of a catalog", m.getColumns(null, "pg_catalog", "pg_class", "rel%"));
            print("columns like", m.getColumns(null, "%", "%t", "a%"));
            print("cross reference", m.getCrossReference(null, null, "t", null, null, "ut"));
            print("procedures", m.getProcedures(null, null, "%"));
            print("functions", m.getFunctions(null, "pg_catalog", "%subst%"));
            print("function columns", m.getFunctionColumns(null, "pg_catalog", "pg_sequence%", "%"));
            print("procedure columns", m.getProcedureColumns(null, null, "generate_ser%", "%"));
            print("user types", m.getUDTs(null, null, "%", null));
            print("domains", m.getUDTs(null, null, "%", new int[] {Types.DISTINCT}));
            print("client info", m.getClientInfoProperties());
            System.out.println("== settings");
            System.out.println(m.getDatabaseProductName() + " " + m.getDatabaseMajorVersion() + "." + m.getDatabaseMinorVersion());
            System.out.println(m.getMaxColumnNameLength() + " " + m.getDefaultTransactionIsolation() + " " + m.getIdentifierQuoteString());
            System.out.println(m.getSQLKeywords());
            ResultSetMetaData r = c.prepareStatement("select t.*, 1 as one, now() as n, 'x'::varchar(5) as vc, v.tt from t join v using (id)").getMetaData();
            System.out.println("== result columns");
            for (int i = 1; i <= r.getColumnCount(); i++)
                System.out.println(r.getColumnLabel(i) + "|" + r.getColumnTypeName(i) + "|" + r.getColumnType(i) + "|" + r.getPrecision(i) + "|" + r.getScale(i)
                    + "|" + r.getColumnDisplaySize(i) + "|" + r.isNullable(i) + "|" + r.isAutoIncrement(i) + "|" + r.getTableName(i) + "|" + r.getSchemaName(i)
                    + "|" + r.isSigned(i) + "|" + r.getColumnClassName(i));
            ParameterMetaData p = c.prepareStatement("insert into t (txt, num, ts, arr, u) values (?, ?, ?, ?, ?)").getParameterMetaData();
            System.out.println("== parameters");
            for (int i = 1; i <= p.getParameterCount(); i++) System.out.println(p.getParameterTypeName(i) + "|" + p.getParameterType(i) + "|" + p.getParameterClassName(i));
        }
    }
}
