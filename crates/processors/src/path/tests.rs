use proptest::prelude::*;

use super::*;

const DATA: &str = r#"{"name":{"first":"Ann","last":"Lee"},"age":37,"big":9007199254740993,
    "list":[{"n":1,"t":["a","b"]},{"n":2},{"t":["c"]}],"a.b":"dot","a*":"star","@timestamp":"now",
    "child":{"x1":{"y":1},"x2":{"z":2}},"$type":"k","none":null,"0":"zero"}"#;

fn value(json: &str) -> Value {
    Value::parse(json.as_bytes()).unwrap()
}

#[test]
fn what_paths_find() {
    let data = value(DATA);
    let check = |path: &str, expected: &str| {
        let found = Path::parse(path).unwrap();
        let text =
            |found: Option<Cow<'_, Value>>| found.map_or("-".to_owned(), |value| value.to_json());
        assert_eq!(text(found.find(&data)), expected, "{path}");
        let Value::Object(members) = &data else {
            panic!("no object")
        };
        assert_eq!(text(found.find_in(members)), expected, "{path}");
    };
    check("age", "37");
    check("$.age", "37");
    check("big", "9007199254740993");
    check("name.first", r#""Ann""#);
    check("$.name.last", r#""Lee""#);
    check("name.middle", "-");
    check("age.x", "-");
    check("none", "null");
    check("none.x", "-");
    check("list.1.n", "2");
    check("list.3", "-");
    check("list.01.n", "-");
    check("list.-1", "-");
    check("list.#", "3");
    check("list.#.n", "[1,2]");
    check("list.#.t", r#"[["a","b"],["c"]]"#);
    check("list.#.t.#", "[2,1]");
    check("list.#.t.0", r#"["a","c"]"#);
    check("list.#.x", "[]");
    check("name.#", "-");
    check(r"a\.b", r#""dot""#);
    check(r"a\*", r#""star""#);
    check("na*.first", r#""Ann""#);
    check("?ge", "37");
    check("*g?", "37");
    check("child.*.z", "2");
    check("c*d.x?.y", "1");
    check("zz*", "-");
    check("@timestamp", r#""now""#);
    check("$type", r#""k""#);
    check("$.$type", r#""k""#);
    check("0", r#""zero""#);
}

#[test]
fn paths_that_are_refused() {
    let check = |path: &str, why: &str| {
        let error = Path::parse(path).unwrap_err();
        assert!(error.contains(why), "{path}: {error}");
    };
    check("", "a name is empty");
    check("$.", "a name is empty");
    check("a..b", "a name is empty");
    check(".a", "a name is empty");
    check("a.", "a name is empty");
    check("a\\", "ends with a backslash");
    check("a|b", "`|` is not supported");
    check("a.#(n==1)", "queries");
    check("@this", "modifiers such as `@this`");
    check("a.@reverse:x", "modifiers such as `@reverse`");
    check("[a,b]", "several paths");
    check("{a,b}", "several paths");
    check(&vec!["a"; 65].join("."), "more than 64 parts");
    for path in ["a.*", "a?", "a.#", "a.#.b"] {
        let error = Place::parse(path).unwrap_err();
        assert!(error.contains("for reading"), "{path}: {error}");
    }
    assert_eq!(Path::parse("$.a.b\\.c").unwrap().last(), "b.c");
}

#[test]
fn what_is_put_and_taken_away() {
    let put = |path: &str, before: &str, after: &str| {
        let mut data = value(before);
        let result = Place::parse(path).unwrap().set(&mut data, value("9"));
        let shown = result.map_or_else(|why| why, |()| data.to_json());
        assert_eq!(shown, after, "{path} in {before}");
    };
    put("a", "{}", r#"{"a":9}"#);
    put("$.a.b", r#"{"x":1}"#, r#"{"x":1,"a":{"b":9}}"#);
    put("a.b", r#"{"a":null}"#, r#"{"a":{"b":9}}"#);
    put("a.0", "{}", r#"{"a":[9]}"#);
    put("a.0.b", "{}", r#"{"a":[{"b":9}]}"#);
    put("a.1", r#"{"a":[1]}"#, r#"{"a":[1,9]}"#);
    put("a.0", r#"{"a":[1,2]}"#, r#"{"a":[9,2]}"#);
    put("0", "{}", r#"{"0":9}"#);
    put(r"a\.b", "{}", r#"{"a.b":9}"#);
    put(
        "a.5",
        r#"{"a":[1]}"#,
        "`a.5` cannot be set: `a` is a list of 1",
    );
    put(
        "a.x",
        r#"{"a":[1]}"#,
        "`a.x` cannot be set: `a` is a list of 1",
    );
    put(
        "a.b.c",
        r#"{"a":{"b":1}}"#,
        "`a.b.c` cannot be set: `a.b` is a number",
    );
    put("a", "5", "`a` cannot be set: the payload is a number");
    let take = |path: &str, before: &str, after: &str| {
        let mut data = value(before);
        Place::parse(path).unwrap().remove(&mut data);
        assert_eq!(data.to_json(), after, "{path} in {before}");
    };
    take("a", r#"{"a":1,"b":2}"#, r#"{"b":2}"#);
    take("$.a.b", r#"{"a":{"b":1}}"#, r#"{"a":{}}"#);
    take("a.0", r#"{"a":[1,2]}"#, r#"{"a":[2]}"#);
    take("a.7", r#"{"a":[1]}"#, r#"{"a":[1]}"#);
    take("x.y", r#"{"a":1}"#, r#"{"a":1}"#);
    take("a.b", r#"{"a":1}"#, r#"{"a":1}"#);
}

proptest! {
    #[test]
    fn any_text_is_survived(path in "([a-c.#*?\\\\@$|()0-9]|.){0,30}") {
        let mut data = value(DATA);
        if let Ok(path) = Path::parse(&path) {
            let _ = path.find(&data);
        }
        if let Ok(place) = Place::parse(&path) {
            let _ = place.set(&mut data, Value::Null);
            let _ = place.remove(&mut data);
        }
    }

    #[test]
    fn what_was_put_is_found(names in proptest::collection::vec("[a-z.*?#]{1,4}", 1..6)) {
        let quoted: Vec<String> = names.iter().map(|name| name.chars().flat_map(|c| ['\\', c]).collect()).collect();
        let text = quoted.join(".");
        let mut data = value("{}");
        Place::parse(&text).unwrap().set(&mut data, value("1")).unwrap();
        prop_assert_eq!(Path::parse(&text).unwrap().find(&data).unwrap().to_json(), "1");
    }
}
