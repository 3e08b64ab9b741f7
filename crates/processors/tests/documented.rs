//! The page of processors names all that there are.

#[test]
fn every_processor_and_function_is_documented() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/processors.md");
    let page = std::fs::read_to_string(page).unwrap();
    let names = crossdock_processors::processors().map(|(name, _)| name);
    let names = names.chain(crossdock_processors::template_functions());
    let missing: Vec<_> = names
        .filter(|name| !page.contains(&format!("`{name}`")))
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
    // And no more: a function that is listed exists.
    let functions = page.split("Go's own and sprig's:").nth(1).unwrap();
    let functions = functions.split("Not supported").next().unwrap();
    let known = crossdock_processors::template_functions();
    let listed = functions.split('`').skip(1).step_by(2);
    let unknown: Vec<_> = listed.filter(|name| !known.contains(name)).collect();
    assert_eq!(unknown, Vec::<&str>::new());
}
