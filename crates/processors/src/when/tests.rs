use crossdock_core::batch::{Operation, RowSpans, RowsBuilder, Span};
use crossdock_core::stream::StreamId;
use proptest::prelude::*;

use super::*;

const PAYLOAD: &str = r#"{"status":"paid","n":5,"f":1.50,"big":9007199254740993,"zero":0,"t":true,"no":false,
    "empty":"","false":"false","null":null,"o":{"a":{"b":"deep"}},"e":{},"l":[1,2],"a b":"space","x==y":"op",
    "dot.ted":"d","q":"it's","p":"a && b","metadata":{"k":"inner"},"neg":-0.0}"#;
const METADATA: &str = r#"{"topic":"orders","partition":3,"headers":{"h":"v"},"a.b":"dotted"}"#;

fn record(operation: Operation, metadata: &str, payload: &str) -> Record {
    let mut buffer = Vec::new();
    let mut add = |text: &str| {
        let start = buffer.len();
        buffer.extend_from_slice(text.as_bytes());
        Span::new(start, buffer.len()).unwrap()
    };
    let (after, metadata) = (add(payload), add(metadata));
    let mut rows = RowsBuilder::default();
    rows.push(RowSpans {
        after,
        before: Span::NONE,
        key: Span::NONE,
        metadata,
        operation,
        line: Span::NONE,
        emitted_at: 0,
    });
    let rows = rows.finish(buffer.into(), None);
    Record::read(&StreamId::new("orders_table"), &rows, 0).unwrap()
}

fn holds(condition: &str, record: &mut Record) -> bool {
    When::parse(condition)
        .unwrap_or_else(|why| panic!("{condition}: {why}"))
        .holds(record)
        .unwrap()
}

#[test]
fn conditions_by_cases() {
    let mut record = record(Operation::Update, METADATA, PAYLOAD);
    let mut yes = |condition: &str| assert!(holds(condition, &mut record), "{condition}");
    for condition in [
        "$.status",
        "status",
        "$.status == 'paid'",
        "$.status == \"paid\"",
        "$.status == paid",
        "$.status=='paid'",
        "$.status==\"paid\"",
        "  $.status   ==   'paid'  ",
        "$.status != 'open'",
        "$.status!='open'",
        "$.n == 5",
        "$.n == '5'",
        "$.f == 1.5",
        "$.big == 9007199254740993",
        "$.big != 9007199254740992",
        "$.t",
        "$.t == true",
        "$.no == false",
        "$.null == ''",
        "$.empty == ''",
        "$.o",
        "$.e",
        "$.l",
        "$.l == '[1,2]'",
        "$.l.# == 2",
        "$.l.1 == 2",
        "$.o.a.b == 'deep'",
        "$.o.*.b == 'deep'",
        "$.a b == 'space'",
        "$.a b",
        r"$.x\=\=y == 'op'",
        r"$.dot\.ted == d",
        r"$.q == 'it\'s'",
        "$.q == \"it's\"",
        "$.p == 'a && b'",
        "!$.zero",
        "!$.null",
        "!$.missing",
        "!!$.status",
        "!($.missing == 'x')",
        "!$.missing == 'x'",
        "!($.status == 'open')",
        "$.status == 'paid' && $.n == 5",
        "$.status == 'x' || $.n == 5",
        "$.n == 5 || $.n == 6 && $.n == 7",
        "($.n == 5 || $.n == 6) && $.t",
        "($.status)",
        "((($.n == 5)))",
        "$.n == 5 && !($.n == 6)",
        "$.status == paid&&$.n == 5",
        "($.status == paid)",
        "metadata.topic == 'orders'",
        "metadata.topic",
        "metadata.partition == 3",
        "metadata.headers.h == 'v'",
        "metadata.a.b == dotted",
        "metadata.table == 'orders_table'",
        "metadata.operation == 'update'",
        "metadata.operation != 'delete'",
        "$.metadata.k == inner",
        "metadata.topic == orders || $.missing",
        "\n$.n == 5\n&&\n$.t\n",
    ] {
        yes(condition);
    }
    for condition in [
        "",
        "   ",
        "$.missing",
        "$.missing == 'x'",
        "$.missing != 'x'",
        "$.missing == ''",
        "$.status == 'Paid'",
        "$.status != 'paid'",
        "!$.status",
        "$.zero",
        "$.neg",
        "$.no",
        "$.empty",
        "$.false",
        "$.null",
        "$.n == 5.1",
        "$.big == 9007199254740992",
        "$.n == 6 || $.n == 7",
        "($.n == 5 || $.n == 6) && $.no",
        "$.n == 5 && $.missing != 'x'",
        "metadata.missing",
        "metadata.missing != 'x'",
        "metadata.k",
        "$.status.x",
        "$.l.x == 1",
        "!($.status && $.n)",
    ] {
        assert!(!holds(condition, &mut record), "{condition}");
    }
    assert!(!record.is_changed);
    assert_eq!(
        record.after.value().unwrap(),
        Value::parse(PAYLOAD.as_bytes()).unwrap()
    );
}

