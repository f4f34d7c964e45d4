import java.io.*;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.sql.*;
import java.time.*;
import java.util.*;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyManager;
import org.postgresql.util.PGInterval;
import org.postgresql.util.PSQLException;

/** Drives a server through JDBC. Arguments: URL with options, user. Prints "jdbc ok" when all is as it should be. */
public class Check {
    static void expect(String what, Object got, Object want) {
        if (!String.valueOf(want).equals(String.valueOf(got)))
            throw new RuntimeException(what + ": got " + got + ", want " + want);
    }

    interface Work {
        void run() throws Exception;
    }

    /** Runs what must fail and returns the error. */
    static SQLException fails(String what, String state, Work w) throws Exception {
        try {
            w.run();
        } catch (SQLException e) {
            expect(what + " (" + e.getMessage() + ")", e.getSQLState(), state);
            return e;
        }
        throw new RuntimeException(what + " passed");
    }

    static List<String> column(ResultSet rs, String name) throws SQLException {
        List<String> out = new ArrayList<>();
        while (rs.next()) out.add(rs.getString(name));
        rs.close();
        return out;
    }

    static String one(Connection c, String sql) throws SQLException {
        try (Statement s = c.createStatement(); ResultSet rs = s.executeQuery(sql)) {
            rs.next();
            return rs.getString(1);
        }
    }

    static void exec(Connection c, String... sql) throws SQLException {
        try (Statement s = c.createStatement()) {
            for (String x : sql) s.execute(x);
        }
    }

    public static void main(String[] args) throws Exception {
        String url = args[0], user = args[1];
        boolean simple = url.contains("preferQueryMode=simple");
        try (Connection c = DriverManager.getConnection(url, user, "")) {
            exec(c, "drop table if exists j, typ, k, big", "drop type if exists mood");
            prepared(c);
            batches(c);
            keys(c);
            cursors(c);
            types(c);
            times(c);
            arrays(c);
            transactions(c);
            copies(c);
            errors(c);
            results(c);
            session(c);
            if (!simple) many(c);
            cancel(c);
            exec(c, "drop table j, typ, k, big", "drop type mood");
        }
        pool(url, user);
        System.out.println("jdbc ok");
    }

    /** The driver prepares on the server from the fifth execution on; a change of the table in between is not noticed by the client. */
    static void prepared(Connection c) throws Exception {
        exec(c, "create table j(id serial primary key, name text not null, n numeric(10,2), at timestamptz default now())", "create index j_name on j(name)");
        try (PreparedStatement p = c.prepareStatement("insert into j(name, n) values (?, ?)")) {
            for (int i = 1; i <= 30; i++) {
                p.setString(1, "row " + i);
                p.setBigDecimal(2, i % 3 == 0 ? null : new BigDecimal(i + ".50"));
                expect("insert", p.executeUpdate(), 1);
            }
        }
        try (PreparedStatement p = c.prepareStatement("select * from j where id = ?")) {
            for (int i = 1; i <= 20; i++) {
                if (i == 12) exec(c, "alter table j add column more int default 7");
                p.setInt(1, i);
                try (ResultSet rs = p.executeQuery()) {
                    rs.next();
                    expect("name " + i, rs.getString("name"), "row " + i);
                    expect("n " + i, rs.getBigDecimal("n"), i % 3 == 0 ? null : i + ".50");
                    expect("was null", rs.wasNull(), i % 3 == 0);
                    if (i >= 12) expect("new column", rs.getInt("more"), 7);
                }
            }
        }
        try (PreparedStatement p = c.prepareStatement("select count(*) from j where name like ? and (n is null or n > ?)")) {
            for (int i = 0; i < 8; i++) {
                p.setString(1, "row 1%");
                p.setDouble(2, 0.5);
                try (ResultSet rs = p.executeQuery()) {
                    rs.next();
                    expect("count", rs.getLong(1), 11);
                }
            }
        }
        exec(c, "deallocate all"); // behind the driver's back
        try (PreparedStatement p = c.prepareStatement("select ?::int + 1")) {
            p.setInt(1, 41);
            for (int i = 0; i < 7; i++) {
                ResultSet rs = p.executeQuery();
                rs.next();
                expect("answer", rs.getInt(1), 42);
            }
        }
    }

