import java.sql.*;
import java.util.*;

/** Drives a server through JDBC: prepared statements past the server-prepare threshold, batches, generated keys, metadata. */
public class Check {
    static void expect(String what, Object got, Object want) {
        if (!String.valueOf(want).equals(String.valueOf(got)))
            throw new RuntimeException(what + ": got " + got + ", want " + want);
    }

    static List<String> column(ResultSet rs, String name) throws SQLException {
        List<String> out = new ArrayList<>();
        while (rs.next()) out.add(rs.getString(name));
        return out;
    }

    public static void main(String[] args) throws Exception {
        try (Connection c = DriverManager.getConnection(args[0], "postgres", "")) {
            try (Statement s = c.createStatement()) {
                s.execute("create table j(id serial primary key, name text not null, n numeric(10,2), at timestamptz default now())");
                s.execute("create index j_name on j(name)");
            }
            try (PreparedStatement p = c.prepareStatement("insert into j(name, n) values (?, ?)", Statement.RETURN_GENERATED_KEYS)) {
                p.setString(1, "first");
                p.setBigDecimal(2, new java.math.BigDecimal("1.50"));
                expect("insert", p.executeUpdate(), 1);
                ResultSet keys = p.getGeneratedKeys();
                keys.next();
                expect("generated key", keys.getInt("id"), 1);
                for (int i = 0; i < 100; i++) {
                    p.setString(1, "row " + i);
                    p.setBigDecimal(2, null);
                    p.addBatch();
                }
                expect("batch", p.executeBatch().length, 100);
            }
            try (PreparedStatement p = c.prepareStatement("select name from j where id = ?")) {
                for (int i = 1; i <= 12; i++) { // the driver prepares on the server from the fifth time on
                    p.setInt(1, i);
                    ResultSet rs = p.executeQuery();
                    rs.next();
                    expect("name " + i, rs.getString(1), i == 1 ? "first" : "row " + (i - 2));
                }
            }
            c.setAutoCommit(false);
            try (Statement s = c.createStatement()) {
                s.setFetchSize(10);
                ResultSet rs = s.executeQuery("select id from j order by id");
                int n = 0;
                while (rs.next()) n++;
                expect("rows in parts", n, 101);
                s.executeUpdate("delete from j");
            }
            c.rollback();
            c.setAutoCommit(true);
            DatabaseMetaData m = c.getMetaData();
            expect("version", m.getDatabaseMajorVersion(), 15);
            expect("tables", column(m.getTables(null, "public", "j", new String[] {"TABLE"}), "TABLE_NAME"), "[j]");
            try { // the driver's query needs window functions, which may answer that they are not there yet
                expect("columns", column(m.getColumns(null, "public", "j", "%"), "COLUMN_NAME"), "[id, name, n, at]");
            } catch (SQLException e) {
                expect("getColumns", e.getSQLState(), "0A000");
            }
            expect("key", column(m.getPrimaryKeys(null, "public", "j"), "COLUMN_NAME"), "[id]");
            expect("indexes", column(m.getIndexInfo(null, "public", "j", false, false), "INDEX_NAME"), "[j_pkey, j_name]");
            try (Statement s = c.createStatement()) {
                s.execute("select 1/0");
                throw new RuntimeException("division by zero passed");
            } catch (SQLException e) {
                expect("state", e.getSQLState(), "22012");
            }
        }
        System.out.println("jdbc ok");
    }
}