#[test]
fn conditions_that_are_refused() {
    let check = |condition: &str, why: &str| {
        let error = When::parse(condition).unwrap_err();
        assert!(error.contains(why), "{condition}: {error}");
    };
    check("$.a ==b", "at character 5: an operator is followed by");
    check("$.a==", "at character 4: an operator is followed by");
    check("$.a == ", "at character 8: there is nothing to compare");
    check("$.a == && $.b", "there is nothing to compare");
    check("$.a = 'x'", "at character 5: the operators are");
    check("$.a > 5", "the operators are");
    check("$.a == 'x", "the quote is not closed");
    check("'x' == $.a", "at character 1: a quote stands where");
    check("$.a == 'x' 'y'", "at character 12: `&&` or `||` is missing");
    check("$.a == 'x' and $.b", "`&&` or `||` is missing");
    check("($.a", "a `)` is missing");
    check("$.a)", "at character 4: a `)` without its `(`");
    check("()", "at character 2: a path is missing");
    check("!", "a path is missing");
    check("&& $.a", "a path is missing");
    check("$.a &&", "a path is missing");
    check("$.a || ", "a path is missing");
    check("== 'x'", "a path is missing");
    check("true", "`true` is no path");
    check("metadata. == 'x'", "has no name after it");
    check("$.a.#(b == 'x')", "queries such as");
    check("$.@this", "modifiers such as");
    check("$.a..b", "a name is empty");
    check("$. == 'x'", "a name is empty");
    check("größe = 1", "at character 7: the operators are");
    check(&"(".repeat(100_000), "nested more than 64 deep");
    check(&"!".repeat(100_000), "nested more than 64 deep");
    let deepest = "(".repeat(63) + "$.a" + &")".repeat(63);
    assert!(When::parse(&deepest).is_ok());
    let wide = vec!["($.a)"; 10_000].join(" && ");
    assert!(When::parse(&wide).is_ok());
}

#[test]
fn what_every_record_says_of_itself() {
    for (operation, name) in [
        (Operation::Create, "insert"),
        (Operation::Snapshot, "insert"),
        (Operation::Update, "update"),
        (Operation::Delete, "delete"),
    ] {
        let mut record = record(operation, "", "{}");
        let condition = format!("metadata.operation == {name}");
        assert!(holds(&condition, &mut record), "{condition}");
    }
    let own = r#"{"operation":"x","table":"y"}"#;
    let mut record = record(Operation::Create, own, "{}");
    assert!(holds(
        "metadata.operation == x && metadata.table == y",
        &mut record
    ));
}

#[test]
fn raw_payloads_have_fields_if_they_are_json() {
    let raw = |text: &str| {
        let mut raw = Vec::new();
        crossdock_core::raw::wrap(text.as_bytes(), &mut raw);
        let metadata = r#"{"crossdock.raw":"after","topic":"t"}"#;
        record(
            Operation::Create,
            metadata,
            std::str::from_utf8(&raw).unwrap(),
        )
    };
    let mut text = raw("no json");
    assert!(!holds("$.a", &mut text) && !holds("$.a != 'x'", &mut text));
    assert!(holds("metadata.topic == t && !$.a", &mut text));
    let mut json = raw(r#" {"a": 1} "#);
    assert!(holds("$.a == 1", &mut json));
    assert_eq!(
        json.after.value().unwrap(),
        Value::Bytes(br#" {"a": 1} "#.to_vec())
    );
    assert!(holds("$.# == 2", &mut raw("[1,2]")));
}

proptest! {
    #[test]
    fn any_text_is_survived(text in "(\\$\\.a|metadata\\.b|&&|\\|\\||==|!=|!|[()' \"\\\\a]|.){0,20}") {
        if let Ok(when) = When::parse(&text) {
            let _ = when.holds(&mut record(Operation::Create, METADATA, PAYLOAD));
        }
    }
}
