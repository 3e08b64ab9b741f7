//! A database on this machine, with triggers that fill its log.

use rusqlite::Connection;

/// Makes the tables of a shop, and what follows them.
pub(crate) fn make(path: &std::path::Path) -> Connection {
    let connection = Connection::open(path).expect("a database");
    let log = "PRAGMA journal_mode = WAL;
        CREATE TABLE change_log (seq INTEGER PRIMARY KEY AUTOINCREMENT, stream TEXT, operation TEXT, before TEXT, after TEXT);
        CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT);
        CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER, total REAL);";
    connection.execute_batch(log).expect("tables");
    for (table, columns) in [
        ("customers", &["id", "name"][..]),
        ("orders", &["id", "customer", "total"]),
    ] {
        let row = |of: &str| {
            let members: Vec<_> = columns
                .iter()
                .map(|name| format!("'{name}', {of}.{name}"))
                .collect();
            format!("json_object({})", members.join(", "))
        };
        for (operation, before, after) in [
            ("insert", "NULL".to_owned(), row("new")),
            ("update", row("old"), row("new")),
            ("delete", row("old"), "NULL".to_owned()),
        ] {
            let trigger = format!(
                "CREATE TRIGGER {table}_{operation} AFTER {operation} ON {table} BEGIN
                 INSERT INTO change_log (stream, operation, before, after)
                 VALUES ('{table}', '{operation}', {before}, {after}); END"
            );
            connection.execute_batch(&trigger).expect("a trigger");
        }
    }
    connection
}
