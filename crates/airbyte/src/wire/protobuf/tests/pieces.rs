//! Columns written in pieces, and texts of every length, which are copied in steps of one width.

use crossdock_core::batch::{Body, Columns};
use serde_json::json;

use super::{catalog, decode, rows, stream};
use crate::wire::protobuf::{FrameWriter, Framed, Layout, Wanted};

/// Texts and JSON texts of 0 to 200 bytes, and their frames.
fn case(layout: Layout) -> (FrameWriter, Columns, Vec<u8>) {
    let stream = stream(&json!({"text": {"type": "string"}, "json": {"type": "object"}}));
    let text = |length: usize| {
        let text: String = ('a'..='z').cycle().take(length).collect();
        json!({"text": text, "json": {"in": text}}).to_string()
    };
    let lines: Vec<String> = (0..=200).map(text).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let mut writer = FrameWriter::new(layout, &stream);
    let mut frames = Vec::new();
    writer.rows(&rows(&lines), "p", &mut frames).unwrap();
    let found = decode(layout, &catalog(&stream), Wanted::Columns, &frames).pop();
    let Some(Framed::Records {
        body: Body::Columns(columns),
        ..
    }) = found
    else {
        panic!("no columns");
    };
    (writer, columns, frames)
}

#[test]
fn texts_of_every_length_are_those_of_rows() {
    for layout in [Layout::V1, Layout::V2] {
        let (mut writer, columns, frames) = case(layout);
        let mut out = Vec::new();
        writer.columns(&columns, "p", &mut out).unwrap();
        assert!(out == frames, "{layout:?}");
    }
}

#[test]
fn pieces_are_the_whole() {
    let (mut writer, columns, frames) = case(Layout::V2);
    for step in [1, 7, 200, 201, 300] {
        let mut out = Vec::new();
        for first in (0..columns.len()).step_by(step) {
            let range = first..first + step;
            writer
                .columns_range(&columns, range, "p", &mut out)
                .unwrap();
        }
        assert!(out == frames, "{step}");
    }
}
