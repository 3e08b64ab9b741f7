//! How the files of a configuration are written.

use crossdock_core::error::Result;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};

use super::config::Config;
use crate::file::column_file::created_by;

/// How the files of a configuration are written, whatever their columns.
pub(crate) fn properties(config: &Config) -> Result<WriterPropertiesBuilder> {
    Ok(WriterProperties::builder()
        .set_created_by(created_by())
        .set_compression(config.codec()?)
        .set_max_row_group_bytes(Some(config.row_group_bytes.max(1)))
        .set_max_row_group_row_count(Some(config.row_group_records.max(1)))
        // Page statistics cost a noticeable part of the encoding and help few readers.
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_dictionary_enabled(false))
}
