use super::*;

const NOON: i64 = 1_611_403_200_000_000; // 2021-01-23T12:00:00Z

fn check_zoned(text: &str, expected: Option<(i64, bool)>) {
    let slow = timestamp(text.as_bytes(), true).map(|r| (r.value, r.exact));
    assert_eq!(slow, expected, "{text}");
    let quoted = format!("{text}\",");
    if let Some((value, end)) = short_timestamp(quoted.as_bytes(), true) {
        assert_eq!(
            (Some((value, true)), end),
            (expected, text.len()),
            "{text}: short"
        );
    }
}

#[test]
fn timestamps_with_a_zone() {
    check_zoned("2021-01-23T12:00:00Z", Some((NOON, true)));
    check_zoned("2021-01-23 12:00:00z", Some((NOON, true)));
    check_zoned("2021-01-23t12:00:00 UTC", Some((NOON, true)));
    check_zoned("2021-01-23T12:00:00", Some((NOON, true)));
    check_zoned("2021-01-23T12:00", Some((NOON, true)));
    check_zoned("2021-01-23T12:00Z", Some((NOON, true)));
    check_zoned("2021-01-23T17:00:00+05:00", Some((NOON, true)));
    check_zoned("2021-01-23T17:30:00+0530", Some((NOON, true)));
    check_zoned("2021-01-23T17:00:00 +05", Some((NOON, true)));
    check_zoned("2021-01-23T07:15:00-04:45", Some((NOON, true)));
    check_zoned("2021-01-23T12:00:00.5Z", Some((NOON + 500_000, true)));
    check_zoned("2021-01-23T12:00:00.000001+00:00", Some((NOON + 1, true)));
    check_zoned(
        "2021-01-23T12:00:00.123456000Z",
        Some((NOON + 123_456, true)),
    );
    check_zoned(
        "2021-01-23T12:00:00.123456789Z",
        Some((NOON + 123_456, false)),
    );
    check_zoned("2021-01-23", Some((NOON - MICROS_PER_DAY / 2, true)));
    check_zoned(
        "2021-01-22T24:00:00Z",
        Some((NOON - MICROS_PER_DAY / 2, true)),
    );
    check_zoned("2016-12-31T23:59:60Z", Some((1_483_228_800_000_000, true)));
    check_zoned("1969-12-31T23:59:59.999999Z", Some((-1, true)));
    check_zoned(
        "0001-01-01T00:00:00Z",
        Some((-62_135_596_800_000_000, true)),
    );
    check_zoned(
        "0001-12-31T00:00:00Z BC",
        Some((-62_135_683_200_000_000, true)),
    );
    check_zoned(
        "0000-12-31T00:00:00Z",
        Some((-62_135_683_200_000_000, true)),
    );
    check_zoned(
        "+12021-01-23T12:00:00Z",
        Some((317_180_923_200_000_000, true)),
    );
    check_zoned("294247-01-10T04:00:54.775807Z", Some((i64::MAX, true)));
    check_zoned("294247-01-10T04:00:54.775808Z", None);
    check_zoned("290309-12-21T19:59:05.224192Z BC", Some((i64::MIN, true)));
    check_zoned("2020-02-29T00:00:00Z", Some((1_582_934_400_000_000, true)));
    for text in [
        "",
        "x",
        "2021",
        "2021-1-23",
        "2021-13-01",
        "2021-00-01",
        "2021-02-29",
        "2021-04-31",
        "2021-01-00",
        "2021-01-23T",
        "2021-01-23T12",
        "2021-01-23T25:00:00Z",
        "2021-01-23T12:60:00Z",
        "2021-01-23T12:00:61Z",
        "2021-01-23T12:00:00.Z",
        "2021-01-23T12:00:00+5",
        "1611403200",
        "2021-01-23T12:00:00+24:00",
        "2021-01-23T12:00:00Zx",
        "2021-01-23X12:00:00Z",
        "2021-01-23T12:00:00+05:0",
        "9999999999-01-01",
        "-2021-01-23 BC",
        "2021-01-23T1:00:00Z",
        "2021/01-23T12:00:00Z",
        "2021-01-23T12-00:00Z",
        "202a-01-23T12:00:00Z",
    ] {
        check_zoned(text, None);
    }
}

