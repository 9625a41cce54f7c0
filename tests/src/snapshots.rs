//! Snapshots of what the programs print, for help and errors.
//!
//! A snapshot is a file beside the tests. `INSTA_UPDATE=always` writes those that changed; everywhere else a difference fails the
//! test and shows it.

use std::path::Path;

use regex::Regex;

use crate::test_env::{TestEnv, text};

/// Patterns of what differs from run to run, with their replacements.
const VARIABLE: [(&str, &str); 5] = [
    (r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d", "[NOW]"),
    // Whether a cut connection is seen as closed or reset depends on the moment.
    (r"(the connection to \S+ broke): .*", "$1: [REASON]"),
    (r"\d+(\.\d+)? (s|ms)\b", "[TIME]"),
    (r"[\d.]+ [KMG]?i?B/s", "[RATE]"),
    (r"127\.0\.0\.1:\d+", "[ADDRESS]"),
];

/// Replaces paths of `env`, its sandbox's address, durations and rates in what a program printed.
///
/// # Errors
/// When a pattern is wrong, which a test would show at once.
pub fn redacted(env: &TestEnv, printed: &str) -> anyhow::Result<String> {
    let dir = text(&env.path(""));
    let mut out = printed
        .replace(dir.trim_end_matches('/'), "[DIR]")
        .replace(env.sandbox.origin(), "[DROPBOX]");
    for (pattern, replacement) in VARIABLE {
        out = Regex::new(pattern)?.replace_all(&out, replacement).into_owned();
    }
    Ok(out)
}

/// Compares `printed` with the snapshot `name` in the folder `dir`.
///
/// # Panics
/// When they differ, unless `INSTA_UPDATE` says that the snapshot is to be written.
pub fn check(dir: &Path, name: &str, printed: &str) {
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(dir);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, printed));
}