    static void batches(Connection c) throws Exception {
        exec(c, "create table k(a int primary key, b text)");
        try (PreparedStatement p = c.prepareStatement("insert into k values (?, ?)")) {
            for (int i = 0; i < 1000; i++) {
                p.setInt(1, i);
                p.setString(2, "b" + i);
                p.addBatch();
            }
            expect("batch", p.executeBatch().length, 1000);
            expect("rows", one(c, "select count(*) || ' ' || sum(a) from k"), "1000 499500");
            for (int a : new int[] {2000, 2001, 5, 2002}) {
                p.setInt(1, a);
                p.setString(2, "x");
                p.addBatch();
            }
            try {
                p.executeBatch();
                throw new RuntimeException("a batch with a duplicate passed");
            } catch (BatchUpdateException e) {
                expect("state", e.getSQLState(), "23505");
            }
            expect("rows after a failed batch", one(c, "select count(*) from k where a >= 2000"), 0);
        }
        try (Statement s = c.createStatement()) {
            s.addBatch("update k set b = 'u' where a < 10");
            s.addBatch("delete from k where a >= 990");
            s.addBatch("insert into k values (-1, 'n')");
            expect("mixed batch", Arrays.toString(s.executeBatch()), "[10, 10, 1]");
        }
    }

    static void keys(Connection c) throws Exception {
        try (PreparedStatement p = c.prepareStatement("insert into j(name) values (?), (?)", Statement.RETURN_GENERATED_KEYS)) {
            p.setString(1, "k1");
            p.setString(2, "k2");
            expect("two rows", p.executeUpdate(), 2);
            expect("keys", column(p.getGeneratedKeys(), "id"), "[31, 32]");
        }
        try (PreparedStatement p = c.prepareStatement("insert into j(name) values (?)", new String[] {"id", "more"})) {
            for (int i = 0; i < 12; i++) {
                p.setString(1, "k" + i);
                p.addBatch();
            }
            p.executeBatch();
            ResultSet rs = p.getGeneratedKeys();
            for (int i = 33; i <= 44; i++) {
                rs.next();
                expect("key of a batch", rs.getInt("id") + " " + rs.getInt("more"), i + " 7");
            }
            expect("no more", rs.next(), false);
        }
        try (Statement s = c.createStatement()) {
            s.executeUpdate("update j set name = 'upd' where id = 44", Statement.RETURN_GENERATED_KEYS);
            expect("updated", column(s.getGeneratedKeys(), "name"), "[upd]");
        }
    }