#[test]
fn timestamps_without_a_zone_keep_the_clock() {
    let check = |text: &str, expected: Option<(i64, bool)>| {
        let slow = timestamp(text.as_bytes(), false).map(|r| (r.value, r.exact));
        assert_eq!(slow, expected, "{text}");
        let quoted = format!("{text}\"");
        if let Some((value, end)) = short_timestamp(quoted.as_bytes(), false) {
            assert_eq!(
                (Some((value, true)), end),
                (expected, text.len()),
                "{text}: short"
            );
        }
    };
    check("2021-01-23T12:00:00", Some((NOON, true)));
    check("2021-01-23T12:00:00.25", Some((NOON + 250_000, true)));
    check("2021-01-23T12:00:00Z", Some((NOON, true)));
    check("2021-01-23T12:00:00+05:00", Some((NOON, false)));
}

#[test]
fn dates() {
    let check = |text: &str, expected: Option<(i32, bool)>| {
        assert_eq!(
            date(text.as_bytes()).map(|r| (r.value, r.exact)),
            expected,
            "{text}"
        );
        if text.len() == 10 {
            let short = short_date(text.as_bytes());
            assert_eq!(short, expected.map(|(days, _)| i64::from(days)), "{text}");
        }
    };
    check("1970-01-01", Some((0, true)));
    check("2021-01-23", Some((18_650, true)));
    check("2000-02-29", Some((11_016, true)));
    check("1900-02-29", None);
    check("2021-01-23 BC", Some((-1_457_296, true)));
    check("2021-01-23T00:00:00Z", Some((18_650, true)));
    check("2021-01-23T00:00:01Z", Some((18_650, false)));
    check("12021-01-23", Some((3_671_075, true)));
    check("5881580-07-11", Some((i32::MAX, true)));
    check("5881580-07-12", None);
    check("2021-01-2x", None);
    check("01/23/2021", None);
}

#[test]
fn times_of_day() {
    let check = |text: &str, expected: Option<(i64, bool)>| {
        assert_eq!(
            time_of_day(text.as_bytes()).map(|r| (r.value, r.exact)),
            expected,
            "{text}"
        );
    };
    check("01:23:45.678", Some((5_025_678_000, true)));
    check("01:23", Some((4_980_000_000, true)));
    check("23:59:59.999999", Some((MICROS_PER_DAY - 1, true)));
    check("01:23:45Z", Some((5_025_000_000, true)));
    check("01:23:45+05:00", Some((5_025_000_000, false)));
    check("24:00:00", None);
    check("23:59:60", None);
    check("1:23", None);
    check("", None);
}

#[test]
fn what_is_written_reads_the_same() {
    let mut micros = vec![
        0,
        1,
        -1,
        NOON,
        NOON + 1000,
        i64::MAX,
        i64::MIN,
        -62_135_596_800_000_001,
    ];
    micros.extend((-40..40).map(|i| i * 7_777_777_777_777_777));
    for value in micros {
        for zoned in [true, false] {
            let mut out = Vec::new();
            write_timestamp(&mut out, value, zoned);
            let text = String::from_utf8_lossy(&out).into_owned();
            assert_eq!(
                timestamp(&out, zoned),
                Some(Reading { value, exact: true }),
                "{text}"
            );
        }
    }
    for value in (-20_000_000..20_000_000)
        .step_by(9973)
        .chain([i32::MIN, i32::MAX])
    {
        let mut out = Vec::new();
        write_date(&mut out, i64::from(value));
        assert_eq!(date(&out), Some(Reading { value, exact: true }));
    }
    let mut out = Vec::new();
    assert!(!write_time(&mut out, MICROS_PER_DAY) && !write_time(&mut out, -1));
    write_timestamp(&mut out, NOON + 10, true);
    out.push(b' ');
    write_date(&mut out, -719_163);
    assert_eq!(out, b"2021-01-23T12:00:00.000010Z 0001-12-31 BC");
}
