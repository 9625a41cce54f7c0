//! rclone's filter flags.

use super::{Flag, Guard::Removal, switch, value};

const METADATA: &str = "files of a Dropbox have no such metadata";
const METADATA_INSTEAD: &str = "filter by name, size or age: --include, --max-size, --max-age";

/// Returns a filter by metadata.
const fn metadata(name: &'static str) -> Flag {
    value(name).guard(Removal).refused(METADATA, METADATA_INSTEAD)
}

/// Returns a filter.
const fn filter(name: &'static str) -> Flag {
    value(name).guard(Removal)
}

/// The filter flags.
pub(super) const FILTERS: &[Flag] = &[
    switch("delete-excluded"),
    filter("exclude"),
    filter("exclude-from"),
    filter("exclude-if-present"),
    filter("files-from"),
    filter("files-from-raw"),
    filter("files-from0"),
    filter("filter").short('f'),
    filter("filter-from"),
    filter("hash-filter"),
    switch("ignore-case"),
    filter("include"),
    filter("include-from"),
    filter("max-age"),
    filter("max-depth"),
    filter("max-size"),
    filter("min-age"),
    filter("min-size"),
    metadata("metadata-exclude"),
    metadata("metadata-exclude-from"),
    metadata("metadata-filter"),
    metadata("metadata-filter-from"),
    metadata("metadata-include"),
    metadata("metadata-include-from"),
];