    static void cursors(Connection c) throws Exception {
        exec(c, "create table big as select g as i, repeat('x', g % 100) as t from generate_series(1, 2500) g");
        c.setAutoCommit(false);
        try (PreparedStatement p = c.prepareStatement("select i, t from big order by i")) {
            p.setFetchSize(100);
            for (int round = 0; round < 7; round++) {
                ResultSet rs = p.executeQuery();
                int n = 0;
                while (rs.next()) {
                    n++;
                    expect("row", rs.getInt(1) + " " + rs.getString(2).length(), n + " " + n % 100);
                }
                expect("rows in parts", n, 2500);
            }
            ResultSet a = p.executeQuery(); // left open while others run
            a.next();
            expect("other statement", one(c, "select count(*) from big"), 2500);
            a.next();
            expect("row after other statement", a.getInt(1), 2);
            c.commit();
            fails("fetch after commit", "34000", () -> {
                for (int i = 0; i < 200; i++) a.next();
            });
        }
        c.rollback();
        c.setAutoCommit(true);
        try (Statement s = c.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_READ_ONLY)) {
            s.setMaxRows(50);
            ResultSet rs = s.executeQuery("select i from big order by i desc");
            rs.last();
            expect("last of 50", rs.getRow() + " " + rs.getInt(1), "50 2451");
            rs.absolute(-50);
            expect("first", rs.getInt(1), 2500);
        }
        try (Statement s = c.createStatement(ResultSet.TYPE_SCROLL_SENSITIVE, ResultSet.CONCUR_UPDATABLE)) {
            ResultSet rs = s.executeQuery("select a, b from k where a < 3 order by a");
            rs.absolute(2);
            rs.updateString("b", "changed in the result set");
            rs.updateRow();
            rs.moveToInsertRow();
            rs.updateInt("a", -7);
            rs.updateString("b", "inserted");
            rs.insertRow();
            rs.absolute(1);
            rs.deleteRow();
        }
        expect("updatable result set", one(c, "select string_agg(a || ':' || b, ',' order by a) from k where a < 1"), "-7:inserted,0:changed in the result set");
        c.setAutoCommit(false);
        try (Statement s = c.createStatement()) { // a cursor of SQL
            s.execute("declare cur scroll cursor for select i from big order by i");
            ResultSet rs = s.executeQuery("fetch backward 1 from cur");
            expect("before the first", rs.next(), false);
            expect("fetch", column(s.executeQuery("fetch 2 from cur"), "i"), "[1, 2]");
            expect("absolute", column(s.executeQuery("fetch absolute 2000 from cur"), "i"), "[2000]");
        }
        c.rollback();
        c.setAutoCommit(true);
    }

    /** Values of each type come back as they were sent, in text and (past the threshold) in binary. */
    static void types(Connection c) throws Exception {
        exec(c, "create type mood as enum ('sad', 'happy')");
        exec(c, "create table typ(bo bool, i2 int2, i4 int4, i8 int8, f4 float4, f8 float8, nu numeric, tx text, vc varchar(20), ch char(5), by bytea, uu uuid, o oid, mo mood, iv interval)");
        byte[] bytes = new byte[70000];
        for (int i = 0; i < bytes.length; i++) bytes[i] = (byte) (i * 7);
        UUID uuid = UUID.fromString("00112233-4455-6677-8899-aabbccddeeff");
        String text = "grüße \u4f60\u597d \ud83d\ude00 '\\ \n\t";
        String numeric = "-123456789012345678901234567890.000000000012345";
        try (PreparedStatement p = c.prepareStatement("insert into typ values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?::mood, ?)")) {
            for (int round = 0; round < 8; round++) {
                p.setBoolean(1, true);
                p.setShort(2, Short.MIN_VALUE);
                p.setInt(3, Integer.MIN_VALUE);
                p.setLong(4, Long.MIN_VALUE);
                p.setFloat(5, 1.1f);
                p.setDouble(6, -1e-300);
                p.setBigDecimal(7, new BigDecimal(numeric));
                p.setString(8, text);
                p.setString(9, "vc");
                p.setString(10, "ch");
                p.setBinaryStream(11, new ByteArrayInputStream(bytes), bytes.length);
                p.setObject(12, uuid);
                p.setLong(13, 4000000000L);
                p.setString(14, "happy");
                p.setObject(15, new PGInterval(1, 2, 3, 4, 5, 6.5));
                expect("insert", p.executeUpdate(), 1);
            }
            for (int i = 1; i <= 15; i++) p.setNull(i, i == 11 ? Types.BINARY : i == 12 || i == 15 ? Types.OTHER : i == 8 || i == 9 || i == 10 || i == 14 ? Types.VARCHAR : i == 1 ? Types.BIT : i == 7 ? Types.NUMERIC : i == 5 ? Types.REAL : i == 6 ? Types.DOUBLE : Types.INTEGER);
            expect("nulls", p.executeUpdate(), 1);
        }
        try (PreparedStatement p = c.prepareStatement("select * from typ where (i4 = ?) order by 1")) {
            for (int round = 0; round < 8; round++) {
                p.setInt(1, Integer.MIN_VALUE);
                ResultSet rs = p.executeQuery();
                int n = 0;
                for (; rs.next(); n++) {
                    expect("bool", rs.getBoolean(1), true);
                    expect("int2", rs.getShort(2), Short.MIN_VALUE);
                    expect("int4", rs.getInt(3), Integer.MIN_VALUE);
                    expect("int8", rs.getLong(4), Long.MIN_VALUE);
                    expect("float4", rs.getFloat(5), 1.1f);
                    expect("float8", rs.getDouble(6), -1e-300);
                    expect("numeric", rs.getBigDecimal(7).toPlainString(), numeric);
                    expect("text", rs.getString(8), text);
                    expect("varchar", rs.getString(9), "vc");
                    expect("char", rs.getString(10), "ch   ");
                    if (!Arrays.equals(bytes, rs.getBytes(11))) throw new RuntimeException("bytea differs");
                    expect("uuid", rs.getObject(12, UUID.class), uuid);
                    expect("oid", rs.getLong(13), 4000000000L);
                    expect("enum", rs.getString(14), "happy");
                    expect("interval", rs.getObject(15), "1 years 2 mons 3 days 4 hours 5 mins 6.5 secs");
                }
                expect("rows", n, 8);
            }
        }
        try (PreparedStatement p = c.prepareStatement("select ?::numeric, ?::float8, ?::numeric")) {
            for (String n : new String[] {"0", "-0.00001", "10000", "99999999.9999", "1e100", "123.4500"}) {
                p.setBigDecimal(1, new BigDecimal(n));
                p.setDouble(2, Double.NaN);
                p.setBigDecimal(3, new BigDecimal(n).negate());
                ResultSet rs = p.executeQuery();
                rs.next();
                expect("numeric " + n, rs.getBigDecimal(1).compareTo(new BigDecimal(n)), 0);
                expect("NaN", rs.getDouble(2), Double.NaN);
            }
        }
        StringBuilder large = new StringBuilder();
        while (large.length() < 3_000_000) large.append("0123456789abcdef");
        try (PreparedStatement p = c.prepareStatement("select length(?), ?")) {
            p.setString(1, large.toString());
            p.setString(2, large.toString());
            ResultSet rs = p.executeQuery();
            rs.next();
            expect("long text", rs.getInt(1) + " " + rs.getString(2).equals(large.toString()), large.length() + " true");
        }
        try (CallableStatement f = c.prepareCall("{? = call upper(?)}")) {
            f.registerOutParameter(1, Types.VARCHAR);
            f.setString(2, "called");
            f.execute();
            expect("function call", f.getString(1), "CALLED");
        }
        try (PreparedStatement p = c.prepareStatement("select {fn concat('a', ?)}, {d '2024-02-29'}, {fn mod(7, ?)}, {fn ucase('x')} where 'a' like {escape '|'} 'a'".replace("{escape '|'} 'a'", "'a' {escape '|'}"))) {
            p.setString(1, "b");
            p.setInt(2, 4);
            ResultSet rs = p.executeQuery();
            rs.next();
            expect("escapes", rs.getString(1) + rs.getString(2) + rs.getInt(3) + rs.getString(4), "ab2024-02-293X");
        }
    }

    static void times(Connection c) throws Exception {
        LocalDateTime ldt = LocalDateTime.of(2024, 2, 29, 12, 34, 56, 789012000);
        OffsetDateTime odt = OffsetDateTime.of(ldt, ZoneOffset.ofHoursMinutes(5, 30));
        try (PreparedStatement p = c.prepareStatement("select ?::timestamp, ?::timestamptz, ?::date, ?::time, ?::timetz, ?::timestamptz, ?::timestamptz at time zone 'Asia/Kolkata'")) {
            for (int i = 0; i < 8; i++) {
                p.setObject(1, ldt);
                p.setObject(2, odt);
                p.setObject(3, LocalDate.of(-43, 3, 15));
                p.setObject(4, LocalTime.of(23, 59, 59, 999999000));
                p.setObject(5, OffsetTime.of(1, 2, 3, 0, ZoneOffset.ofHours(-3)));
                p.setObject(6, OffsetDateTime.MAX);
                p.setObject(7, odt);
                ResultSet rs = p.executeQuery();
                rs.next();
                expect("timestamp", rs.getObject(1, LocalDateTime.class), ldt);
                expect("timestamptz", rs.getObject(2, OffsetDateTime.class).toInstant(), odt.toInstant());
                expect("date", rs.getObject(3, LocalDate.class), LocalDate.of(-43, 3, 15));
                expect("time", rs.getObject(4, LocalTime.class), LocalTime.of(23, 59, 59, 999999000));
                expect("timetz", rs.getObject(5, OffsetTime.class), OffsetTime.of(1, 2, 3, 0, ZoneOffset.ofHours(-3)));
                expect("infinity", rs.getObject(6, OffsetDateTime.class), OffsetDateTime.MAX);
                expect("at time zone", rs.getObject(7, LocalDateTime.class), ldt);
            }
        }
        Calendar tokyo = Calendar.getInstance(TimeZone.getTimeZone("Asia/Tokyo"));
        Timestamp ts = Timestamp.from(Instant.parse("2024-07-01T00:00:00Z"));
        try (PreparedStatement p = c.prepareStatement("select ?::timestamp, ?::timestamptz, current_setting('TimeZone')")) {
            for (int i = 0; i < 8; i++) {
                p.setTimestamp(1, ts, tokyo);
                p.setTimestamp(2, ts, tokyo);
                ResultSet rs = p.executeQuery();
                rs.next();
                expect("in Tokyo", rs.getString(1), "2024-07-01 09:00:00");
                expect("the moment", rs.getTimestamp(2).getTime(), ts.getTime());
                expect("the zone of the client", rs.getString(3), TimeZone.getDefault().getID());
            }
        }
    }

    static void arrays(Connection c) throws Exception {
        try (PreparedStatement p = c.prepareStatement("select ?::int[], ?::text[], ?::int8[], ?::timestamptz[], ?::numeric[], 5 = any(?)")) {
            for (int i = 0; i < 8; i++) {
                p.setArray(1, c.createArrayOf("int4", new Integer[] {1, null, -3}));
                p.setArray(2, c.createArrayOf("text", new String[] {"a", "b \"c\"", null, "{}", ""}));
                p.setArray(3, c.createArrayOf("int8", new Long[][] {{1L, 2L}, {3L, 4L}}));
                p.setArray(4, c.createArrayOf("timestamptz", new String[] {"2024-01-01 00:00:00+00"}));
                p.setArray(5, c.createArrayOf("numeric", new BigDecimal[] {new BigDecimal("1.50")}));
                p.setObject(6, new int[] {4, 5});
                ResultSet rs = p.executeQuery();
                rs.next();
                expect("int[]", Arrays.toString((Object[]) rs.getArray(1).getArray()), "[1, null, -3]");
                expect("text[]", Arrays.toString((Object[]) rs.getArray(2).getArray()), "[a, b \"c\", null, {}, ]");
                expect("int8[][]", Arrays.deepToString((Object[]) rs.getArray(3).getArray()), "[[1, 2], [3, 4]]");
                expect("timestamptz[]", ((Timestamp[]) rs.getArray(4).getArray())[0].toInstant(), "2024-01-01T00:00:00Z");
                expect("numeric[]", Arrays.toString((Object[]) rs.getArray(5).getArray()), "[1.50]");
                expect("any", rs.getBoolean(6), true);
                ResultSet elems = rs.getArray(1).getResultSet();
                expect("element rows", column(elems, "VALUE"), "[1, null, -3]");
            }
        }
    }

    static void transactions(Connection c) throws Exception {
        c.setAutoCommit(false);
        exec(c, "insert into k values (5000, 'a')");
        Savepoint named = c.setSavepoint("named");
        exec(c, "insert into k values (5001, 'b')");
        Savepoint inner = c.setSavepoint();
        fails("duplicate", "23505", () -> exec(c, "insert into k values (5000, 'x')"));
        fails("aborted", "25P02", () -> exec(c, "select 1"));
        c.rollback(inner);
        exec(c, "insert into k values (5002, 'c')");
        c.releaseSavepoint(inner);
        c.rollback(named);
        exec(c, "insert into k values (5003, 'd')");
        c.commit();
        expect("what is left", one(c, "select string_agg(a::text, ',' order by a) from k where a >= 5000"), "5000,5003");
        c.commit();
        for (int level : new int[] {Connection.TRANSACTION_READ_COMMITTED, Connection.TRANSACTION_REPEATABLE_READ, Connection.TRANSACTION_SERIALIZABLE}) {
            c.setTransactionIsolation(level);
            expect("level", c.getTransactionIsolation(), level);
            expect("read", one(c, "select count(*) from k where a = 5000"), 1);
            c.commit();
        }
        c.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
        c.setReadOnly(true);
        fails("write in a read-only transaction", "25006", () -> exec(c, "insert into k values (6000, 'x')"));
        c.rollback();
        c.setReadOnly(false);
        c.setAutoCommit(true);
    }

    static void copies(Connection c) throws Exception {
        CopyManager m = c.unwrap(PGConnection.class).getCopyAPI();
        StringBuilder in = new StringBuilder();
        for (int i = 10000; i < 15000; i++) in.append(i).append("\tcopied ").append(i).append('\n');
        expect("copy in", m.copyIn("copy k from stdin", new StringReader(in.toString())), 5000);
        StringWriter out = new StringWriter();
        expect("copy out", m.copyOut("copy (select * from k where a between 10000 and 10002 order by a) to stdout (format csv, header)", out), 3);
        expect("csv", out, "a,b\n10000,copied 10000\n10001,copied 10001\n10002,copied 10002\n");
        ByteArrayOutputStream bin = new ByteArrayOutputStream();
        m.copyOut("copy (select * from k where a >= 10000) to stdout (format binary)", bin);
        exec(c, "delete from k where a >= 10000");
        expect("binary", m.copyIn("copy k from stdin (format binary)", new ByteArrayInputStream(bin.toByteArray())), 5000);
        fails("bad line", "22P02", () -> m.copyIn("copy k from stdin", new StringReader("x\ty\n")));
        fails("too few columns", "22P04", () -> m.copyIn("copy k from stdin", new StringReader("1\n")));
        expect("alive", one(c, "select 1"), 1);
    }

    static void errors(Connection c) throws Exception {
        PSQLException e = (PSQLException) fails("unique", "23505", () -> exec(c, "insert into k values (5000, 'x')"));
        expect("fields", e.getServerErrorMessage().getConstraint() + " " + e.getServerErrorMessage().getTable() + " " + e.getServerErrorMessage().getSchema()
            + " " + e.getServerErrorMessage().getDetail(), "k_pkey k public Key (a)=(5000) already exists.");
        e = (PSQLException) fails("not null", "23502", () -> exec(c, "insert into j(name) values (null)"));
        expect("column", e.getServerErrorMessage().getColumn(), "name");
        e = (PSQLException) fails("position", "42703", () -> exec(c, "select nosuch from k"));
        expect("position", e.getServerErrorMessage().getPosition(), 8);
        fails("syntax", "42601", () -> exec(c, "selec 1"));
        fails("division", "22012", () -> exec(c, "select 1/0"));
        fails("too long", "22001", () -> exec(c, "insert into typ(vc) values (repeat('x', 21))"));
        try (PreparedStatement p = c.prepareStatement("select 10 / ?")) {
            for (int i = 8; i >= -3; i--) {
                final int n = i;
                p.setInt(1, n);
                if (n == 0) fails("division by a parameter", "22012", () -> p.executeQuery());
                else p.executeQuery().close();
            }
        }
        try (Statement s = c.createStatement()) {
            s.execute("drop table if exists nosuch");
            expect("warning", s.getWarnings().getMessage(), "table \"nosuch\" does not exist, skipping");
        }
        try (Statement s = c.createStatement()) {
            s.execute("listen channel");
        } catch (SQLException x) {
            expect("listen", x.getSQLState(), "0A000");
        }
    }

    static void results(Connection c) throws Exception {
        try (Statement s = c.createStatement()) {
            boolean rows = s.execute("select 1 as a; update k set b = b where a = 5000; select 2 as b");
            expect("first", rows + " " + column(s.getResultSet(), "a"), "true [1]");
            expect("second", s.getMoreResults() + " " + s.getUpdateCount(), "false 1");
            expect("third", s.getMoreResults() + " " + column(s.getResultSet(), "b"), "true [2]");
            expect("end", s.getMoreResults() + " " + s.getUpdateCount(), "false -1");
            expect("large update count", s.executeLargeUpdate("update k set b = b where a >= 10000"), 5000);
            expect("empty", s.execute(""), false);
        }
        ResultSetMetaData m = c.prepareStatement("select a as x, b, a + 1 from k").getMetaData();
        expect("described", m.getColumnLabel(1) + m.getColumnTypeName(1) + m.getColumnTypeName(2) + m.getColumnLabel(3), "xint4text?column?");
    }

    static void session(Connection c) throws Exception {
        expect("valid", c.isValid(5), true);
        c.setClientInfo("ApplicationName", "check");
        expect("application name", one(c, "select application_name from pg_stat_activity where pid = pg_backend_pid()"), "check");
        exec(c, "create schema if not exists elsewhere");
        c.setSchema("elsewhere");
        expect("schema", c.getSchema(), "elsewhere");
        c.setSchema("public");
        exec(c, "drop schema elsewhere");
        expect("backend", c.unwrap(PGConnection.class).getBackendPID(), one(c, "select pg_backend_pid()"));
        expect("version", c.getMetaData().getDatabaseMajorVersion(), 15);
        expect("escaped", c.unwrap(PGConnection.class).escapeLiteral("it's"), "it''s");
    }

    /** As many parameters as the protocol's 16 bits hold. */
    static void many(Connection c) throws Exception {
        int n = 32767;
        StringBuilder q = new StringBuilder("select count(*) from k where a in (?");
        for (int i = 1; i < n; i++) q.append(",?");
        try (PreparedStatement p = c.prepareStatement(q.append(')').toString())) {
            for (int i = 1; i <= n; i++) p.setInt(i, 4000 + i);
            ResultSet rs = p.executeQuery();
            rs.next();
            expect("many parameters", rs.getInt(1), 5002);
        }
    }

    static void cancel(Connection c) throws Exception {
        try (Statement s = c.createStatement()) {
            s.setQueryTimeout(1);
            fails("timeout", "57014", () -> s.execute("select pg_sleep(60)"));
            s.setQueryTimeout(0);
            Thread t = new Thread(() -> {
                try (Connection other = DriverManager.getConnection(c.getMetaData().getURL(), c.getMetaData().getUserName(), "")) {
                    while (one(other, "select count(*) from pg_stat_activity where wait_event = 'PgSleep'").equals("0")) Thread.yield();
                    s.cancel();
                } catch (SQLException e) {
                    throw new RuntimeException(e);
                }
            });
            t.start();
            fails("cancel", "57014", () -> s.execute("select pg_sleep(60)"));
            t.join();
            expect("alive", one(c, "select 1"), 1);
        }
        exec(c, "set statement_timeout = '200ms'");
        fails("statement_timeout", "57014", () -> exec(c, "select pg_sleep(60)"));
        exec(c, "reset statement_timeout");
    }

    /** Many connections at once, each in a thread. */
    static void pool(String url, String user) throws Exception {
        List<Thread> all = new ArrayList<>();
        List<Throwable> failed = Collections.synchronizedList(new ArrayList<>());
        for (int i = 0; i < 10; i++) {
            final int id = i;
            Thread t = new Thread(() -> {
                try (Connection c = DriverManager.getConnection(url, user, "")) {
                    c.setAutoCommit(false);
                    for (int k = 0; k < 20; k++) {
                        expect("own answer", one(c, "select " + (id * 1000 + k)), id * 1000 + k);
                        c.commit();
                    }
                } catch (Throwable e) {
                    failed.add(e);
                }
            });
            t.start();
            all.add(t);
        }
        for (Thread t : all) t.join();
        expect("failures", failed, "[]");
    }
}
