//! Makes the database of the tests, to try the connector by hand: `cargo run --example shop -- shop.db`.

#![expect(clippy::print_stderr, reason = "it talks to a person")]

#[path = "../tests/shop/mod.rs"]
mod shop;

use std::path::PathBuf;

fn main() {
    let path = std::env::args_os()
        .nth(1)
        .unwrap_or_else(|| "shop.db".into());
    let path = PathBuf::from(path);
    let rows = "INSERT INTO customers VALUES (1, 'Ada'), (2, 'Zoë');
        INSERT INTO orders VALUES (1, 1, 9.5), (2, 1, NULL);";
    shop::make(&path).execute_batch(rows).expect("rows");
    eprintln!("{} has two customers and two orders", path.display());
}
